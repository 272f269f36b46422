"""The systems and the ticketing provider that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
from httpclient import ClientOptions, Credential, HttpClient, Observer, RateLimiter, RetryPolicy, Timeouts, Unlimited
from store.budgets import Allowance
from store.unit_of_work import Store
from ticketing.jira import JiraSite, JiraTicketProvider
from ticketing.ports import TicketProvider
from ticketing.status import StatusMap
from worker.known_emails import StoredEmails
from worker.no_tickets import NoTickets
from worker.rate_limiter import BudgetRateLimiter


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
        urgent[System.JUMPCLOUD] = jumpcloud.with_rate_limiter(
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
        urgent[System.JIRA] = jira.with_rate_limiter(rate_limiter_for(settings, store, clock, System.JIRA, Lane.REVOKE))
    return Connectors(usual, urgent)


def rate_limiter_for(settings: Settings, store: Store, clock: Clock, system: System, lane: Lane) -> BudgetRateLimiter:
    """One lane's door to a system's rate budget."""
    section = settings.jumpcloud if system is System.JUMPCLOUD else settings.jira
    return BudgetRateLimiter(store, clock, system, lane, Allowance(rate=section.rate, burst=section.burst))


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
        address=settings.jumpcloud.api_base,
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
            token_address=jumpcloud.token_url,
        )
    except ValueError as exc:
        raise SettingsError([f"The jumpcloud credential cannot be used: {exc}"]) from None


def jira_client_from(settings: Settings, options: ClientOptions) -> HttpClient:
    """A client for the configured Jira site."""
    jira = settings.jira
    try:
        credential = (
            bearer_token(jira.bearer_token.get_secret_value())
            if jira.bearer_token is not None
            else api_token(jira.email or "", jira.api_token.get_secret_value() if jira.api_token else "")
        )
    except ValueError as exc:
        raise SettingsError([f"The jira credential cannot be used: {exc}"]) from None
    return jira_client(address=jira_address(jira, options), credential=credential, options=options)


def jira_address(jira: JiraSiteSettings, options: ClientOptions) -> str:
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
    client = organization_client(credential=credential, options=options, address=atlassian.api_url)
    return AtlassianOrganization(client, atlassian.org_id)


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
        api_url="" if site.via == "site" else jira_address(site, options),
        scheme="bearer" if bearer else "basic",
    )
