"""Real processes read for one run: killed for real, and sharing what there is to read."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from access.entitlements import System
from access.snapshots import RunState
from simulator.jumpcloud import World, seed
from simulator.server import Simulators
from store.snapshot_tables import sync_runs, sync_shards
from store.unit_of_work import Store
from tests.connectors.snapshot_truth import jumpcloud_truth
from tests.machine import Amqp
from tests.patience import until, until_met
from tests.sync import sync_process
from tests.sync.sync_harness import FastClock, SyncHarness, wide, wire

GROUPS = 90

#: How many shards one process reads at a time, and a number of groups that makes more of them.
PLACES = 3
MANY_GROUPS = 170
SHARDS = 5
MEMBERS = re.compile(r"/usergroups/(\w+)/members$")


@contextmanager
def tenant(
    url: str, folder: Path, *, groups: int = GROUPS, **more: Any
) -> Iterator[tuple[SyncHarness, dict[str, Any]]]:
    """So many groups that there are several shards of them; and the settings other processes need."""
    clock = FastClock()
    world = World(clock=clock.seconds)
    seed(world, users=40, groups=groups, memberships=200, apps=2, admins=1, rng_seed=5)
    with Simulators(jumpcloud=world) as simulators:
        address = simulators.jumpcloud_url
        jumpcloud = wide(api_url=address, insights_url=address, api_key=world.credentials()["api_key"])
        settings = {
            "jumpcloud": jumpcloud,
            "limits": {"read_timeout": "10m"},  # nobody but the test ends a call that it holds
            "sync": {"jumpcloud_method": "listing", "period": None},
            **more,
        }
        provisor = wire(settings, url, folder, clock)
        whole = {
            "provisioning": "on",
            "policy": str(folder / "policy.yaml"),
            "store": {"url": url, "pool_size": 8},
            **settings,
        }
        with closing(provisor.store.database):
            yield SyncHarness(System.JUMPCLOUD, simulators, provisor, clock, world, jumpcloud_truth), whole


def shards(store: Store, run_id: str, state: str) -> int:
    statement = (
        select(func.count())
        .select_from(sync_shards)
        .where(sync_shards.c.run_id == run_id, sync_shards.c.state == state)
    )
    with store.database.read() as connection:
        return connection.execute(statement).scalar_one()


def groups_asked_for(harness: SyncHarness, since: float = 0) -> Counter[str]:
    calls = (call for call in harness.simulators.calls.latest() if call.at >= since)
    return Counter(found.group(1) for call in calls if (found := MEMBERS.search(call.path)))


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_a_process_is_killed_and_another_goes_on_at_the_last_finished_shard(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    with tenant(request.getfixturevalue(f"{database}_url"), tmp_path) as (harness, settings):
        run_id = harness.provisor.syncing.begin(System.JUMPCLOUD)
        # Forty groups to a shard: the fiftieth is in the second.
        held = harness.simulators.faults.add(path="/members$", hold="before", after=50, times=1)
        process = sync_process.start("once", settings, run_id)
        try:
            until_met(harness.simulators.faults, held, holding=1)
            until(lambda: shards(harness.store, run_id, "done") >= 5, "the first shard of groups")
        finally:
            process.kill()
            process.wait()
        harness.simulators.faults.release(held, drop=True)
        finished = shards(harness.store, run_id, "done")
        with harness.store.read() as work:
            complete = set(work.snapshots.sizes(run_id))
        killed_at = time.time()
        assert harness.provisor.syncing.begin(System.JUMPCLOUD) == run_id

        harness.is_right(harness.sync())
        assert finished >= 5
        assert len(complete) >= 4 + 40
        again = [call.path for call in harness.simulators.calls.latest() if call.at >= killed_at]
        lists = ("/api/systemusers", "/api/v2/usergroups", "/api/applications", "/api/users")
        assert [path for path in again if path in lists] == []
        assert not {f"members/{group}" for group in groups_asked_for(harness, killed_at)} & complete


def test_two_workers_share_a_run_and_one_that_is_killed_is_not_missed(
    postgresql_url: str, rabbitmq: Amqp, tmp_path: Path
) -> None:
    """The first worker reads as many shards as one process may, and the second the rest: all lists stand still meanwhile."""
    more: dict[str, Any] = {
        "broker": {"url": rabbitmq.url, "prefix": rabbitmq.prefix},
        "worker": {"concurrency": PLACES + 1, "poll": "0.05s"},
    }
    with tenant(postgresql_url, tmp_path, groups=MANY_GROUPS, **more) as (harness, settings):
        held = harness.simulators.faults.add(path="/members$", hold="before", times=None)
        workers = [sync_process.start("serve", settings)]
        try:
            run_id = harness.provisor.syncing.begin(System.JUMPCLOUD)
            until(lambda: len(being_read(harness.store, run_id)) == PLACES, "reading by the first")
            of_the_first = being_read(harness.store, run_id)
            workers.append(sync_process.start("serve", settings))

            def second_reads() -> bool:
                make_due(harness.store, run_id)
                return len(being_read(harness.store, run_id)) > PLACES

            until(second_reads, "reading by the second")
            lists = shards(harness.store, run_id, "done")
            workers[0].kill()
            workers[0].wait()
            harness.simulators.faults.remove(held)
            left = lists + SHARDS - PLACES
            until(lambda: shards(harness.store, run_id, "done") == left, "the end of what the first has left to others")
            assert being_read(harness.store, run_id) == of_the_first
            make_due(harness.store, run_id, forget_leases=True)

            def is_over() -> bool:
                with harness.store.read() as work:
                    run = work.sync_runs.get(run_id)
                return run is not None and run.state is not RunState.RUNNING

            until(is_over, "the end of the run")
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        with harness.store.read() as work:
            run = work.sync_runs.get(run_id)
        assert run is not None
        harness.is_right(run)
        assert len(groups_asked_for(harness)) == MANY_GROUPS


def being_read(store: Store, run_id: str) -> set[int]:
    """The shards of groups that a worker has taken and not finished."""
    held = (sync_shards.c.run_id == run_id, sync_shards.c.stage == 1, sync_shards.c.lease_until.is_not(None))
    with store.database.read() as connection:
        return set(connection.execute(select(sync_shards.c.id).where(*held)).scalars())


def make_due(store: Store, run_id: str, *, forget_leases: bool = False) -> None:
    """What some time does: the run is looked at again; after two minutes the leases of the dead have run out, too."""
    past = FastClock().now() - timedelta(seconds=1)
    held = (sync_shards.c.run_id == run_id, sync_shards.c.lease_until.is_not(None))
    with store.database.write() as connection:
        if forget_leases:
            connection.execute(update(sync_shards).where(*held).values(lease_until=past))
        of_run = update(sync_runs).where(sync_runs.c.id == run_id)
        connection.execute(of_run.values(lease_until=None, due_at=past, dispatched_until=None))
