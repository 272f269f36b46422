from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from access.clock import Clock
from access.failures import Permanent
from access.policy import Policy
from access.remedies import WithRemedy
from access.ticket_routes import TicketRoute
from config.errors import SettingsError
from config.settings import Settings
from httpclient import Unlimited
from tasks.doctor.findings import Check, Finding
from tasks.doctor.tickets import examine as examine_tickets
from tasks.ticket_check import Unreadable, check_statuses
from tasks.ticket_text import due_on
from ticketing.jira import JiraTicketProvider
from ticketing.jira.fields import DUE_DATE
from ticketing.templates import Templates
from worker.client_options import client_options
from worker.policy import policy_from
from worker.systems.jira import jira_endpoint
from worker.ticketing import provider_from


def examine_ticketing(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Where tickets go, when anything may become one."""
    check = Check("ticketing", "tickets")
    site, section = settings.ticketing_site, "jira" if settings.ticketing.jira is None else "ticketing.jira"
    if not site.enabled:
        yield check.warning(
            "No ticketing is connected, so what no API can do fails.",
            "Set a credential under jira or ticketing.jira.",
        )
        return
    routes = _routes(settings)
    if not routes:
        yield check.warning(
            "Neither settings nor policy say in which project tickets are made, so what no API can do fails.",
            "Set ticketing.project, or ticket.project in the policy.",
        )
        return

    templates = Templates(settings.ticketing.templates_dir)
    nothing = Policy(rules=(), ticket=TicketRoute(project=""))
    provider = provider_from(settings, clock, lambda _: Unlimited(), nothing)
    assert isinstance(provider, JiraTicketProvider), "a site with a credential has one"

    def prove(route: TicketRoute) -> Sequence[WithRemedy]:
        due = due_on(route, settings.ticketing.due_days, clock.now())
        try:
            fields = {**templates.example(route.fields), **({} if due is None else {DUE_DATE: due})}
        except Permanent as failure:
            return [Unreadable(failure.what, failure.remedy)]
        problems = provider.prove(route.project, route.issue_type, fields)
        return problems or list(check_statuses(provider, route))

    options = client_options(settings, clock, Unlimited())
    yield from examine_tickets(
        jira_endpoint(site, section, options),
        prove=prove,
        routes=routes,
        declined=(*settings.ticketing.declined_resolutions, *settings.ticketing.declined_statuses),
    )


def _routes(settings: Settings) -> Sequence[TicketRoute]:
    """Every road that tickets may take."""
    with suppress(SettingsError):  # the examination of the policy says so
        return policy_from(settings)[0].ticket_routes
    ticketing = settings.ticketing
    return [TicketRoute(ticketing.project, ticketing.issue_type)] if ticketing.project else []
