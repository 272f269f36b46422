"""Sync: takes a complete snapshot of a system, in shards that any worker can read, and replaces the last one in one step.

A run reads new parts beside the current snapshot. Nothing that it read counts until every part is complete: a list that
shifted was read again, a list that shrank suspiciously was read twice with the same result, no call was refused. Then one
transaction points the system at the run. A run that cannot be completed fails with a sentence, and the last snapshot stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from random import random

import structlog

from access.clock import Clock
from access.entitlements import ResourceKind, System
from access.failures import CredentialRefused, Failure, Permanent, Transient
from access.operations import Lane
from access.retry import GiveUp, RetryAt, RetryLimits, decide
from access.snapshots import RunState, SyncRun
from connectors.reading import Incomplete, Part, Reader, ReadPlan, ResourceRow
from store.outbox import Topic, WakeUp
from store.rows import from_row
from store.sync_runs import Shard
from store.unit_of_work import Conflict, Store
from tasks.attempts import attempt, log_postponed
from tasks.publisher import Publisher
from tasks.services import new_id
from tasks.sync_parts import PartReader

_log = structlog.get_logger(__name__)

#: Threads of one process that may read at a time, unless said otherwise; each reads several lists at once.
_PLACES = 3

#: How often a shard, or a step of a run, is tried.
SYNC_RETRY = RetryLimits(attempts=8, deadline=timedelta(hours=3), longest_wait=timedelta(minutes=2))


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The times and bounds of sync.

    - ``period``: how often a snapshot is taken; None for only when asked.
    - ``full_every``: how old the last full pass may be before everything is read, whatever the events say.
    - ``turn``: how long one wake-up works before it makes room for others.
    - ``lease``: how long a shard belongs to a worker that shows no sign of life.
    - ``shard_parts``: the number of short lists in a shard.
    - ``retry``: how often a shard, or a step of a run, is tried; the deadline counts from the start of the run.
    """

    period: timedelta | None = timedelta(hours=1)
    full_every: timedelta = timedelta(hours=24)
    turn: timedelta = timedelta(minutes=5)
    lease: timedelta = timedelta(minutes=2)
    shard_parts: int = 40
    retry: RetryLimits = SYNC_RETRY


class Sync:
    """Takes snapshots."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        publisher: Publisher,
        *,
        readers: Mapping[System, Reader],
        parts: PartReader,
        options: SyncOptions,
        calls: Callable[[System], int],
        check_tenant: Callable[[System], None] = lambda _: None,
        stopping: threading.Event | None = None,
        places: int = _PLACES,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._store = store
        self._clock = clock
        self._publisher = publisher
        self._readers = readers
        self._parts = parts
        self._options = options
        self._calls = calls
        self._check_tenant = check_tenant
        self._stopping = stopping or threading.Event()
        self._places = threading.BoundedSemaphore(places)
        self._jitter = jitter

    @property
    def systems(self) -> Sequence[System]:
        """The systems that can be read."""
        return tuple(self._readers)

    def begin(self, system: System, *, full: bool = False) -> str:
        """Begin a run, or join the one under way; its id. ``full`` reads everything, whatever the events say."""
        now = self._clock.now()
        run_id = new_id("sy")
        try:
            with self._store.write() as work:
                running = work.sync_runs.running(system)
                if running is not None:
                    return running.id
                snapshot = work.snapshots.current(system)
                incremental = (
                    snapshot is not None and not full and now - snapshot.full_run_at < self._options.full_every
                )
                work.sync_runs.begin(
                    run_id, system, previous_run_id=snapshot.run_id if snapshot and incremental else None, now=now
                )
                work.audit.record("sync.begun", "sync_run", run_id, now=now, system=str(system))
        except Conflict:
            with self._store.read() as work:
                running = work.sync_runs.running(system)
            return running.id if running else self.begin(system, full=full)
        self._publisher.send([WakeUp(Topic.SYNC, run_id, Lane.SYNC)])
        return run_id

    def begin_due(self) -> None:
        """Begin the runs whose time has come; safe with any number of schedulers."""
        if self._options.period is None:
            return
        now = self._clock.now()
        for system in self._readers:
            try:
                with self._store.write() as work:
                    mine = work.sync_runs.claim_slot(system, now=now, period=self._options.period)
            except Conflict:
                continue  # Another scheduler wrote the first slot of this system in the same moment.
            if mine:
                self.begin(system)

    def stop(self) -> None:
        """Stop reading after the calls under way, however much of a list or a wait is left. Returns at once."""
        self._stopping.set()

    def work(self, run_id: str) -> None:
        """Work on a run for one turn: plan it, read shards until none is free, lead it from stage to stage and to its end."""
        until = self._clock.now() + self._options.turn
        if not self._places.acquire(blocking=False):
            return  # Enough threads of this process read already; the others are for grants and revocations.
        try:
            self._work(run_id, until)
        finally:
            self._places.release()

    def _work(self, run_id: str, until: datetime) -> None:
        with structlog.contextvars.bound_contextvars(sync_run=run_id):
            while self._clock.now() < until and not self._stopping.is_set():
                with self._store.read() as work:
                    run = work.sync_runs.get(run_id)
                if run is None or run.state is not RunState.RUNNING or run.system not in self._readers:
                    return
                if not self._turn(run):
                    return
            with self._store.write() as work:
                work.sync_runs.due_again(run_id, at=self._clock.now())

    def _turn(self, run: SyncRun) -> bool:
        """One step for a run; whether there may be another for this worker. A lost lease leaves other shards to read."""
        going_on = attempt("sync", lambda: self._step(run), lambda failure: self._postpone_or_fail(run, failure))
        return going_on is not False

    def _step(self, run: SyncRun) -> bool:
        self._check_tenant(run.system)
        try:
            if run.stage < 0:
                return self._lead(run, self._plan)
            with self._store.write() as work:
                shard = work.sync_runs.lease_shard(run.id, now=self._clock.now(), lasting=self._options.lease)
            if shard is not None:
                self._read(run, shard)
                return True
            with self._store.write() as work:
                left = work.sync_runs.rest(run.id, now=self._clock.now())
            return not left and self._lead(run, self._next_stage)
        except Incomplete as exc:
            raise Permanent(str(exc)) from exc

    def _lead(self, run: SyncRun, step: Callable[[SyncRun], None]) -> bool:
        """Take a step that only one worker may take for a run; whether this worker took it."""
        now = self._clock.now()
        with self._store.write() as work:
            row = work.sync_runs.lease(run.id, states=(RunState.RUNNING,), now=now, lasting=self._options.lease)
            mine = None if row is None else work.sync_runs.get(run.id)
        if mine is None or mine.stage != run.stage:
            if mine is not None:
                with self._store.write() as work:
                    work.sync_runs.settle(mine.id, fence=mine.fence)
            return mine is not None
        step(mine)
        return True

    def _plan(self, run: SyncRun) -> None:
        reader = self._readers[run.system]
        before = self._calls(run.system)
        account = reader.prove()
        previous = self._previous_began(run)
        plan = reader.plan(previous=previous, now=self._clock.now())
        parts = self._stage_parts(run, plan, 0)
        calls = self._calls(run.system) - before
        self._open_stage(run, plan, 0, parts, plan=asdict(plan), credential_of=account, calls=run.calls + calls)
        _log.info("sync.planned", system=str(run.system), method=plan.method, full=plan.full, notes=list(plan.notes))

    def _next_stage(self, run: SyncRun) -> None:
        plan = _plan_of(run)
        parts = self._stage_parts(run, plan, run.stage + 1)
        if parts is None:
            self._finish(run, plan)
        else:
            self._open_stage(run, plan, run.stage + 1, parts)

    def _stage_parts(self, run: SyncRun, plan: ReadPlan, stage: int) -> list[Part] | None:
        parts = self._readers[run.system].parts(plan, stage, StoredCatalogue(self._store, run.id))
        return None if parts is None else list(parts)

    def _open_stage(self, run: SyncRun, how: ReadPlan, stage: int, parts: list[Part] | None, **columns: object) -> None:
        """Take over the parts that cannot have changed and make shards of the others, in the commit that moves the stage."""
        outlived = self._outlived(run, how, stage)
        now = self._clock.now()
        with self._store.write() as work:
            to_read = list(parts or ())
            if run.previous_run_id is not None and not how.full:
                untouched = [
                    part.name for part in to_read if part.name not in outlived and not _touched(part.name, how.touched)
                ]
                kept = set(work.snapshots.keep(run.id, run.previous_run_id, untouched))
                to_read = [part for part in to_read if part.name not in kept]
            shards = [[asdict(part) for part in share] for share in _shards(to_read, self._options.shard_parts)]
            work.sync_runs.add_shards(run.id, stage, shards, now=now)
            work.sync_runs.settle(run.id, fence=run.fence, stage=stage, due_at=now, tries=0, **columns)
        wake_ups = [WakeUp(Topic.SYNC, run.id, Lane.SYNC)] * min(len(shards), 4)
        self._publisher.send(wake_ups[1:])

    def _outlived(self, run: SyncRun, how: ReadPlan, stage: int) -> set[str]:
        """The parts that nothing touched and that cannot be taken over all the same."""
        # Takes seconds with a million grants, so it is asked before the commit: all who write would have to wait for it.
        if run.previous_run_id is None or how.full or stage == 0:
            return set()
        with self._store.read() as work:
            return work.snapshots.outlived(run.id, run.previous_run_id)

    def _read(self, run: SyncRun, shard: Shard) -> None:
        before = self._calls(run.system)
        parts = [Part(**part) for part in shard.parts]
        try:
            self._parts.read(self._readers[run.system], _plan_of(run), run, shard, parts)
        except Transient as failure:
            verdict = self._next_try(run, failure, tries=shard.tries + 1)
            if isinstance(verdict, GiveUp):
                raise Permanent(verdict.reason) from failure
            with self._store.write() as work:
                work.sync_runs.shard_later(shard, at=verdict.at, error=str(failure), counted=failure.counted)
            log_postponed("sync.shard_postponed", failure, tries=shard.tries + 1)
        else:
            with self._store.write() as work:
                work.sync_runs.shard_done(shard, now=self._clock.now())
        finally:
            made = self._calls(run.system) - before
            if made:
                with self._store.write() as work:
                    work.sync_runs.count_calls(run.id, made)

    def _finish(self, run: SyncRun, plan: ReadPlan) -> None:
        now = self._clock.now()
        with self._store.write() as work:
            if not work.sync_runs.finish(run.id, RunState.COMPLETE, now=now):
                return
            work.snapshots.publish(run.id, run.system, began_at=run.started_at, full=plan.full, now=now)
            work.audit.record(
                "sync.complete", "sync_run", run.id, now=now, system=str(run.system), method=plan.method, full=plan.full
            )
        _log.info("sync.complete", system=str(run.system), seconds=round((now - run.started_at).total_seconds(), 1))
        self._tidy()

    def _postpone_or_fail(self, run: SyncRun, failure: Failure) -> bool:
        """Go on with the run later, or fail it with a sentence. Returns False: this worker is through with the run."""
        verdict = self._next_try(run, failure, tries=run.tries + 1)
        if isinstance(verdict, GiveUp):
            self._fail(run, failure, verdict.reason)
            return False
        counted = isinstance(failure, Transient) and failure.counted
        with self._store.write() as work:
            work.sync_runs.put_off(run.id, at=verdict.at, error=str(failure), counted=counted)
        log_postponed("sync.postponed", failure)
        return False

    def _fail(self, run: SyncRun, failure: Failure, why: str) -> None:
        now = self._clock.now()
        with self._store.write() as work:
            snapshot = work.snapshots.current(run.system)
            stays = "There is no earlier snapshot."
            if snapshot is not None:
                stays = f"The snapshot of {snapshot.began_at:%Y-%m-%d %H:%M} UTC stays."
            reason = f"{why} {stays}"
            if not work.sync_runs.finish(run.id, RunState.FAILED, now=now, error=reason):
                return
            work.audit.record("sync.failed", "sync_run", run.id, now=now, system=str(run.system), reason=reason)
        level = _log.error if isinstance(failure, CredentialRefused) else _log.warning
        level("sync.failed", system=str(run.system), why=reason)
        self._tidy()

    def _tidy(self) -> None:
        """Delete the parts that no snapshot needs, in small transactions so that no other writer waits long."""
        while True:
            with self._store.write() as work:
                if work.snapshots.tidy() == 0:
                    return

    def _previous_began(self, run: SyncRun) -> datetime | None:
        if run.previous_run_id is None:
            return None
        with self._store.read() as work:
            previous = work.sync_runs.get(run.previous_run_id)
        return None if previous is None else previous.started_at

    def _next_try(self, run: SyncRun, failure: Failure, *, tries: int) -> RetryAt | GiveUp:
        """When to try again. A refused credential fails the run at once: the next run is the next try."""
        now = self._clock.now()
        limits = self._options.retry
        if not isinstance(failure, Transient):
            return GiveUp(str(failure))
        if now > run.started_at + limits.deadline:
            return GiveUp(f"{failure} The run is past its deadline of {limits.deadline}.")
        verdict = decide(
            failure, tries=tries, first_tried_at=run.started_at, now=now, limits=limits, jitter=self._jitter()
        )
        # A process that stops leaves the work to another one at once.
        return RetryAt(now) if isinstance(verdict, RetryAt) and self._stopping.is_set() else verdict


class StoredCatalogue:
    """What a run has found so far, read from the store a row at a time."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id

    def resources(self, kind: ResourceKind) -> Iterator[ResourceRow]:
        """The resources of a kind, by id."""
        with self._store.read() as work:
            for row in work.snapshots.resources(self._run_id, str(kind)):
                yield from_row(ResourceRow, row)

    def count(self, kind: ResourceKind) -> int:
        """How many resources of a kind there are."""
        with self._store.read() as work:
            return work.snapshots.count_resources(self._run_id, str(kind))


def _plan_of(run: SyncRun) -> ReadPlan:
    assert run.plan is not None, "a run has a plan from its first stage on"
    return ReadPlan(**run.plan)


def _touched(name: str, touched: Sequence[str]) -> bool:
    return any(name == one or (one.endswith("/") and name.startswith(one)) for one in touched)


def _shards(parts: Iterable[Part], size: int) -> Iterator[list[Part]]:
    """Large lists alone, short ones together."""
    share: list[Part] = []
    for part in parts:
        if part.large:
            yield [part]
            continue
        share.append(part)
        if len(share) == size:
            yield share
            share = []
    if share:
        yield share
