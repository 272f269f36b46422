"""JumpCloud's row in the table of systems."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from access.clock import Clock
from access.entitlements import EntitlementRef, ResourceKind, System
from access.provisioning import Provisioning
from access.tenants import Tenant
from config.errors import SettingsError
from config.settings import Settings
from connectors.jumpcloud.client import api_key, jumpcloud_client, service_account
from connectors.jumpcloud.connector import JumpCloudConnector
from connectors.jumpcloud.own_key import key_end
from connectors.jumpcloud.reading import JumpCloudHistory, JumpCloudReader, MembershipMethod
from httpclient import ClientOptions, Credential, HttpClient, Unlimited
from tasks.doctor.assumptions.assumption import judge
from tasks.doctor.assumptions.jumpcloud import JUMPCLOUD as ASSUMPTIONS
from tasks.doctor.assumptions.jumpcloud import JumpCloudLooks
from tasks.doctor.findings import Finding
from tasks.doctor.jumpcloud import JumpCloudSetup
from tasks.doctor.jumpcloud import examine as examine_directory
from tasks.doctor.probe import Probe, Record
from worker.client_options import client_options
from worker.systems.definition import Dependencies, SystemDefinition
from worker.systems.live_credential import LiveCredential

#: The largest report of memberships that is fetched, in bytes: of about 450 000 of them. While it is taken in, a process
#: needs up to five times as much memory [measured]; the memberships of a tenant with more are listed, group by group.
_LARGEST_REPORT = 64 * 1024 * 1024

#: The longest that fetching such a report may take, well within a shard's lease.
_LONGEST_REPORT = timedelta(minutes=1)


def _client(settings: Settings, options: ClientOptions) -> HttpClient:
    return jumpcloud_client(
        base_url=settings.jumpcloud.api_base,
        credential=LiveCredential(settings, partial(_credential, options=options), of="jumpcloud"),
        options=options,
        organization=settings.jumpcloud.org_id,
    )


def _credential(settings: Settings, options: ClientOptions) -> Credential:
    jumpcloud = settings.jumpcloud
    try:
        if jumpcloud.api_key is not None:
            return api_key(jumpcloud.api_key.get_secret_value())
        if jumpcloud.client_id is None or jumpcloud.client_secret is None:
            raise SettingsError(["jumpcloud has no credential; set jumpcloud.api_key."])
        return service_account(
            jumpcloud.client_id,
            jumpcloud.client_secret.get_secret_value(),
            options=options,
            token_url=jumpcloud.token_url,
        )
    except ValueError as exc:
        raise SettingsError([f"The jumpcloud credential cannot be used: {exc}"]) from None


def _connector(dependencies: Dependencies, options: ClientOptions) -> JumpCloudConnector:
    def known() -> str | None:
        with dependencies.store.read() as work:
            tenant = work.tenants.of(System.JUMPCLOUD)
        return None if tenant is None else tenant.id

    settings = dependencies.settings.jumpcloud
    return JumpCloudConnector(
        _client(dependencies.settings, options),
        protected_groups=settings.protected_groups,
        organization=settings.org_id,
        known=known,
    )


def _find_tenant(settings: Settings, options: ClientOptions) -> Tenant | None:
    client = _client(settings, options)
    try:
        return JumpCloudConnector(client, organization=settings.jumpcloud.org_id).tenant()
    finally:
        client.close()


def _credential_end(settings: Settings, options: ClientOptions) -> datetime | None:
    key = settings.newest.jumpcloud.api_key
    if key is None:
        return None  # JumpCloud does not tell the end of a service account's secret.
    client = _client(settings, options)
    try:
        return key_end(client, key.get_secret_value())
    finally:
        client.close()


def _reader(dependencies: Dependencies, options: ClientOptions) -> JumpCloudReader:
    method = MembershipMethod(dependencies.settings.sync.jumpcloud_method)
    return _reader_by(method, dependencies.settings, dependencies.clock, options)


def _auditor(settings: Settings, clock: Clock, options: ClientOptions) -> JumpCloudReader:
    """A reader that only reads: whoever orders a report leaves one behind."""
    listing = MembershipMethod(settings.sync.jumpcloud_method) is MembershipMethod.LISTING
    return _reader_by(MembershipMethod.LISTING if listing else MembershipMethod.SEARCH, settings, clock, options)


def _reader_by(method: MembershipMethod, settings: Settings, clock: Clock, options: ClientOptions) -> JumpCloudReader:
    jumpcloud = settings.jumpcloud
    large = replace(options, body_limit=_LARGEST_REPORT, timeouts=replace(options.timeouts, total=_LONGEST_REPORT))
    return JumpCloudReader(
        _client(settings, options),
        insights=_insights(settings, large),
        concurrency=jumpcloud.concurrency,
        use_events=settings.sync.use_events,
        method=method,
        clock=clock,
    )


def _history(settings: Settings, options: ClientOptions) -> JumpCloudHistory:
    return JumpCloudHistory(_insights(settings, options))


def _insights(settings: Settings, options: ClientOptions) -> HttpClient:
    return jumpcloud_client(
        base_url=settings.jumpcloud.insights_base,
        credential=LiveCredential(settings, partial(_credential, options=options), of="jumpcloud"),
        options=options,
        organization=settings.jumpcloud.org_id,
    )


def _examine(settings: Settings, clock: Clock) -> Iterator[Finding]:
    jumpcloud = settings.jumpcloud
    if not jumpcloud.enabled:
        return
    credential = _credential(settings, client_options(settings, clock, Unlimited()))
    api, insights = _probes(settings, clock, credential)
    yield from examine_directory(
        JumpCloudSetup(
            api=api,
            insights=insights,
            credential=credential,
            token_url=jumpcloud.token_url,
            api_key=None if jumpcloud.api_key is None else jumpcloud.api_key.get_secret_value(),
            org_id=jumpcloud.org_id,
            provisioning=settings.provisioning is not Provisioning.OFF,
            use_events=settings.sync.use_events,
            clock=clock,
        )
    )


def _probe(settings: Settings, clock: Clock, scratch: Collection[EntitlementRef], record: Record) -> Iterator[Finding]:
    if not settings.jumpcloud.enabled:
        return
    credential = _credential(settings, client_options(settings, clock, Unlimited()))
    api, insights = _probes(settings, clock, credential, record)
    groups = [ref.path[0] for ref in scratch if (ref.system, ref.kind) == (System.JUMPCLOUD, ResourceKind.GROUP)]
    looks = JumpCloudLooks(api, insights, clock, scratch=next(iter(groups), None))
    yield from judge("jumpcloud", ASSUMPTIONS, looks)


def _probes(
    settings: Settings, clock: Clock, credential: Credential, record: Record | None = None
) -> tuple[Probe, Probe]:
    """What asks the API, and what asks Directory Insights."""
    jumpcloud, options = settings.jumpcloud, client_options(settings, clock, Unlimited())
    headers = {"x-org-id": jumpcloud.org_id} if jumpcloud.org_id else {}
    addresses = ((jumpcloud.api_base, "api_url"), (jumpcloud.insights_base, "insights_url"))
    api, insights = (
        Probe(
            url,
            credential,
            options,
            system="jumpcloud",
            setting=f"jumpcloud.{key} or region",
            headers=headers,
            record=record,
        )
        for url, key in addresses
    )
    return api, insights


JUMPCLOUD = SystemDefinition(
    connector=_connector,
    reader=_reader,
    auditor=_auditor,
    history=_history,
    examinations={"jumpcloud": _examine},
    probing=_probe,
    automated=JumpCloudConnector.automated,
    reads=frozenset({"user", "admin", "group", "application", "admin-role"}),
    find_tenant=_find_tenant,
    credential_end=_credential_end,
)
