"""Runs are read in shards: by any worker, once, and from where a killed one stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from access.entitlements import System
from access.failures import Transient
from access.snapshots import RunState
from store.snapshot_tables import sync_shards
from tests.fakes.faults import Killed
from tests.patience import until
from tests.sync.conftest import EngineHarness
from tests.sync.test_whole_or_nothing import truth
from tests.together import together


@pytest.mark.parametrize("where", ["users", "groups", "members/group0", "members/group3"])
def test_a_run_killed_half_way_goes_on_at_its_last_finished_shard(engine: EngineHarness, where: str) -> None:
    engine.break_at(where, Killed(), times=1)
    first = engine.worker()
    run_id = first.begin(System.JUMPCLOUD)
    with pytest.raises(Killed):
        first.work(run_id)
    done_before = {name for name in engine.system.reads if name != where}
    before = engine.snapshot()
    assert before is None

    second = engine.worker()
    second.work(run_id)
    assert engine.run(run_id).state is RunState.RUNNING, "the dead worker's lease still holds"
    engine.clock.advance(timedelta(minutes=2))
    run = engine.finish(second, run_id)
    assert run.state is RunState.COMPLETE
    assert engine.members() == truth(engine)
    assert engine.accounts() == set(engine.system.users)
    for name in done_before - {"members/group0", "members/group1", "members/group2", "members/group3"}:
        assert engine.system.reads[name] == 1, f"{name} was finished before the kill"


def test_several_workers_read_every_list_once_between_them(engine: EngineHarness) -> None:
    engine.system.members = {f"group{n:02}": ["user1", "user2"] for n in range(40)}
    run_id = engine.worker().begin(System.JUMPCLOUD)

    def work() -> None:
        worker = engine.worker()
        for _ in range(20):
            worker.work(run_id)

    together([work] * 4)
    assert engine.run(run_id).state is RunState.COMPLETE
    assert set(engine.system.reads.values()) == {1}
    assert engine.members() == truth(engine)


def test_one_run_of_a_system_at_a_time_whoever_begins_it(engine: EngineHarness) -> None:
    assert len(set(together([lambda: engine.worker().begin(System.JUMPCLOUD)] * 6))) == 1


def test_each_slot_of_the_schedule_begins_one_run_whatever_the_number_of_schedulers(engine: EngineHarness) -> None:
    for slot in range(3):
        together([lambda: engine.worker().begin_due()] * 4)
        with engine.store.read() as work:
            running = work.sync_runs.running(System.JUMPCLOUD)
        assert running is not None
        engine.finish(engine.worker(), running.id)
        with engine.store.database.read() as connection:
            runs = connection.exec_driver_sql("SELECT count(*) FROM sync_runs").scalar_one()
        assert runs == slot + 1
        engine.clock.advance(timedelta(hours=1))


def test_a_worker_that_was_thought_dead_writes_nothing_into_the_run(engine: EngineHarness) -> None:
    taken_over = False

    def stall(name: str) -> None:
        nonlocal taken_over
        if name == "members/group2" and not taken_over:
            taken_over = True
            engine.clock.advance(timedelta(minutes=5))
            other = engine.worker()
            assert engine.finish(other, run_id).state is RunState.COMPLETE

    engine.system.when_read = stall
    slow = engine.worker()
    run_id = slow.begin(System.JUMPCLOUD)
    slow.work(run_id)
    assert engine.run(run_id).state is RunState.COMPLETE
    assert engine.members() == truth(engine)


def test_a_worker_that_reads_slowly_is_not_taken_for_dead(engine: EngineHarness) -> None:
    def dawdle(name: str) -> None:
        if name == "users":
            engine.clock.advance(engine.options.lease * 0.6)
            engine.worker().work(run_id)

    engine.system.when_read = dawdle
    run_id = engine.worker().begin(System.JUMPCLOUD)
    run = engine.finish(engine.worker(), run_id)
    assert run.state is RunState.COMPLETE
    assert engine.system.reads["users"] == 1


def test_a_worker_that_waits_long_for_a_page_is_not_taken_for_dead(engine: EngineHarness) -> None:
    engine.options = replace(engine.options, lease=timedelta(seconds=0.4))

    def held_until() -> datetime:
        with engine.store.database.read() as connection:
            statement = select(sync_shards.c.lease_until).where(sync_shards.c.lease_until.is_not(None))
            found: datetime = connection.execute(statement).scalar_one()
        return found

    def wait(name: str) -> None:
        for _ in range(4 if name == "users" else 0):
            before = held_until()
            engine.clock.advance(engine.options.lease * 0.6)
            until(lambda: held_until() > before, "a longer lease")  # noqa: B023 - used within the turn
            engine.worker().work(run_id)

    engine.system.when_read = wait
    worker = engine.worker()
    run_id = worker.begin(System.JUMPCLOUD)
    assert engine.finish(worker, run_id).state is RunState.COMPLETE
    assert engine.system.reads["users"] == 1


def test_a_worker_that_stops_leaves_its_shard_to_others_at_once_and_without_blame(engine: EngineHarness) -> None:
    stopping = engine.worker()

    def stop(name: str) -> None:
        if name == "members/group3" and engine.system.reads[name] == 1:
            stopping.stop()
            raise Transient("Stopping.", retry_after=timedelta(0), counted=False)

    engine.system.when_read = stop
    run_id = stopping.begin(System.JUMPCLOUD)
    stopping.work(run_id)
    assert engine.run(run_id).due_at == engine.clock.now()
    with engine.store.database.read() as connection:
        assert connection.execute(select(func.max(sync_shards.c.tries))).scalar_one() == 0
    engine.worker().work(run_id)
    assert engine.run(run_id).state is RunState.COMPLETE
    assert engine.members() == truth(engine)


def test_large_lists_have_shards_of_their_own_and_short_ones_share(engine: EngineHarness) -> None:
    worker = engine.worker()
    run_id = worker.begin(System.JUMPCLOUD)
    engine.finish(worker, run_id)
    with engine.store.database.read() as connection:
        shards = connection.exec_driver_sql("SELECT count(*) FROM sync_shards").scalar_one()
    # users; groups; five groups' members, two to a shard
    assert shards == 1 + 1 + 3
