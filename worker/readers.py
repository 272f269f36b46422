"""The readers that take snapshots, for the systems that the settings name."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from access.clock import Clock
from access.entitlements import System
from access.operations import Lane
from access.snapshots import ShrinkGuard
from config.settings import Settings
from connectors.jira.reading import JiraReader
from connectors.jumpcloud.client import jumpcloud_client
from connectors.jumpcloud.reading import JumpCloudReader, MembershipMethod
from connectors.reading import Reader
from httpclient import ClientOptions, RetryPolicy
from store.unit_of_work import Store
from tasks.publisher import Publisher
from tasks.sync import Sync, SyncOptions
from tasks.sync_parts import PartReader
from worker.call_counter import CallCounter
from worker.known_emails import StoredEmails
from worker.rate_limiter import WaitingRateLimiter
from worker.upstreams import (
    client_options,
    jira_client_from,
    jumpcloud_client_from,
    jumpcloud_credential,
    organization_from,
    rate_limiter_for,
)

#: A stated wait in the middle of a long list is kept on the spot up to so long: putting the list back costs all its calls.
_LONGEST_WAIT = timedelta(seconds=30)

#: What one call may be bridged for; with the wait at the door before and after it still well within a shard's lease.
_BRIDGED = timedelta(seconds=32)

#: The largest report of memberships that is fetched, in bytes: of about 450 000 of them. While it is taken in, a process
#: needs up to five times as much memory [measured]; the memberships of a tenant with more are listed, group by group.
_LARGEST_REPORT = 64 * 1024 * 1024

#: The longest that fetching such a report may take, well within a shard's lease.
_LONGEST_REPORT = timedelta(minutes=1)

#: Most threads of one process that read at a time; there is always one left for grants and revocations, where there are two.
_MOST_PLACES = 3


def syncing_from(
    settings: Settings, store: Store, clock: Clock, publisher: Publisher, *, calls: CallCounter | None = None
) -> Sync:
    """Sync as the settings have it; ``calls`` counts what it asks of the systems."""
    calls = calls or CallCounter()
    stopping = threading.Event()
    options = SyncOptions(period=settings.sync.period, full_every=settings.sync.full_every)
    guard = ShrinkGuard(share=settings.sync.shrink_share, at_least=settings.sync.shrink_at_least)
    concurrency = max(settings.jumpcloud.concurrency, settings.jira.concurrency)
    return Sync(
        store,
        clock,
        publisher,
        readers=readers_from(settings, store, clock, calls, stopping),
        parts=PartReader(store, clock, guard, concurrency=concurrency, lease=options.lease),
        options=options,
        calls=calls.made,
        stopping=stopping,
        places=max(1, min(_MOST_PLACES, settings.worker.concurrency - 1)),
    )


def readers_from(
    settings: Settings, store: Store, clock: Clock, calls: CallCounter, stopping: threading.Event
) -> Mapping[System, Reader]:
    """A reader for each system that has a credential; none makes another call once ``stopping`` is set."""

    def options(system: System) -> ClientOptions:
        return client_options(
            settings,
            clock,
            WaitingRateLimiter(rate_limiter_for(settings, store, clock, system, Lane.SYNC), stopping=stopping),
            # Calls to the organization are calls for the snapshot of Jira, and are counted and metered with them.
            observer=lambda _, *rest: calls(system, *rest),
            retry_policy=RetryPolicy(total=_BRIDGED, longest=_LONGEST_WAIT, stopping=stopping),
        )

    readers: dict[System, Reader] = {}
    if settings.jumpcloud.enabled:
        readers[System.JUMPCLOUD] = _jumpcloud(settings, clock, options(System.JUMPCLOUD))
    if settings.jira.enabled:
        readers[System.JIRA] = _jira(settings, store, clock, options(System.JIRA))
    return readers


def _jumpcloud(settings: Settings, clock: Clock, options: ClientOptions) -> Reader:
    insights = jumpcloud_client(
        base_url=settings.jumpcloud.insights_base,
        credential=jumpcloud_credential(settings, options),
        options=replace(options, body_limit=_LARGEST_REPORT, timeouts=replace(options.timeouts, total=_LONGEST_REPORT)),
        organization=settings.jumpcloud.org_id,
    )
    return JumpCloudReader(
        jumpcloud_client_from(settings, options),
        insights=insights,
        concurrency=settings.jumpcloud.concurrency,
        use_events=settings.sync.use_events,
        method=MembershipMethod(settings.sync.jumpcloud_method),
        clock=clock,
    )


def _jira(settings: Settings, store: Store, clock: Clock, options: ClientOptions) -> Reader:
    return JiraReader(
        jira_client_from(settings, options),
        site=settings.jira.site_url or "",
        concurrency=settings.jira.concurrency,
        organization=organization_from(settings, options),
        known_emails=StoredEmails(store, clock, System.JIRA).address,
        use_events=settings.sync.use_events,
        skip_customers=settings.sync.skip_customers,
        participants=not settings.sync.skip_participants,
    )
