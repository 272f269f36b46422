"""Runs are read in shards: by any worker, once, and from where a killed one stopped."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from access.entitlements import System
from access.failures import Transient
from access.snapshots import RunState
from connectors.reading import Part
from store.snapshot_tables import sync_shards
from tests.sync.conftest import Observatory
from tests.sync.test_whole_or_nothing import truth


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it is carried out."""


@pytest.mark.parametrize("where", ["users", "groups", "members/group0", "members/group3"])
def test_a_run_killed_half_way_goes_on_at_its_last_finished_shard(observatory: Observatory, where: str) -> None:
    killed = False

    def kill_once(name: str) -> None:
        nonlocal killed
        if name == where and not killed:
            killed = True
            raise Killed

    observatory.system.when_read = kill_once
    first = observatory.worker()
    run_id = first.begin(System.JUMPCLOUD)
    with pytest.raises(Killed):
        first.work(run_id)
    done_before = {name for name in observatory.system.reads if name != where}
    before = observatory.snapshot()
    assert before is None

    second = observatory.worker()
    second.work(run_id)
    assert observatory.run(run_id).state is RunState.RUNNING, "the dead worker's lease still holds"
    observatory.clock.advance(timedelta(minutes=2))
    run = observatory.finish(second, run_id)
    assert run.state is RunState.COMPLETE
    assert observatory.members() == truth(observatory)
    assert observatory.accounts() == set(observatory.system.users)
    for name in done_before - {"members/group0", "members/group1", "members/group2", "members/group3"}:
        assert observatory.system.reads[name] == 1, f"{name} was finished before the kill"


def test_several_workers_read_every_list_once_between_them(observatory: Observatory) -> None:
    observatory.system.members = {f"group{n:02}": ["user1", "user2"] for n in range(40)}
    barrier = threading.Barrier(4)
    run_id = observatory.worker().begin(System.JUMPCLOUD)

    def work() -> None:
        worker = observatory.worker()
        barrier.wait()
        for _ in range(20):
            worker.work(run_id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert observatory.run(run_id).state is RunState.COMPLETE
    assert set(observatory.system.reads.values()) == {1}
    assert observatory.members() == truth(observatory)


def test_one_run_of_a_system_at_a_time_whoever_begins_it(observatory: Observatory) -> None:
    barrier = threading.Barrier(6)
    begun: list[str] = []

    def begin() -> None:
        worker = observatory.worker()
        barrier.wait()
        begun.append(worker.begin(System.JUMPCLOUD))

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 6
    assert len(set(begun)) == 1


def test_each_slot_of_the_schedule_begins_one_run_whatever_the_number_of_schedulers(observatory: Observatory) -> None:
    for slot in range(3):
        barrier = threading.Barrier(4)

        def tick(barrier: threading.Barrier = barrier) -> None:
            worker = observatory.worker()
            barrier.wait()
            worker.begin_due()

        threads = [threading.Thread(target=tick) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with observatory.store.read() as work:
            running = work.sync_runs.running(System.JUMPCLOUD)
        assert running is not None
        observatory.finish(observatory.worker(), running.id)
        with observatory.store.database.read() as connection:
            runs = connection.exec_driver_sql("SELECT count(*) FROM sync_runs").scalar_one()
        assert runs == slot + 1
        observatory.clock.advance(timedelta(hours=1))


def test_a_worker_that_was_thought_dead_writes_nothing_into_the_run(observatory: Observatory) -> None:
    taken_over = False

    def stall(name: str) -> None:
        nonlocal taken_over
        if name == "members/group2" and not taken_over:
            taken_over = True
            observatory.clock.advance(timedelta(minutes=5))
            other = observatory.worker()
            assert observatory.finish(other, run_id).state is RunState.COMPLETE

    observatory.system.when_read = stall
    slow = observatory.worker()
    run_id = slow.begin(System.JUMPCLOUD)
    slow.work(run_id)
    assert observatory.run(run_id).state is RunState.COMPLETE
    assert observatory.members() == truth(observatory)


def test_a_worker_that_reads_slowly_is_not_taken_for_dead(observatory: Observatory) -> None:
    def dawdle(name: str) -> None:
        if name == "users":
            observatory.clock.advance(observatory.options.lease * 0.6)
            observatory.worker().work(run_id)

    observatory.system.when_read = dawdle
    run_id = observatory.worker().begin(System.JUMPCLOUD)
    run = observatory.finish(observatory.worker(), run_id)
    assert run.state is RunState.COMPLETE
    assert observatory.system.reads["users"] == 1


def test_a_worker_that_waits_long_for_a_page_is_not_taken_for_dead(observatory: Observatory) -> None:
    observatory.options = replace(observatory.options, lease=timedelta(seconds=0.4))

    def held_until() -> datetime:
        with observatory.store.database.read() as connection:
            statement = select(sync_shards.c.lease_until).where(sync_shards.c.lease_until.is_not(None))
            found: datetime = connection.execute(statement).scalar_one()
        return found

    def wait(name: str) -> None:
        for _ in range(4 if name == "users" else 0):
            before = held_until()
            observatory.clock.advance(observatory.options.lease * 0.6)
            limit = time.monotonic() + 20
            while held_until() <= before:
                assert time.monotonic() < limit, "the lease was not made longer"
                time.sleep(0.01)  # noqa: TID251 - another thread makes it longer
            observatory.worker().work(run_id)

    observatory.system.when_read = wait
    worker = observatory.worker()
    run_id = worker.begin(System.JUMPCLOUD)
    assert observatory.finish(worker, run_id).state is RunState.COMPLETE
    assert observatory.system.reads["users"] == 1


def test_a_worker_that_stops_leaves_its_shard_to_others_at_once_and_without_blame(observatory: Observatory) -> None:
    stopping = observatory.worker()

    def stop(name: str) -> None:
        if name == "members/group3" and observatory.system.reads[name] == 1:
            stopping.stop()
            raise Transient("Stopping.", retry_after=timedelta(0), counted=False)

    observatory.system.when_read = stop
    run_id = stopping.begin(System.JUMPCLOUD)
    stopping.work(run_id)
    assert observatory.run(run_id).due_at == observatory.clock.now()
    with observatory.store.database.read() as connection:
        assert connection.execute(select(func.max(sync_shards.c.tries))).scalar_one() == 0
    observatory.worker().work(run_id)
    assert observatory.run(run_id).state is RunState.COMPLETE
    assert observatory.members() == truth(observatory)


def test_large_lists_have_shards_of_their_own_and_short_ones_share(observatory: Observatory) -> None:
    worker = observatory.worker()
    run_id = worker.begin(System.JUMPCLOUD)
    observatory.finish(worker, run_id)
    with observatory.store.database.read() as connection:
        shards = connection.exec_driver_sql("SELECT count(*) FROM sync_shards").scalar_one()
    # users; groups; five groups' members, two to a shard
    assert shards == 1 + 1 + 3
    assert Part("users", large=True).large
