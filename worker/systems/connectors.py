"""The connectors of the systems that the settings enable, each on the lanes of the system's rate budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from access.entitlements import System
from access.operations import Lane
from config.systems import SystemSettings
from connectors.ports import Connector
from store.rate_budgets import Allowance
from worker.client_options import client_options
from worker.rate_limiter import BudgetRateLimiter
from worker.systems.definition import Dependencies, Systems


@dataclass(frozen=True, slots=True)
class Connectors:
    """A connector for each enabled system: on the usual lane, and on the lane that takes access away."""

    usual: Mapping[System, Connector]
    urgent: Mapping[System, Connector]


def connectors_from(dependencies: Dependencies, systems: Systems) -> Connectors:
    """The connectors of the enabled systems. Raises ``SettingsError`` for a credential that cannot be one."""
    usual: dict[System, Connector] = {}
    urgent: dict[System, Connector] = {}
    for system, kit in systems.items():
        if not dependencies.settings.systems[system].enabled:
            continue
        options = client_options(
            dependencies.settings, dependencies.clock, rate_limiter_for(dependencies, system, Lane.GRANT)
        )
        connector = kit.connector(dependencies, options)
        usual[system] = connector
        urgent[system] = connector.with_rate_limiter(rate_limiter_for(dependencies, system, Lane.REVOKE))
    return Connectors(usual, urgent)


def rate_limiter_for(dependencies: Dependencies, system: System, lane: Lane) -> BudgetRateLimiter:
    """The rate limiter of one lane of a system's budget, as the system's section of the settings has it."""
    return budget_rate_limiter(dependencies, system, lane, allowance_of(dependencies.settings.systems[system]))


def allowance_of(section: SystemSettings) -> Allowance:
    """The size of a system's rate budget, as the system's section of the settings has it."""
    return Allowance(rate=section.rate, burst=section.burst, most=section.most_rate)


def budget_rate_limiter(dependencies: Dependencies, budget: str, lane: Lane, allowance: Allowance) -> BudgetRateLimiter:
    """The rate limiter of one lane of a budget. A stop that a service asked for is capped on the lane that takes access away."""
    longest_stop = dependencies.settings.limits.longest_stop if lane is Lane.REVOKE else None
    return BudgetRateLimiter(dependencies.store, dependencies.clock, budget, lane, allowance, longest_stop=longest_stop)
