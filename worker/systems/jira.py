"""Jira's row in the table of systems, with the Atlassian organization above the site."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial

from access.clock import Clock
from access.entitlements import EntitlementRef, ResourceKind, System
from access.failures import Failure
from access.provisioning import Provisioning
from access.tenants import Tenant
from config.errors import SettingsError
from config.settings import Settings
from config.systems import JiraSite
from connectors.atlassian import (
    AccountSuspension,
    AtlassianOrganization,
    IdentityProviderGroups,
    organization_client,
    organization_key,
)
from connectors.atlassian.client import SYSTEM as ATLASSIAN
from connectors.jira.client import api_token, bearer_token, find_cloud_id, jira_client
from connectors.jira.connector import JiraConnector
from connectors.jira.reading import AddressOf, JiraHistory, JiraReader
from httpclient import Anonymous, ClientOptions, Credential, HttpClient, Unlimited
from tasks.doctor.assumptions.assumption import judge
from tasks.doctor.assumptions.atlassian import ATLASSIAN as ORGANIZATION_ASSUMPTIONS
from tasks.doctor.assumptions.atlassian import AtlassianLooks
from tasks.doctor.assumptions.jira import JIRA as SITE_ASSUMPTIONS
from tasks.doctor.assumptions.jira import JiraLooks
from tasks.doctor.atlassian import examine as examine_organization
from tasks.doctor.findings import Finding
from tasks.doctor.jira import examine as examine_site
from tasks.doctor.jira_login import JiraEndpoint
from tasks.doctor.probe import RETRIES, Probe, Record
from worker.client_options import client_options
from worker.known_emails import StoredEmails
from worker.policy import policy_from
from worker.systems.definition import Dependencies, SystemDefinition
from worker.systems.live_credential import LiveCredential

#: Some outcomes are known by their text alone, which is English only when asked for [docs].
_ENGLISH = {"Accept-Language": "en", "X-Force-Accept-Language": "true", "X-ExperimentalApi": "opt-in"}

#: The most projects of the policy that are examined one by one.
_MOST_PROJECTS = 50


def jira_credential(site: JiraSite, section: str) -> Credential:
    """The configured credential of a site. Raises ``SettingsError``, which names the ``section``, for an unusable one."""
    try:
        if site.bearer_token is not None:
            return bearer_token(site.bearer_token.get_secret_value())
        return api_token(site.email or "", site.api_token.get_secret_value() if site.api_token else "")
    except ValueError as exc:
        raise SettingsError([f"The {section} credential cannot be used: {exc}"]) from None


def jira_url(site: JiraSite, options: ClientOptions) -> str:
    """Where calls to a site go; the gateway's id of it is looked up when the settings leave it out.

    Raises ``SettingsError`` when the look-up fails.
    """
    if site.via == "site" or site.cloud_id is not None:
        return site.api_base()
    try:
        return site.api_base(cloud_id=find_cloud_id(site.site_url or "", options=options))
    except Failure as failure:
        raise SettingsError(
            [f"The cloud id of {site.site_url} cannot be looked up: {failure} Or set jira.cloud_id."]
        ) from failure


def jira_endpoint(site: JiraSite, section: str, options: ClientOptions) -> JiraEndpoint:
    """Where the doctor finds a site's API, and with which credential; ``section`` is where the site stands in the settings.

    Raises ``SettingsError`` for an unusable credential.
    """
    credential, site_url = jira_credential(site, section), site.site_url or ""

    def probe_at(url: str) -> Probe:
        setting = f"{section}.{'site' if url == site_url else 'gateway'}_url"
        return Probe(url, credential, options, system="jira", setting=setting, headers=_ENGLISH)

    return JiraEndpoint(
        section=section,
        site_url=site_url,
        via=site.via,
        gateway_url=site.gateway_url,
        cloud_id=site.cloud_id,
        bearer=site.bearer_token is not None,
        probe_at=probe_at,
        find_cloud_id=partial(find_cloud_id, site_url, options=replace(options, retry_policy=RETRIES)),
    )


def site_client(
    settings: Settings, site_of: Callable[[Settings], JiraSite], section: str, options: ClientOptions
) -> HttpClient:
    """A client for a Jira site. Raises ``SettingsError``, which names the ``section``, for an unusable credential."""
    credential = LiveCredential(settings, lambda now: jira_credential(site_of(now), section), of=section)
    return jira_client(credential=credential, base_url=jira_url(site_of(settings), options), options=options)


def _organization_credential(settings: Settings) -> Credential:
    try:
        key = settings.atlassian.api_key
        return organization_key(key.get_secret_value() if key is not None else "")
    except ValueError as exc:
        raise SettingsError([f"The atlassian credential cannot be used: {exc}"]) from None


def _organization(settings: Settings, options: ClientOptions) -> AtlassianOrganization | None:
    """The organization above the site, when a key for it is configured."""
    atlassian = settings.atlassian
    if atlassian.api_key is None or atlassian.org_id is None:
        return None
    credential = LiveCredential(settings, _organization_credential, of=ATLASSIAN)
    client = organization_client(credential=credential, options=options, base_url=atlassian.api_url)
    return AtlassianOrganization(client, atlassian.org_id)


def _suspension(settings: Settings, organization: AtlassianOrganization | None) -> AccountSuspension | None:
    """What suspends accounts, where that is switched on."""
    if organization is None or not settings.atlassian.suspend_accounts:
        return None
    return organization.suspension()


def _find_tenant(settings: Settings, options: ClientOptions) -> Tenant:
    """The site by its cloud id: at the gateway, the one that calls go to; else the one that the site names."""
    site, url = settings.jira, settings.jira.site_url or ""
    return Tenant((site.cloud_id or find_cloud_id(url, options=options)).lower(), url)


def _connector(dependencies: Dependencies, options: ClientOptions) -> JiraConnector:
    settings = dependencies.settings
    emails = StoredEmails(dependencies.store, dependencies.clock, System.JIRA)
    organization = _organization(settings, options)
    return JiraConnector(
        site_client(settings, lambda now: now.jira, "jira", options),
        site=settings.jira.site_url or "",
        known_emails=emails.account,
        remember_address=emails.learn,
        idp_groups=IdentityProviderGroups(organization, dependencies.clock) if organization else lambda _: False,
        protected_groups=settings.jira.protected_groups,
        suspension=_suspension(settings, organization),
    )


def _reader(dependencies: Dependencies, options: ClientOptions) -> JiraReader:
    emails = StoredEmails(dependencies.store, dependencies.clock, System.JIRA)
    return _site_reader(dependencies.settings, options, emails.address)


def _auditor(settings: Settings, _clock: Clock, options: ClientOptions) -> JiraReader:
    return _site_reader(settings, options, lambda _: None)


def _site_reader(settings: Settings, options: ClientOptions, known_emails: AddressOf) -> JiraReader:
    return JiraReader(
        site_client(settings, lambda now: now.jira, "jira", options),
        site=settings.jira.site_url or "",
        concurrency=settings.jira.concurrency,
        organization=_organization(settings, options),
        known_emails=known_emails,
        use_events=settings.sync.use_events,
        skip_customers=settings.sync.skip_customers,
        participants=not settings.sync.skip_participants,
    )


def _history(settings: Settings, options: ClientOptions) -> JiraHistory:
    return JiraHistory(site_client(settings, lambda now: now.jira, "jira", options), _organization(settings, options))


def _examine_site(settings: Settings, clock: Clock) -> Iterator[Finding]:
    if not settings.jira.enabled:
        return
    options = client_options(settings, clock, Unlimited())
    yield from examine_site(
        jira_endpoint(settings.jira, "jira", options),
        provisioning=settings.provisioning is not Provisioning.OFF,
        projects=_projects(settings),
        clock=clock,
    )


def _examine_organization(settings: Settings, clock: Clock) -> Iterator[Finding]:
    section = settings.atlassian
    if section.api_key is None or section.org_id is None:
        return
    options = client_options(settings, clock, Unlimited())
    credential = organization_key(section.api_key.get_secret_value())
    yield from examine_organization(
        Probe(section.api_url, credential, options, system=ATLASSIAN, setting="atlassian.api_url"),
        org_id=section.org_id,
        site_url=settings.jira.site_url or "",
        use_events=settings.sync.use_events,
    )


def _probe(settings: Settings, clock: Clock, scratch: Collection[EntitlementRef], record: Record) -> Iterator[Finding]:
    site, atlassian = settings.jira, settings.atlassian
    if not site.enabled:
        return
    options = client_options(settings, clock, Unlimited())

    def probe(url: str, credential: Credential, system: str, setting: str) -> Probe:
        headers = None if system == ATLASSIAN else _ENGLISH
        return Probe(url, credential, options, system=system, setting=setting, headers=headers, record=record)

    api = probe(jira_url(site, options), jira_credential(site, "jira"), "jira", "jira.site_url")
    anonymous = probe(site.site_url or "", Anonymous(), "jira", "jira.site_url")
    named = {ref.kind: ref.path for ref in scratch if ref.system is System.JIRA}
    (group,), role = named.get(ResourceKind.GROUP, (None,)), named.get(ResourceKind.PROJECT_ROLE)
    looks = JiraLooks(api, anonymous, group=group, role=None if role is None else (role[0], role[1]))
    yield from judge("jira", SITE_ASSUMPTIONS, looks)
    if atlassian.api_key is not None and atlassian.org_id is not None:
        key = organization_key(atlassian.api_key.get_secret_value())
        organization = probe(atlassian.api_url, key, ATLASSIAN, "atlassian.api_url")
        yield from judge("atlassian", ORGANIZATION_ASSUMPTIONS, AtlassianLooks(organization, api, atlassian.org_id))


def _projects(settings: Settings) -> list[str]:
    """Keys of projects that rules about project roles name without a wildcard; none of a policy that cannot be used."""
    try:
        policy, _ = policy_from(settings)
    except SettingsError:  # the examination of the policy says so
        return []
    keys = []
    for rule in policy.rules:
        parts = rule.pattern.split(":")
        if parts[:2] == ["jira", "project-role"] and len(parts) > 2 and not set(parts[2]) & set("*?"):  # noqa: PLR2004 - system, kind and project
            keys.append(parts[2])
    return list(dict.fromkeys(keys))[:_MOST_PROJECTS]


JIRA = SystemDefinition(
    connector=_connector,
    reader=_reader,
    auditor=_auditor,
    history=_history,
    examinations={"jira": _examine_site, "atlassian": _examine_organization},
    probing=_probe,
    automated=JiraConnector.automated,
    reads=frozenset({"user", "project", "group", "project-role"}),
    find_tenant=_find_tenant,
    organization_key=lambda settings: settings.atlassian.enabled,
)
