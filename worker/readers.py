"""The readers that take pictures, for the systems that the settings name."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from access.clock import Clock
from access.entitlements import System
from access.operations import Lane
from access.pictures import ShrinkGuard
from config.settings import Settings
from connectors.http import Manners, Patience
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

#: A stated wait in the middle of a long list is kept on the spot up to so long: putting the list back costs all its calls.
_LONGEST_WAIT = timedelta(seconds=30)

#: What one call may be bridged for; with the wait at the door before and after it still well within a shard's lease.
_BRIDGED = timedelta(seconds=32)

#: The largest report of memberships that is fetched, in bytes: of about 450 000 of them. While it is taken in, a process
#: needs up to five times as much memory [measured]; the memberships of a tenant with more are listed, group by group.
_LARGEST_REPORT = 64 * 1024 * 1024

#: Most threads of one process that read at a time; there is always one left for grants and revocations, where there are two.
_MOST_PLACES = 3


def syncing_from(
    settings: Settings, store: Store, clock: Clock, courier: Courier, *, calls: CallCounter | None = None
) -> Syncing:
    """Sync as the settings have it; ``calls`` counts what it asks of the systems."""
    calls = calls or CallCounter()
    stopping = threading.Event()
    terms = SyncTerms(period=settings.sync.period, full_every=settings.sync.full_every)
    guard = ShrinkGuard(share=settings.sync.shrink_share, at_least=settings.sync.shrink_at_least)
    concurrency = max(settings.jumpcloud.concurrency, settings.jira.concurrency)
    return Syncing(
        store,
        clock,
        courier,
        readers=readers_from(settings, store, clock, calls, stopping),
        parts=PartReader(store, clock, guard, concurrency=concurrency, lease=terms.lease),
        terms=terms,
        calls=calls.made,
        stopping=stopping,
        places=max(1, min(_MOST_PLACES, settings.worker.concurrency - 1)),
    )


def readers_from(
    settings: Settings, store: Store, clock: Clock, calls: CallCounter, stopping: threading.Event
) -> Mapping[System, Reader]:
    """A reader for each system that has a credential; none makes another call once ``stopping`` is set."""

    def manners(system: System) -> Manners:
        return manners_from(
            settings,
            clock,
            PatientGate(gate_for(settings, store, clock, system, Lane.SYNC), stopping=stopping),
            # Calls to the organization are calls for the picture of Jira, and are counted and metered with them.
            observer=lambda _, *rest: calls(system, *rest),
            patience=Patience(total=_BRIDGED, longest=_LONGEST_WAIT, stopping=stopping),
        )

    readers: dict[System, Reader] = {}
    if settings.jumpcloud.enabled:
        readers[System.JUMPCLOUD] = _jumpcloud(settings, clock, manners(System.JUMPCLOUD))
    if settings.jira.enabled:
        readers[System.JIRA] = _jira(settings, store, clock, manners(System.JIRA))
    return readers


def _jumpcloud(settings: Settings, clock: Clock, manners: Manners) -> Reader:
    insights = jumpcloud_client(
        address=settings.jumpcloud.insights_base,
        credential=jumpcloud_credential(settings, manners),
        manners=replace(manners, body_limit=_LARGEST_REPORT),
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


def _jira(settings: Settings, store: Store, clock: Clock, manners: Manners) -> Reader:
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
