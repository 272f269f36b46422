from __future__ import annotations

from access.clock import Clock
from config.settings import Settings
from config.systems import JiraSite as JiraSiteSettings
from httpclient import ClientOptions, Unlimited
from ticketing.jira import JiraSite, JiraTicketProvider
from ticketing.ports import TicketProvider
from ticketing.status import StatusMap
from worker.client_options import client_options
from worker.no_tickets import NoTickets
from worker.systems.jira import jira_url


def provider_from(settings: Settings, clock: Clock) -> TicketProvider:
    """The ticketing provider; one that says what is missing when none is configured."""
    site = settings.ticketing_site
    if not site.enabled:
        return NoTickets()
    declined = (*settings.ticketing.declined_resolutions, *settings.ticketing.declined_statuses)
    options = client_options(settings, clock, Unlimited())
    return JiraTicketProvider(_site(site, options), clock=clock, statuses=StatusMap(declined=declined))


def _site(site: JiraSiteSettings, options: ClientOptions) -> JiraSite:
    bearer = site.bearer_token is not None
    token = site.bearer_token or site.api_token
    return JiraSite(
        site_url=site.site_url or "",
        token=token.get_secret_value() if token else "",
        email=site.email or "",
        api_url="" if site.via == "site" else jira_url(site, options),
        scheme="bearer" if bearer else "basic",
    )
