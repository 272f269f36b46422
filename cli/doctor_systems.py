"""The doctor's examinations of what the settings connect: JumpCloud, Jira, Atlassian's organization, ticketing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from access.clock import Clock
from access.policy import Policy, TicketRoute
from config.errors import SettingsError
from config.settings import Provisioning, Settings
from config.systems import JiraSite
from connectors.atlassian import client as atlassian
from connectors.jira.client import api_token, bearer_token
from connectors.jira.reading import find_cloud_id
from httpclient import ClientOptions, Credential, Unlimited
from tasks.doctor.atlassian import AtlassianSetup
from tasks.doctor.atlassian import examine as examine_organization
from tasks.doctor.findings import Check, Finding
from tasks.doctor.jira import JiraSetup
from tasks.doctor.jira import examine as examine_site
from tasks.doctor.jira_login import JiraEndpoint
from tasks.doctor.jumpcloud import JumpCloudSetup
from tasks.doctor.jumpcloud import examine as examine_directory
from tasks.doctor.probe import RETRIES, Probe
from tasks.doctor.tickets import TicketSetup
from tasks.doctor.tickets import examine as examine_tickets
from ticketing.jira.proof import Problem

#: Some outcomes are known by their text alone, which is English only when asked for [docs].
_ENGLISH = {"Accept-Language": "en", "X-Force-Accept-Language": "true", "X-ExperimentalApi": "opt-in"}

#: The most projects of the policy that are examined one by one.
_MOST_PROJECTS = 50


def examine_jumpcloud(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """JumpCloud, when it is connected."""
    from worker.upstreams import jumpcloud_credential

    jumpcloud = settings.jumpcloud
    if not jumpcloud.enabled:
        return
    options = _client_options(settings, clock)
    credential = jumpcloud_credential(settings, options)
    headers = {"x-org-id": jumpcloud.org_id} if jumpcloud.org_id else {}

    def probe(address: str, setting: str) -> Probe:
        return Probe(address, credential, options, system="jumpcloud", setting=setting, headers=headers)

    yield from examine_directory(
        JumpCloudSetup(
            api=probe(jumpcloud.api_base, "jumpcloud.api_url or region"),
            insights=probe(jumpcloud.insights_base, "jumpcloud.insights_url or region"),
            credential=credential,
            token_address=jumpcloud.token_url,
            api_key=None if jumpcloud.api_key is None else jumpcloud.api_key.get_secret_value(),
            org_id=jumpcloud.org_id,
            provisioning=settings.provisioning is not Provisioning.OFF,
            use_events=settings.sync.use_events,
            clock=clock,
        )
    )


def examine_jira(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Jira, when it is connected."""
    if not settings.jira.enabled:
        return
    options = _client_options(settings, clock)
    yield from examine_site(
        JiraSetup(
            endpoint=_endpoint(settings.jira, "jira", options),
            provisioning=settings.provisioning is not Provisioning.OFF,
            projects=_projects(settings),
            clock=clock,
        )
    )


def examine_atlassian(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """The organization above the site, when it is connected."""
    section = settings.atlassian
    if section.api_key is None or section.org_id is None:
        return
    options = _client_options(settings, clock)
    credential = atlassian.organization_key(section.api_key.get_secret_value())
    yield from examine_organization(
        AtlassianSetup(
            api=Probe(section.api_url, credential, options, system=atlassian.SYSTEM, setting="atlassian.api_url"),
            org_id=section.org_id,
            site_url=settings.jira.site_url or "",
            use_events=settings.sync.use_events,
        )
    )


def examine_ticketing(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Where tickets go, when anything may become one."""
    from ticketing.jira import JiraTicketProvider
    from worker.upstreams import provider_from

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

    def prove(project: str, issue_type: str, fields: Sequence[str]) -> Sequence[Problem]:
        provider = provider_from(settings, clock)
        assert isinstance(provider, JiraTicketProvider), "a site with a credential has one"
        return provider.prove(project, issue_type, fields)

    options = _client_options(settings, clock)
    yield from examine_tickets(
        TicketSetup(
            endpoint=_endpoint(site, section, options),
            prove=prove,
            routes=routes,
            declined=(*settings.ticketing.declined_resolutions, *settings.ticketing.declined_statuses),
        )
    )


def _client_options(settings: Settings, clock: Clock) -> ClientOptions:
    from worker.upstreams import client_options

    return client_options(settings, clock, Unlimited())


def _jira_credential(site: JiraSite) -> Credential:
    if site.bearer_token is not None:
        return bearer_token(site.bearer_token.get_secret_value())
    return api_token(site.email or "", site.api_token.get_secret_value() if site.api_token else "")


def _endpoint(site: JiraSite, section: str, options: ClientOptions) -> JiraEndpoint:
    credential, site_url = _jira_credential(site), site.site_url or ""

    def probe_at(address: str) -> Probe:
        setting = f"{section}.{'site' if address == site_url else 'gateway'}_url"
        return Probe(address, credential, options, system="jira", setting=setting, headers=_ENGLISH)

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


def _policy(settings: Settings) -> Policy | None:
    """The policy; None when it cannot be used, which is a finding of another examination."""
    from worker.composition import policy_from

    try:
        return policy_from(settings)[0]
    except SettingsError:
        return None


def _routes(settings: Settings) -> list[TicketRoute]:
    """Where tickets may go, each project and type once."""
    policy = _policy(settings)
    ticketing = settings.ticketing
    found = [TicketRoute(ticketing.project, ticketing.issue_type)] if ticketing.project else []
    if policy is not None:
        found += [policy.ticket, *(rule.ticket for rule in policy.rules if rule.ticket is not None)]
    return list({(each.project, each.issue_type): each for each in found if each.project}.values())


def _projects(settings: Settings) -> list[str]:
    """Keys of projects that rules about project roles name without a wildcard."""
    policy = _policy(settings)
    keys = []
    for rule in () if policy is None else policy.rules:
        parts = rule.pattern.split(":")
        if parts[:2] == ["jira", "project-role"] and len(parts) > 2 and not set(parts[2]) & set("*?"):  # noqa: PLR2004 - system, kind and project
            keys.append(parts[2])
    return list(dict.fromkeys(keys))[:_MOST_PROJECTS]
