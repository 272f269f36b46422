from __future__ import annotations

from collections.abc import Iterator

from access.clock import Clock
from cli.connectors import tenant_of
from cli.problems import Problem
from cli.store_access import store_if_any
from config.settings import Settings
from tasks.doctor.findings import Check, Finding
from tasks.tenancy import foreign
from worker.systems.definition import Systems


def examine_tenants(settings: Settings, _clock: Clock, *, systems: Systems) -> Iterator[Finding]:
    """Whether each system is still the organization or site that the store knows."""
    try:
        with store_if_any(settings) as store:
            if store is None:
                return
            with store.read() as work:
                tenants = {system: work.tenants.of(system) for system in systems}
    except Problem:
        return  # The examination of the store says so.
    for system, known in tenants.items():
        if known is None or not settings.systems[system].enabled:
            continue
        check = Check("tenants", str(system))
        try:
            found = tenant_of(settings, systems, system)
        except Problem as problem:
            yield check.unknown(f"Whether {system.label} is still {known} is not proven: {problem}")
            continue
        if found is None:
            yield check.unknown(f"{system.label} does not say whether it is still {known}.")
        elif found.id == known.id:
            yield check.ok(f"{system.label} is {known}, as before.")
        else:
            failure = foreign(system, found, known)
            yield check.problem(failure.what, failure.remedy)
