"""The worker processes of a life, as they are wired, and the broker between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from access.clock import ManualClock
from access.entitlements import System
from access.policy import Rule
from access.snapshots import ShrinkGuard
from checks.simulation.outside import Readable, SimulatedTickets
from checks.simulation.stories import MINUTE
from checks.simulation.turns import Running
from store.outbox import Topic, WakeUp
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from tasks.sync import Sync, SyncOptions
from tasks.sync_parts import PartReader
from tests.fakes.local_stack import RULES, TERMS, TICKET_TERMS, LocalStack
from tests.fakes.system import FakeSystem

#: What lasts for hours is tried again rarely.
_PATIENT = replace(TERMS, retry=replace(TERMS.retry, longest_wait=5 * MINUTE, credential_wait=MINUTE))

#: Tickets are followed for days here: rarely.
_SELDOM = replace(TICKET_TERMS, poll=5 * MINUTE, watch_ended=timedelta(hours=1))

_RULES = (Rule("*:group:by-hand*:member", give=RULES[0].give, take=RULES[0].take), Rule("*"))


class AtOnce(Executor):
    """Does what is handed in at once, in the thread that hands it in: else two threads of one turn would run."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it; the future is over."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as exc:  # noqa: BLE001 - a kill, too, is told to whoever asks
            future.set_exception(exc)
        return future


class SkewedClock(ManualClock):
    """The clock of a process."""

    def __init__(self, true: ManualClock, by: timedelta) -> None:
        super().__init__(true.now())
        self._true, self._by = true, by

    def now(self) -> datetime:
        """The moment that this clock shows."""
        return self._true.now() + self._by


class Broker(RecordingPublisher):
    """Wake-ups on their way. It loses some, delivers some twice, and all in any order."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self._rng = rng

    def send(self, wake_ups: Iterable[WakeUp]) -> None:
        """Take wake-ups."""
        for each in wake_ups:
            self.wake_ups += [each] * self._rng.choices((0, 1, 2), (0.05, 0.9, 0.05))[0]

    def take(self) -> WakeUp:
        """Hand one out."""
        return self.wake_ups.pop(self._rng.randrange(len(self.wake_ups)))


@dataclass
class Process:
    """A worker process as it is now; ``up_from`` is when it runs again after it was killed."""

    running: Running
    stack: LocalStack
    sync: Sync
    parts: PartReader
    up_from: datetime
    handlers: dict[Topic, Callable[[str], object]]


def started(
    clock: SkewedClock,
    store: Store,
    broker: Broker,
    systems: Mapping[System, FakeSystem],
    tickets: SimulatedTickets,
    *,
    groups: Sequence[str],
    jitter: Callable[[], float],
    up_from: datetime,
) -> Process:
    """A process that was started, and is up from a moment on. ``groups`` are those that snapshots show."""
    stack = LocalStack.over(
        store,
        rules=_RULES,
        clock=clock,
        connectors=systems,
        tickets=tickets,
        publisher=broker,
        ticket_terms=_SELDOM,
        options=_PATIENT,
    )
    parts = PartReader(store, clock, ShrinkGuard(), concurrency=1, lease=2 * MINUTE, pool=AtOnce())
    sync = Sync(
        store,
        clock,
        broker,
        readers={System.JUMPCLOUD: Readable(systems[System.JUMPCLOUD], groups)},
        parts=parts,
        options=SyncOptions(period=None, full_every=timedelta(0)),
        calls=lambda _: 0,
        places=1,
        jitter=jitter,
    )
    return Process(Running(), stack, sync, parts, up_from, {**stack.handlers, Topic.SYNC: sync.work})
