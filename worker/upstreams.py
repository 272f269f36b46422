"""The systems and the ticketing provider that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from access.clock import Clock
from access.entitlements import System
from access.failures import Failure
from access.operations import Lane
from config.errors import SettingsError
from config.settings import Settings
from config.systems import JiraSite as JiraSiteSettings
from connectors.atlassian import (
    AtlassianOrganization,
    IdentityProviderGroups,
    organization_client,
    organization_key,
)
from connectors.jira.client import api_token, bearer_token, jira_client
from connectors.jira.connector import JiraConnector
from connectors.jira.reading import find_cloud_id
from connectors.jumpcloud.client import api_key, jumpcloud_client, service_account
from connectors.jumpcloud.connector import JumpCloudConnector
from connectors.ports import Connector
from httpclient import ClientOptions, Credential, HttpClient, Observer, RateLimiter, RetryPolicy, Timeouts
from store.budgets import Allowance
from store.unit_of_work import Store
from ticketing.jira import JiraTicketProvider
from ticketing.ports import TicketProvider
from ticketing.status import StatusMap
from worker.known_emails import StoredEmails
from worker.no_tickets import NoTickets
from worker.rate_limiter import BudgetRateLimiter

#: The budget of a ticketing site that is not the provisioned one.
_TICKETING = "ticketing"


@dataclass(frozen=True, slots=True)
class Connectors:
    """A connector for each system that has a credential, on the usual lane and on the one that takes access away."""

    usual: Mapping[System, Connector]
    urgent: Mapping[System, Connector]


def connectors_from(settings: Settings, store: Store, clock: Clock) -> Connectors:
    """The connectors that the settings name. Raises ``SettingsError`` for a credential that cannot be one."""
    usual: dict[System, Connector] = {}
    urgent: dict[System, Connector] = {}
    if settings.jumpcloud.enabled:
        options = client_options(
            settings, clock, rate_limiter_for(settings, store, clock, System.JUMPCLOUD, Lane.GRANT)
        )
        jumpcloud = JumpCloudConnector(jumpcloud_client_from(settings, options))
        usual[System.JUMPCLOUD] = jumpcloud
        urgent[System.JUMPCLOUD] = jumpcloud.through(
            rate_limiter_for(settings, store, clock, System.JUMPCLOUD, Lane.REVOKE)
        )
    if settings.jira.enabled:
        addresses = StoredEmails(store, clock, System.JIRA)
        options = client_options(settings, clock, rate_limiter_for(settings, store, clock, System.JIRA, Lane.GRANT))
        organization = organization_from(settings, options)
        jira = JiraConnector(
            jira_client_from(settings, options),
            site=settings.jira.site_url or "",
            known_emails=addresses.account,
            remember_address=addresses.learn,
            idp_groups=IdentityProviderGroups(organization, clock) if organization else lambda _: False,
            protected_groups=settings.jira.all_protected_groups,
        )
        usual[System.JIRA] = jira
        urgent[System.JIRA] = jira.through(rate_limiter_for(settings, store, clock, System.JIRA, Lane.REVOKE))
    return Connectors(usual, urgent)


def rate_limiter_for(settings: Settings, store: Store, clock: Clock, system: System, lane: Lane) -> BudgetRateLimiter:
    """One lane of a system's rate budget."""
    section = settings.jumpcloud if system is System.JUMPCLOUD else settings.jira
    allowance = Allowance(rate=section.rate, burst=section.burst)
    return BudgetRateLimiter(store, clock, system, lane, allowance, longest_stop=_longest_stop(settings, lane))


def ticket_rate_limiter(settings: Settings, store: Store, clock: Clock, lane: Lane) -> BudgetRateLimiter:
    """One lane of the budget that tickets are made from: that of the provisioned site, unless they have a site of their own."""
    budget = System.JIRA if settings.ticketing.jira is None else _TICKETING
    allowance = Allowance(rate=settings.jira.rate, burst=settings.jira.burst)
    return BudgetRateLimiter(store, clock, budget, lane, allowance, longest_stop=_longest_stop(settings, lane))


def _longest_stop(settings: Settings, lane: Lane) -> timedelta | None:
    return settings.limits.longest_stop if lane is Lane.REVOKE else None


def client_options(
    settings: Settings,
    clock: Clock,
    rate_limiter: RateLimiter,
    *,
    observer: Observer | None = None,
    retry_policy: RetryPolicy | None = None,
) -> ClientOptions:
    """How our clients behave towards any upstream; with the usual ``retry_policy`` unless another is given."""
    limits = settings.limits
    return ClientOptions(
        timeouts=Timeouts(connect=limits.connect_timeout, read=limits.read_timeout),
        pool_size=settings.worker.concurrency,
        retry_policy=retry_policy or RetryPolicy(),
        rate_limiter=rate_limiter,
        observer=observer,
        clock=clock,
    )


def jumpcloud_client_from(settings: Settings, options: ClientOptions) -> HttpClient:
    """A client for the configured JumpCloud organization."""
    return jumpcloud_client(
        base_url=settings.jumpcloud.api_base,
        credential=jumpcloud_credential(settings, options),
        options=options,
        organization=settings.jumpcloud.org_id,
    )


def jumpcloud_credential(settings: Settings, options: ClientOptions) -> Credential:
    """The configured credential for JumpCloud. Raises ``SettingsError`` for one that cannot be sent."""
    jumpcloud = settings.jumpcloud
    try:
        if jumpcloud.api_key is not None:
            return api_key(jumpcloud.api_key.get_secret_value())
        assert jumpcloud.client_id is not None
        assert jumpcloud.client_secret is not None
        return service_account(
            jumpcloud.client_id,
            jumpcloud.client_secret.get_secret_value(),
            options=options,
            token_url=jumpcloud.token_url,
        )
    except ValueError as exc:
        raise SettingsError([f"The jumpcloud credential cannot be used: {exc}"]) from None


def jira_client_from(settings: Settings, options: ClientOptions) -> HttpClient:
    """A client for the provisioned Jira site."""
    return _site_client(settings.jira, options)


def _site_client(jira: JiraSiteSettings, options: ClientOptions) -> HttpClient:
    try:
        credential = (
            bearer_token(jira.bearer_token.get_secret_value())
            if jira.bearer_token is not None
            else api_token(jira.email or "", jira.api_token.get_secret_value() if jira.api_token else "")
        )
    except ValueError as exc:
        raise SettingsError([f"The jira credential cannot be used: {exc}"]) from None
    return jira_client(base_url=jira_base_url(jira, options), credential=credential, options=options)


def jira_base_url(jira: JiraSiteSettings, options: ClientOptions) -> str:
    """Where calls to a site go; the gateway's id of it is looked up when the settings leave it out.

    Raises ``SettingsError`` when that cannot be done.
    """
    if jira.via == "site" or jira.cloud_id is not None:
        return jira.api_base()
    try:
        return jira.api_base(cloud_id=find_cloud_id(jira.site_url or "", options=options))
    except Failure as failure:
        raise SettingsError(
            [f"The cloud id of {jira.site_url} cannot be looked up: {failure} Or set jira.cloud_id."]
        ) from failure


def organization_from(settings: Settings, options: ClientOptions) -> AtlassianOrganization | None:
    """The organization above the site, when a key for it is configured."""
    atlassian = settings.atlassian
    if atlassian.api_key is None or atlassian.org_id is None:
        return None
    try:
        credential = organization_key(atlassian.api_key.get_secret_value())
    except ValueError as exc:
        raise SettingsError([f"The atlassian credential cannot be used: {exc}"]) from None
    client = organization_client(credential=credential, options=options, base_url=atlassian.api_url)
    return AtlassianOrganization(client, atlassian.org_id)


def provider_from(settings: Settings, clock: Clock, limiter: Callable[[Lane], RateLimiter]) -> TicketProvider:
    """The ticketing provider, with the rate limiter of each lane; one that says what is missing when none is configured."""
    site, ticketing = settings.ticketing_site, settings.ticketing
    if not site.enabled:
        return NoTickets()
    client = _site_client(site, client_options(settings, clock, limiter(Lane.TICKET)))
    return JiraTicketProvider(
        client,
        urgent=client.through(limiter(Lane.REVOKE)),
        site_url=site.site_url or "",
        statuses=StatusMap((*ticketing.declined_resolutions, *ticketing.declined_statuses)),
        internal_comments=ticketing.internal_comments,
    )
