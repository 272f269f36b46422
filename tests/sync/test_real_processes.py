"""Real processes read for one run: killed for real, and sharing what there is to read."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.sync import sync_process
from tests.sync.sync_harness import PATIENCE_SECONDS, FastClock, SyncHarness, until, wide, wire

GROUPS = 90
MEMBERS = re.compile(r"/usergroups/(\w+)/members$")


@contextmanager
def tenant(url: str, folder: Path, **more: Any) -> Iterator[tuple[SyncHarness, dict[str, Any]]]:
    """Ninety groups, so that there are several shards of them; and the settings other processes need."""
    clock = FastClock()
    world = World(clock=clock.seconds)
    seed(world, users=40, groups=GROUPS, memberships=200, apps=2, admins=1, rng_seed=5)
    with Simulators(jumpcloud=world) as simulators:
        address = simulators.jumpcloud_url
        jumpcloud = wide(api_url=address, insights_url=address, api_key=world.credentials()["api_key"])
        settings = {"jumpcloud": jumpcloud, "sync": {"jumpcloud_method": "listing", "period": None}, **more}
        provisor = wire(settings, url, folder, clock)
        whole = {
            "provisioning": "on",
            "policy": str(folder / "policy.yaml"),
            "store": {"url": url, "pool_size": 8},
            **settings,
        }
        yield SyncHarness(System.JUMPCLOUD, simulators, provisor, clock, world, jumpcloud_truth), whole
        provisor.store.database.close()


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
            assert harness.simulators.faults.wait_until(held, holding=1, timeout=PATIENCE_SECONDS)
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
    more = {
        "broker": {"url": rabbitmq.url, "prefix": rabbitmq.prefix},
        "worker": {"concurrency": 4, "poll": "0.05s"},
    }
    with tenant(postgresql_url, tmp_path, **more) as (harness, settings):
        harness.simulators.faults.latency(60)
        workers = [sync_process.start("serve", settings) for _ in range(2)]
        try:
            run_id = harness.provisor.syncing.begin(System.JUMPCLOUD)
            until(lambda: sum(groups_asked_for(harness).values()) >= 8, "reading members")
            workers[0].kill()
            workers[0].wait()
            harness.simulators.faults.latency(0)
            until(lambda: is_quiet(harness), "the end of what the other one reads")
            assert shards(harness.store, run_id, "ready"), "the one that was killed had something to read"
            forget_leases(harness.store, run_id)

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
        assert len(groups_asked_for(harness)) == GROUPS


def is_quiet(harness: SyncHarness) -> bool:
    """Whether nobody reads any more: what is left belongs to the dead."""
    before = harness.simulators.calls.count()
    time.sleep(1)  # noqa: TID251 - the test waits for another process
    return harness.simulators.calls.count() == before


def forget_leases(store: Store, run_id: str) -> None:
    """What two minutes do: the dead worker's leases run out, and somebody is woken for that."""
    past = FastClock().now() - timedelta(seconds=1)
    held = (sync_shards.c.run_id == run_id, sync_shards.c.lease_until.is_not(None))
    with store.database.write() as connection:
        connection.execute(update(sync_shards).where(*held).values(lease_until=past))
        of_run = update(sync_runs).where(sync_runs.c.id == run_id)
        connection.execute(of_run.values(lease_until=None, due_at=past, dispatched_until=None))
