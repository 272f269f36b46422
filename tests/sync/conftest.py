from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from access.clock import ManualClock
from access.entitlements import System
from access.snapshots import RunState, ShrinkGuard, Snapshot, SyncRun
from store.database import Database
from store.queries.snapshots import Filters, Queries
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from tasks.sync import SYNC_RETRY, Sync, SyncOptions
from tasks.sync_parts import PartReader
from tests.fakes.readable_system import FakeReadableSystem
from tests.sync.sync_harness import SyncHarness, company_of

OPTIONS = SyncOptions(
    lease=timedelta(seconds=60), shard_parts=2, retry=replace(SYNC_RETRY, first_wait=timedelta(seconds=1))
)


@dataclass
class EngineHarness:
    """A store, a system to be read, and as many workers as a test makes."""

    store: Store
    clock: ManualClock
    system: FakeReadableSystem
    options: SyncOptions = OPTIONS
    guard: ShrinkGuard = field(default_factory=lambda: ShrinkGuard(share=0.3, at_least=4))
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)
    _readers: list[PartReader] = field(default_factory=list)

    def worker(self) -> Sync:
        parts = PartReader(self.store, self.clock, self.guard, concurrency=2, lease=self.options.lease)
        self._readers.append(parts)
        return Sync(
            self.store,
            self.clock,
            self.publisher,
            readers={System.JUMPCLOUD: self.system},
            parts=parts,
            options=self.options,
            calls=lambda _: self.system.reads.total(),
            jitter=lambda: 0.0,
        )

    def sync(self, *, full: bool = False) -> SyncRun:
        """Take a snapshot with one worker, moving the clock over every wait."""
        worker = self.worker()
        run_id = worker.begin(System.JUMPCLOUD, full=full)
        return self.finish(worker, run_id)

    def finish(self, worker: Sync, run_id: str) -> SyncRun:
        for _ in range(100):
            worker.work(run_id)
            run = self.run(run_id)
            if run.state is not RunState.RUNNING:
                return run
            self.clock.advance(timedelta(seconds=30))
        raise AssertionError(f"the run does not end: {run}")

    def run(self, run_id: str) -> SyncRun:
        with self.store.read() as work:
            run = work.sync_runs.get(run_id)
        assert run is not None
        return run

    def snapshot(self) -> Snapshot | None:
        with self.store.read() as work:
            return work.snapshots.current(System.JUMPCLOUD)

    def members(self) -> set[tuple[str, str]]:
        """Who is in what, as the current snapshot shows it."""
        with self.store.database.one_moment() as connection:
            return {(row["resource"], row["account"]) for row in Queries(connection).grants(Filters(kind="group"))}

    def accounts(self) -> set[str]:
        with self.store.database.one_moment() as connection:
            return {row["id"] for row in Queries(connection).accounts(Filters())}

    def break_at(self, where: str, error: BaseException, *, times: int = 10_000) -> None:
        """So many readings of the list end in this error."""
        left = times

        def fail(name: str) -> None:
            nonlocal left
            if name == where and left:
                left -= 1
                raise error

        self.system.when_read = fail

    def close(self) -> None:
        for reader in self._readers:
            reader.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(f"{request.param}_url"), pool_size=5)
    yield Store(database)
    database.close()


@pytest.fixture
def engine(store: Store) -> Iterator[EngineHarness]:
    system = FakeReadableSystem(
        users=[f"user{n}" for n in range(10)],
        members={f"group{g}": [f"user{n}" for n in range(g, g + 5)] for g in range(5)},
    )
    made = EngineHarness(store, ManualClock(datetime(2026, 11, 1, tzinfo=UTC)), system)
    yield made
    made.close()


@pytest.fixture
def company(sqlite_url: str, tmp_path: Path) -> Iterator[SyncHarness]:
    yield from company_of(sqlite_url, tmp_path)
