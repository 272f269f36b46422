"""The dispatcher: brings what is due to the threads of this process, from the store and from wake-ups.

The dispatcher asks the store at short intervals, whether there is a broker or not. A wake-up only saves the time until the
next look. What finds no room here is given back to the store, where any process finds it: no process hoards work.

What takes access away has threads of its own for each system. No other work, and no other system, can hold these.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from time import monotonic

import structlog

from access.clock import Clock
from access.entitlements import System
from store.outbox import Topic
from store.sweep import Due
from store.unit_of_work import OtherRevision, Store, Unavailable
from worker.job_threads import Job, JobThreads
from worker.polling import QUIET_AFTER, QUIET_POLLS, PollingTurns
from worker.revision_check import RevisionCheck

_log = structlog.get_logger(__name__)

#: Between two looks into the store while jobs end and more may be due: each look serves several.
_BUSY_POLL_SECONDS = 0.05

#: Jobs of one share that may wait for one of the threads: so many are marked in one commit on a busy process.
_WAITING = 4

#: After this many wake-ups in one turn the rest wait for the next.
_BATCH = 200

#: After this long a job hangs, and its leases are not kept any more.
_LONGEST_JOB_SECONDS = 600.0

#: The share of the threads that a kind of work without a system of its own uses.
_SHARES = {Topic.TICKETS: "ticketing", Topic.SYNC: "sync"}

#: What a worker does about a row of each topic, given its id.
UseCases = Mapping[Topic, Callable[[str], None]]


class Dispatcher:
    """Finds due work, and has ``use_cases`` carry it out on ``concurrency`` threads, and on ``removal_threads`` a system.

    Nothing ends by its time while ``may_end`` says no: the clock cannot be trusted. ``let_in`` says how many removals the budget
    of a system would let in now: no more are begun, so that the longest overdue goes first. None: it sets no limit.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        use_cases: UseCases,
        revision_check: RevisionCheck,
        *,
        concurrency: int,
        removal_threads: int,
        poll: timedelta,
        dispatched_for: timedelta,
        may_end: Callable[[], bool] = lambda: True,
        beat: Callable[[], None] = lambda: None,
        let_in: Callable[[str], int | None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._use_cases = use_cases
        self._revision_check = revision_check
        self._may_end = may_end
        self._let_in = let_in
        self._poll = poll.total_seconds()
        self._turns = PollingTurns(revision_check, poll, beat=beat)
        self._dispatched_for = dispatched_for
        self._received: deque[tuple[Topic, str]] = deque()
        self._look = threading.Event()
        #: Whether the store may have more work than there was room for.
        self._more = False
        #: Moments of the monotonic clock.
        self._last_sweep = self._next_sweep = self._busy_at = 0.0
        self._stop = threading.Event()
        self._work = self._threads("work", concurrency, each=max(1, concurrency - 1), waiting=_WAITING)
        self._removals = {
            str(system): self._threads(f"removals-{system}", removal_threads, each=removal_threads, waiting=0)
            for system in System
        }
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        for threads in self._all():
            threads.start()
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stop.set()
        self._look.set()

    def join(self, until: float) -> None:
        """Wait for the work under way until a moment of the monotonic clock. What is not over then is ended by its lease."""
        ended = [threads.join(until) for threads in self._all()] if self._thread.ident else [True]
        if self._thread.is_alive():
            self._thread.join(max(0.0, until - monotonic()))
        if not all(ended):
            _log.warning("work.abandoned", why="calls are still under way; their leases will run out")

    def wake(self, topic: Topic, ref: str) -> None:
        """A wake-up came: look at this row now."""
        self._received.append((topic, ref))
        self._look.set()

    def under_way(self) -> Sequence[tuple[Topic, str]]:
        """The rows that wait or are worked on here; a job that has lasted for longer than any should is left out."""
        since = monotonic() - _LONGEST_JOB_SECONDS
        return [(job.topic, job.ref) for threads in self._all() for job in threads.under_way(since=since)]

    def turn(self) -> None:
        """Begin what wake-ups named and what is due, as far as there is room. Raises ``Unavailable``."""
        self._begin_received()
        self._sweep()

    def _sweep(self) -> bool:
        """Begin what is due, as far as there is room; whether anything was."""
        self._more = False
        with self._store.read() as work:
            work.require_own_revision()
            due = work.sweep.due(now=self._clock.now())
        if Due.REMOVAL in due and self._may_end():
            for system, threads in self._removals.items():
                self._fetch(Due.REMOVAL, threads, system)
        if Due.WORK in due:
            for system in self._removals:
                self._fetch(Due.WORK, self._work, system)
        for kind, topic in ((Due.TICKET, Topic.TICKETS), (Due.SYNC, Topic.SYNC)):
            if kind in due:
                self._fetch(kind, self._work, _SHARES[topic])
        return bool(due)

    def _begin_received(self) -> None:
        """Begin the rows of the wake-ups that came; those without room are given back."""
        received = [self._received.popleft() for _ in range(min(_BATCH, len(self._received)))]
        if not received:
            return
        self._busy_at = monotonic()
        try:
            with self._store.read() as work:
                places = work.sweep.places(received)
        except Unavailable:
            self._received.extendleft(reversed(received))
            raise
        back: list[tuple[Topic, str]] = []
        for topic, ref in received:
            place = places.get((topic, ref))
            if place is None and topic not in _SHARES:
                continue  # The row is gone.
            threads = self._work if place is None or place.kind is not Due.REMOVAL else self._removals[place.system]
            if not threads.offer(Job(topic, ref, _SHARES.get(topic) or (place.system if place else ""))):
                back.append((topic, ref))
        self._give_back(back)

    def _fetch(self, kind: Due, threads: JobThreads, share: str) -> None:
        room = threads.room(share)
        if kind is Due.REMOVAL and room > 0 and (let_in := self._let_in(share)) is not None:
            room = min(room, let_in)
        self._more = self._more or room <= 0
        if room <= 0:
            return
        system = share if kind in (Due.REMOVAL, Due.WORK) else None
        with self._store.write() as work:
            found = work.sweep.mark_due(
                now=self._clock.now(), dispatched_for=self._dispatched_for, limit=room, kind=kind, system=system
            )
        self._more = self._more or len(found) >= room
        jobs = [Job(each.topic, each.ref, share) for each in found]
        self._give_back([(job.topic, job.ref) for job in jobs if not threads.offer(job)])

    def _give_back(self, rows: Iterable[tuple[Topic, str]]) -> None:
        rows = [(topic, ref) for topic, ref in rows if topic not in _SHARES]
        if rows:
            self._more = True
            with self._store.write() as work:
                work.sweep.release(rows)

    def _threads(self, name: str, count: int, *, each: int, waiting: int) -> JobThreads:
        return JobThreads(name, count=count, each=each, waiting=waiting, run=self._carry_out, on_end=self._look_on)

    def _look_on(self) -> None:
        """A job is over: look for the next ones soon, if there may be any."""
        if self._more:
            self._next_sweep = min(self._next_sweep, self._last_sweep + min(self._poll, _BUSY_POLL_SECONDS))
            self._look.set()

    def _all(self) -> list[JobThreads]:
        return [self._work, *self._removals.values()]

    def _carry_out(self, job: Job) -> None:
        """A database that cannot do it now is no verdict on the work: its row stays due, and the sweep finds it again."""
        if self._revision_check.failed:
            return
        with structlog.contextvars.bound_contextvars(topic=str(job.topic), ref=job.ref):
            try:
                self._use_cases[job.topic](job.ref)
            except OtherRevision as found:
                self._revision_check.fail(found)
            except Unavailable as exc:
                _log.warning("work.postponed", why=str(exc))
            except Exception:  # noqa: BLE001 - the thread outlives every fault of a job
                _log.exception("work.error")

    def _run(self) -> None:
        while not self._revision_check.failed and not self._stop.is_set():
            self._look.wait(max(0.0, self._next_sweep - monotonic()))
            self._look.clear()
            if not self._stop.is_set() and (pause := self._turns.carry_out(self._next_turn)) is not None:
                self._stop.wait(pause)
        self._end()

    def _next_turn(self) -> None:
        self._begin_received()
        if monotonic() >= self._next_sweep:
            self._last_sweep = monotonic()
            self._next_sweep = self._last_sweep + self._poll
            if self._sweep():
                self._busy_at = self._last_sweep
            elif self._last_sweep - self._busy_at > QUIET_AFTER * self._poll:
                self._next_sweep = self._last_sweep + self._until_next()

    def _until_next(self) -> float:
        """How long to rest, in seconds: until something is known to become due, and some polls at the most."""
        longest = QUIET_POLLS * self._poll
        with self._store.read() as work:
            now = self._clock.now()
            due = work.sweep.next_due(now=now)
        return longest if due is None else min(longest, max(0.0, (due - now).total_seconds()))

    def _end(self) -> None:
        """Give back what has not begun, so that another process takes it up at once."""
        left = [(job.topic, job.ref) for threads in self._all() for job in threads.stop()]
        try:
            self._give_back([*left, *self._received])
        except Exception as exc:  # noqa: BLE001 - the marks run out by themselves
            _log.warning("sweep.postponed", why=str(exc))
