from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from access.entitlements import System
from access.snapshots import RunState
from cli.sync_progress import Progress, Runs
from cli.sync_runs import SyncRuns
from config.settings import Settings
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.systems import act
from store.database import Database
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from tests.patience import until, until_met
from tests.sync.sync_harness import FastClock, wide
from worker.call_counter import CallCounter
from worker.sync import sync_from


class Watching(Progress):
    """Remembers the calls that were shown while the run was under way."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def show(self, runs: Runs) -> None:
        self.calls += [standing.run.calls for _, standing in runs if standing.run.state is RunState.RUNNING]


@pytest.fixture
def simulators() -> Iterator[Simulators]:
    world = World()
    for number in range(250):
        act(world, "add_user", email=f"user{number}@example.com")
    with Simulators(jumpcloud=world) as simulators:
        yield simulators


def test_calls_are_shown_while_a_shard_is_being_read(simulators: Simulators, sqlite_url: str) -> None:
    clock, watching, calls = FastClock(), Watching(), CallCounter()
    key = World().credentials()["api_key"]
    jumpcloud = wide(api_url=simulators.jumpcloud_url, insights_url=simulators.jumpcloud_url, api_key=key)
    store = Store(Database(sqlite_url, pool_size=8))
    syncing = sync_from(
        Settings.model_validate({"jumpcloud": jumpcloud}), store, clock, RecordingPublisher(), calls=calls
    )
    # The first list has three pages: the third call for it stands still, and nothing of the stage is finished.
    held = simulators.faults.add(path="^/api/systemusers$", hold="before", after=2)
    runs = SyncRuns(store, syncing, clock, calls, watching)
    working = threading.Thread(target=runs.take, args=([System.JUMPCLOUD],), kwargs={"full": True})
    working.start()
    try:
        until_met(simulators.faults, held, holding=1)
        with store.read() as work:
            run = work.sync_runs.running(System.JUMPCLOUD)
        assert run is not None
        until(lambda: watching.calls and watching.calls[-1] >= run.calls + 2, "the calls of the stage being shown")
    finally:
        simulators.faults.release(held)
        working.join()
    store.database.close()
