from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from access.clock import Clock, SystemClock
from access.entitlements import System
from access.operations import Lane
from access.policy import Policy
from access.ticket_routes import StatusRules, TicketRoute
from config.settings import Settings
from config.ticketing import TicketingSettings
from httpclient import RateLimiter, Unlimited
from tasks.ticket_text import TicketWriter, due_on
from ticketing.jira import JiraServiceDeskProvider, JiraTicketProvider
from ticketing.names import folded
from ticketing.ports import TicketProvider
from ticketing.status import StatusMap
from ticketing.templates import Templates
from worker.client_options import client_options
from worker.policy import policy_from
from worker.rate_limiter import BudgetRateLimiter
from worker.systems.connectors import allowance_of, budget_rate_limiter
from worker.systems.definition import Dependencies
from worker.systems.jira import site_client
from worker.ticketing_off import NoTickets

#: The budget of a ticketing site that is not the provisioned one.
_OWN_SITE = "ticketing"

_PROVIDERS = {"jira": JiraTicketProvider, "jira-service-management": JiraServiceDeskProvider}


class PolicyStatuses:
    """What statuses mean, by the policy, and by the settings where policy does not say."""

    def __init__(self, ticketing: TicketingSettings, policy: Policy) -> None:
        self._declined = (*ticketing.declined_resolutions, *ticketing.declined_statuses)
        self._policy = policy

    def of(self, project: str, *types: str) -> StatusMap:
        """The first mapping that is written for a project's kind of ticket."""
        names = {folded(each) for each in types}
        written = (
            each.statuses
            for each in self._policy.ticket_routes
            if each.project == project and folded(each.issue_type) in names and each.statuses != StatusRules()
        )
        return StatusMap(self._declined, next(written, None))


@dataclass(frozen=True, slots=True)
class Ticketing:
    """What commands need that ask the ticketing system, and make nothing."""

    provider: TicketProvider
    policy: Policy
    templates: Templates
    writer: TicketWriter
    clock: Clock
    due_days: int | None

    def due_on(self, route: TicketRoute) -> date | None:
        """When a ticket that is made now on this road is due."""
        return due_on(route, self.due_days, self.clock.now())


def ticketing_from(settings: Settings) -> Ticketing:
    """The ticketing of the settings, outside of a worker. Raises ``SettingsError``."""
    policy, _ = policy_from(settings)
    clock = SystemClock()
    templates = Templates(settings.ticketing.templates_dir)
    return Ticketing(
        provider=provider_from(settings, clock, lambda _: Unlimited(), policy),
        policy=policy,
        templates=templates,
        writer=TicketWriter(templates, policy, due_in_days=settings.ticketing.due_days),
        clock=clock,
        due_days=settings.ticketing.due_days,
    )


def provider_from(
    settings: Settings, clock: Clock, limiter: Callable[[Lane], RateLimiter], policy: Policy
) -> TicketProvider:
    """The ticketing provider, with the rate limiter of each lane; one that says what is missing when none is configured."""
    site, ticketing = settings.ticketing_site, settings.ticketing
    if not site.enabled:
        return NoTickets()
    section = "jira" if ticketing.jira is None else "ticketing.jira"
    options = client_options(settings, clock, limiter(Lane.TICKET))
    client = site_client(settings, lambda now: now.ticketing_site, section, options)
    return _PROVIDERS[ticketing.provider](
        client,
        urgent=client.with_rate_limiter(limiter(Lane.REVOKE)),
        site_url=site.site_url or "",
        statuses=PolicyStatuses(ticketing, policy),
        internal_comments=ticketing.internal_comments,
    )


def budgets_of(system: System) -> tuple[str, ...]:
    """The rate budgets that calls to a system's service count against, by their names in the store."""
    return (system, _OWN_SITE) if system is System.JIRA else (system,)


def ticket_rate_limiter(dependencies: Dependencies, lane: Lane) -> BudgetRateLimiter:
    """One lane of the budget of ticket calls: the provisioned site's, unless tickets have a site of their own."""
    jira = dependencies.settings.jira
    budget = System.JIRA if dependencies.settings.ticketing.jira is None else _OWN_SITE
    return budget_rate_limiter(dependencies, budget, lane, allowance_of(jira))
