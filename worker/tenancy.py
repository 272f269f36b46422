"""The tenancy of the systems that the settings enable."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from access.entitlements import System
from access.operations import Lane
from tasks.tenancy import FindTenant, Tenancy
from worker.client_options import client_options
from worker.systems.connectors import rate_limiter_for
from worker.systems.definition import Dependencies, Systems


def tenancy_from(dependencies: Dependencies, systems: Systems) -> Tenancy:
    """The tenancy of the enabled systems, whose calls are on the lane of removals."""
    return Tenancy(dependencies.store, dependencies.clock, _finders(dependencies, systems))


def _finders(dependencies: Dependencies, systems: Systems) -> Mapping[System, FindTenant]:
    settings = dependencies.settings
    return {
        system: partial(
            kit.find_tenant,
            settings,
            client_options(settings, dependencies.clock, rate_limiter_for(dependencies, system, Lane.REVOKE)),
        )
        for system, kit in systems.items()
        if settings.systems[system].enabled
    }
