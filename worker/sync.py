"""Sync as the settings have it, with the readers of the enabled systems."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from access.clock import Clock
from access.entitlements import System
from access.operations import Lane
from access.snapshots import ShrinkGuard
from config.settings import Settings
from connectors.reading import Reader
from httpclient import ClientOptions, RetryPolicy
from store.unit_of_work import Store
from tasks.publisher import Publisher
from tasks.sync import Sync, SyncOptions
from tasks.sync_parts import PartReader
from worker.call_counter import CallCounter
from worker.client_options import client_options
from worker.rate_limiter import WaitingRateLimiter
from worker.systems.connectors import rate_limiter_for
from worker.systems.definition import Dependencies, Systems
from worker.systems.table import SYSTEMS
from worker.tenancy import tenancy_from

#: The longest wait that a service may ask for in the middle of a list and that is waited for on the spot, since putting the
#: list back costs all its calls.
_LONGEST_WAIT = timedelta(seconds=30)

#: The longest time that the retries of one call may take; with a wait at the rate limiter before and after the call, still
#: well within a shard's lease.
_BRIDGED = timedelta(seconds=32)

#: The most threads of one process that read at a time; where there are two threads or more, one is left for operations.
_MOST_PLACES = 3


def sync_from(
    settings: Settings,
    store: Store,
    clock: Clock,
    publisher: Publisher,
    *,
    calls: CallCounter | None = None,
    systems: Systems = SYSTEMS,
    check_tenant: Callable[[System], None] | None = None,
) -> Sync:
    """Sync as the settings have it; ``calls`` counts the calls that it makes to the systems."""
    calls = calls or CallCounter()
    dependencies = Dependencies(settings, store, clock)
    stopping = threading.Event()
    options = SyncOptions(period=settings.sync.period, full_every=settings.sync.full_every)
    guard = ShrinkGuard(share=settings.sync.shrink_share, at_least=settings.sync.shrink_at_least)
    concurrency = max(section.concurrency for section in settings.systems.values())
    return Sync(
        store,
        clock,
        publisher,
        readers=readers_from(dependencies, systems, calls, stopping),
        parts=PartReader(store, clock, guard, concurrency=concurrency, lease=options.lease),
        options=options,
        calls=calls.made,
        check_tenant=check_tenant or tenancy_from(dependencies, systems).check,
        stopping=stopping,
        places=max(1, min(_MOST_PLACES, settings.worker.concurrency - 1)),
    )


def readers_from(
    dependencies: Dependencies, systems: Systems, calls: CallCounter, stopping: threading.Event
) -> Mapping[System, Reader]:
    """A reader for each enabled system; none makes another call once ``stopping`` is set."""

    def options(system: System) -> ClientOptions:
        return client_options(
            dependencies.settings,
            dependencies.clock,
            WaitingRateLimiter(rate_limiter_for(dependencies, system, Lane.SYNC), stopping=stopping),
            # Calls to the organization are calls for the snapshot of Jira, and are counted and metered with them.
            observer=lambda _, *rest: calls(system, *rest),
            retry_policy=RetryPolicy(total=_BRIDGED, longest=_LONGEST_WAIT, stopping=stopping),
        )

    return {
        system: kit.reader(dependencies, options(system))
        for system, kit in systems.items()
        if dependencies.settings.systems[system].enabled
    }
