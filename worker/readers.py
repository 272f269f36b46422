"""The readers that take pictures, for the systems that the settings name."""

from __future__ import annotations

from collections.abc import Mapping

from access.clock import Clock
from access.entitlements import System
from access.operations import Lane
from access.pictures import ShrinkGuard
from config.settings import Settings
from connectors.jira.reading import JiraReader
from connectors.jumpcloud.client import jumpcloud_client
from connectors.jumpcloud.reading import JumpCloudReader, Method
from connectors.reading import Reader
from store.unit import Store
from tasks.courier import Courier
from tasks.part_reading import PartReader
from tasks.syncing import Syncing, SyncTerms
from worker.addresses import StoredAddresses
from worker.calls import CallCounter
from worker.gates import PatientGate
from worker.upstreams import (
    gate_for,
    jira_client_from,
    jumpcloud_client_from,
    jumpcloud_credential,
    manners_from,
    organization_from,
)


def syncing_from(settings: Settings, store: Store, clock: Clock, courier: Courier) -> Syncing:
    """Sync as the settings have it."""
    calls = CallCounter()
    terms = SyncTerms(period=settings.sync.period, full_every=settings.sync.full_every)
    guard = ShrinkGuard(share=settings.sync.shrink_share, at_least=settings.sync.shrink_at_least)
    concurrency = max(settings.jumpcloud.concurrency, settings.jira.concurrency)
    return Syncing(
        store,
        clock,
        courier,
        readers=readers_from(settings, store, clock, calls),
        parts=PartReader(store, clock, guard, concurrency=concurrency, lease=terms.lease),
        terms=terms,
        calls=calls.made,
    )


def readers_from(settings: Settings, store: Store, clock: Clock, calls: CallCounter) -> Mapping[System, Reader]:
    """A reader for each system that has a credential."""
    readers: dict[System, Reader] = {}
    if settings.jumpcloud.enabled:
        readers[System.JUMPCLOUD] = _jumpcloud(settings, store, clock, calls)
    if settings.jira.enabled:
        readers[System.JIRA] = _jira(settings, store, clock, calls)
    return readers


def _jumpcloud(settings: Settings, store: Store, clock: Clock, calls: CallCounter) -> Reader:
    gate = PatientGate(gate_for(settings, store, clock, System.JUMPCLOUD, Lane.SYNC))
    manners = manners_from(settings, clock, gate, observer=calls)
    insights = jumpcloud_client(
        address=settings.jumpcloud.insights_base,
        credential=jumpcloud_credential(settings, manners),
        manners=manners,
        organization=settings.jumpcloud.org_id,
    )
    return JumpCloudReader(
        jumpcloud_client_from(settings, manners),
        insights=insights,
        concurrency=settings.jumpcloud.concurrency,
        use_events=settings.sync.use_events,
        method=Method(settings.sync.jumpcloud_method),
        clock=clock,
    )


def _jira(settings: Settings, store: Store, clock: Clock, calls: CallCounter) -> Reader:
    gate = PatientGate(gate_for(settings, store, clock, System.JIRA, Lane.SYNC))
    # Calls to the organization are calls for the picture of Jira, and are counted and metered with them.
    manners = manners_from(settings, clock, gate, observer=lambda _, *rest: calls(System.JIRA, *rest))
    return JiraReader(
        jira_client_from(settings, manners),
        site=settings.jira.site_url or "",
        concurrency=settings.jira.concurrency,
        organization=organization_from(settings, manners),
        known_addresses=StoredAddresses(store, clock, System.JIRA).address,
        use_events=settings.sync.use_events,
        skip_customers=settings.sync.skip_customers,
        participants=not settings.sync.skip_participants,
    )
