"""Reading parts: from pages to rows in the store, without holding more than a few of them.

A part counts only when its list ended well: one that shifted is forgotten and read again, and one that lost a suspicious
share of its rows since the last snapshot must be read twice and show the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillReading
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from access.clock import Clock
from access.snapshots import ShrinkGuard, SyncRun
from connectors.reading import AccountRow, GrantRow, Incomplete, Part, Reader, ReadPlan, ResourceRow, Row, Shifted
from connectors.reading_notes import ReadingNotes, reading_notes
from store.rows import to_row
from store.snapshots import PartRead
from store.sync_runs import Shard
from store.unit_of_work import Store

_log = structlog.get_logger(__name__)

#: Rows written in one transaction: enough to be quick, few enough that a revocation does not wait for it.
_BATCH = 4000

#: How often a list that changes under the reader is read before it is given up.
_READINGS = 4

#: Resources whose grants get their first sighting from the part before, in one transaction.
_CARRY = 25

T = TypeVar("T")

Rows = dict[str, list[dict[str, Any]]]


@dataclass(slots=True)
class _Job:
    """What a shard is read for. ``kept_at`` is when its lease was last made longer."""

    reader: Reader
    plan: ReadPlan
    run: SyncRun
    shard: Shard
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class _Whole:
    """A short list that was read completely, and how."""

    rows: Sequence[Row]
    facts: Mapping[str, Any]


class PartReader:
    """Reads parts into the store; short ones several at a time, with ``concurrency`` threads."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        guard: ShrinkGuard,
        *,
        concurrency: int,
        lease: timedelta,
        pool: Executor | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._guard = guard
        self._lease = lease
        self._pool = pool or ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="sync")

    def read(self, reader: Reader, plan: ReadPlan, run: SyncRun, shard: Shard, parts: Sequence[Part]) -> None:
        """Read the parts of a shard that an earlier try did not finish. Raises failure words and ``Incomplete``."""
        job = _Job(reader, plan, run, shard, self._clock.now())
        names = [part.name for part in parts]
        with self._store.read() as work:
            done = work.snapshots.sizes(run.id, names)
            snapshot = work.snapshots.current(run.system)
            before = {} if snapshot is None else work.snapshots.sizes(snapshot.run_id, names)
        left = [part for part in parts if part.name not in done]
        for part in left:
            if part.large:
                self._read_large(job, part, before.get(part.name, 0))
        short = [part for part in left if not part.large]
        if short:
            self._read_short(job, short, before)

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # Short lists

    def _read_short(self, job: _Job, parts: Sequence[Part], before: dict[str, int]) -> None:
        futures = [
            self._pool.submit(copy_context().run, self._read_whole, job, part, before.get(part.name, 0))
            for part in parts
        ]
        batch: dict[str, _Whole] = {}
        try:
            for part, future in zip(parts, futures, strict=True):
                batch[part.name] = self._when_read(job, future)
                if sum(len(read.rows) for read in batch.values()) >= _BATCH:
                    self._write_short(job, batch)
                    batch = {}
        finally:
            for future in futures:
                future.cancel()
            # What was read completely is kept, whatever happened to the others.
            if batch:
                self._write_short(job, batch)

    def _when_read(self, job: _Job, future: Future[T]) -> T:
        """The result of a reading thread. The shard's lease is renewed meanwhile: a list may be slow, or calls held back."""
        while True:
            try:
                return future.result(timeout=self._lease.total_seconds() / 4)
            except StillReading:
                if future.done():
                    raise
                self._keep(job)

    def _keep(self, job: _Job) -> None:
        """Make the shard's lease longer, when much of it is over. Raises ``LeaseLost``."""
        now = self._clock.now()
        if now - job.kept_at >= self._lease / 4:
            with self._store.write() as work:
                work.sync_runs.renew(job.shard, until=now + self._lease)
            job.kept_at = now

    def _read_whole(self, job: _Job, part: Part, before: int) -> _Whole:
        began_at = self._clock.now()
        with reading_notes() as notes:
            rows = self._read_once(job, part, notes)
            twice = self._guard.suspicious(before=before, now=len(rows))
            if twice and _identities(rows) != _identities(self._read_once(job, part, notes)):
                raise Incomplete(_disagree(part, before))
        return _Whole(rows, notes.facts(began_at=began_at, ended_at=self._clock.now(), agreed=twice))

    def _read_once(self, job: _Job, part: Part, notes: ReadingNotes) -> list[Row]:
        for _ in range(_READINGS):
            notes.begin()
            try:
                return [row for page in job.reader.read(job.plan, part) for row in page]
            except Shifted:
                continue
        raise Incomplete(_restless(part))

    def _write_short(self, job: _Job, batch: Mapping[str, _Whole]) -> None:
        """Write parts that were read whole, by their names."""
        run, now = job.run, self._clock.now()
        with self._store.write() as work:
            work.sync_runs.renew(job.shard, until=now + self._lease)
            numbers = work.snapshots.begin_parts(run.system, list(batch), now=now)
            rows: Rows = defaultdict(list)
            for name, read in batch.items():
                _sort(read.rows, numbers[name], now, rows)
            for table, values in rows.items():
                work.snapshots.add_rows(table, values)
            work.snapshots.finish_parts(
                run.id,
                [PartRead(numbers[name], name, len(read.rows), read.facts) for name, read in batch.items()],
            )
            snapshot = work.snapshots.current(run.system)
            for name, read in batch.items():
                grants = any(isinstance(row, GrantRow) for row in read.rows)
                earlier = work.snapshots.part_of(snapshot.run_id, name) if grants and snapshot else None
                if earlier is not None:
                    work.snapshots.carry_first_seen(numbers[name], earlier)

    # Large lists

    def _read_large(self, job: _Job, part: Part, before: int) -> None:
        began_at = self._clock.now()
        with reading_notes() as notes:
            number, rows, twice = self._read_streamed(job, part, before, notes)
        facts = notes.facts(began_at=began_at, ended_at=self._clock.now(), agreed=twice)
        self._carry(job.run, part, number)
        with self._store.write() as work:
            work.sync_runs.renew(job.shard, until=self._clock.now() + self._lease)
            work.snapshots.finish_parts(job.run.id, [PartRead(number, part.name, rows, facts)])

    def _read_streamed(self, job: _Job, part: Part, before: int, notes: ReadingNotes) -> tuple[int, int, bool]:
        """Read a part into the store, twice if it shrank much: its number, row count, and whether two readings agreed."""
        number, rows = self._stream(job, part, notes)
        twice = self._guard.suspicious(before=before, now=rows)
        if twice:
            again, rows = self._stream(job, part, notes)
            with self._store.write() as work:
                agreed = work.snapshots.ids(number) == work.snapshots.ids(again)
                work.snapshots.forget_part(number)
                if not agreed:
                    work.snapshots.forget_part(again)
            if not agreed:
                raise Incomplete(_disagree(part, before))
            number = again
        return number, rows, twice

    def _stream(self, job: _Job, part: Part, notes: ReadingNotes) -> tuple[int, int]:
        """Read a part into the store page by page; its number and row count. A reading that fails leaves nothing behind."""
        for _ in range(_READINGS):
            notes.begin()
            with self._store.write() as work:
                number = work.snapshots.begin_part(job.run.system, part.name, now=self._clock.now())
            try:
                return number, self._pour(job, part, number)
            except Shifted:
                self._forget(number)
            except BaseException:
                self._forget(number)
                raise
        raise Incomplete(_restless(part))

    def _pour(self, job: _Job, part: Part, number: int) -> int:
        total = 0
        waiting: list[Row] = []
        for page in self._pages(job, part):
            waiting += page
            self._keep(job)
            if len(waiting) >= _BATCH:
                total += self._write_some(number, job.shard, waiting)
                waiting = []
        return total + self._write_some(number, job.shard, waiting)

    def _pages(self, job: _Job, part: Part) -> Iterator[Sequence[Row]]:
        """The pages of a part; the lease is renewed while a page is long in coming."""
        pages = job.reader.read(job.plan, part)
        while True:
            page = self._when_read(job, self._pool.submit(copy_context().run, lambda: next(pages, None)))
            if page is None:
                return
            yield page

    def _write_some(self, number: int, shard: Shard, some: Sequence[Row]) -> int:
        now = self._clock.now()
        rows: Rows = defaultdict(list)
        _sort(some, number, now, rows)
        with self._store.write() as work:
            work.sync_runs.renew(shard, until=now + self._lease)
            for table, values in rows.items():
                work.snapshots.add_rows(table, values)
        return len(some)

    def _carry(self, run: SyncRun, part: Part, number: int) -> None:
        with self._store.read() as work:
            snapshot = work.snapshots.current(run.system)
            earlier = None if snapshot is None else work.snapshots.part_of(snapshot.run_id, part.name)
            granted = [] if earlier is None else work.snapshots.granted_resources(number)
        for start in range(0, len(granted), _CARRY):
            assert earlier is not None
            with self._store.write() as work:
                work.snapshots.carry_first_seen(number, earlier, resources=granted[start : start + _CARRY])

    def _forget(self, number: int) -> None:
        with self._store.write() as work:
            work.snapshots.forget_part(number)


_TABLES = {AccountRow: "accounts", ResourceRow: "resources", GrantRow: "grants"}


def _sort(rows: Sequence[Row], number: int, now: datetime, into: Rows) -> None:
    """Rows as the store's tables take them."""
    for row in rows:
        seen = {"first_seen": now} if isinstance(row, GrantRow) else {}
        into[_TABLES[type(row)]].append({"part_id": number, **to_row(row), **seen})


def _identities(rows: Sequence[Row]) -> set[tuple[str, ...]]:
    return {
        (row.kind, row.resource, row.principal_kind, row.principal) if isinstance(row, GrantRow) else (row.kind, row.id)
        for row in rows
    }


def _restless(part: Part) -> str:
    return f"The list '{part.name}' changed each of the {_READINGS} times it was read. Sync again in a quieter moment."


def _disagree(part: Part, before: int) -> str:
    return (
        f"The list '{part.name}' had {before} rows and is much shorter now, and a second reading did not agree with the first. "
        "Look at the system's own state, then sync again."
    )
