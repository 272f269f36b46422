"""Leases of what a process works on are kept while it lives, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from access.clock import ManualClock
from access.lifecycle import OperationState
from store.database import Database
from store.outbox import Topic
from store.unit_of_work import Store
from tests.store.records import MINUTE, NOW, add_request, operation
from worker.lease_keeper import LeaseKeeper
from worker.revision_check import RevisionCheck

LEASE = timedelta(seconds=9)


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=4)
    yield Store(database)
    database.close()


def leased(store: Store, clock: ManualClock) -> bool:
    """Whether a worker gets the operation now."""
    with store.write() as work:
        states = (OperationState.READY, OperationState.RUNNING)
        now = clock.now()
        return work.operations.lease("op1", states=states, now=now, lasting=LEASE, state="running") is not None


def test_nobody_takes_over_from_a_process_that_lives_however_long_the_work_takes(store: Store) -> None:
    clock, under_way = ManualClock(NOW), [(Topic.OPERATION, "op1")]
    keeper = LeaseKeeper(store, clock, RevisionCheck(), under_way=lambda: under_way, lease=LEASE)
    with store.write() as work:
        add_request(work, now=NOW + 10 * MINUTE)
        work.operations.add(operation())
    assert leased(store, clock)
    for _ in range(10):
        clock.advance(LEASE * 0.9)
        keeper.turn()
        assert not leased(store, clock)
    under_way.clear()
    clock.advance(LEASE * 0.9)
    keeper.turn()
    clock.advance(LEASE * 0.2)
    assert leased(store, clock), "the work is over, and nobody keeps its lease"


def test_a_process_that_stood_still_does_not_get_back_what_another_took_over(store: Store) -> None:
    clock = ManualClock(NOW)
    keeper = LeaseKeeper(store, clock, RevisionCheck(), under_way=lambda: [(Topic.OPERATION, "op1")], lease=LEASE)
    with store.write() as work:
        add_request(work, now=NOW + 10 * MINUTE)
        work.operations.add(operation())
    assert leased(store, clock)
    clock.advance(LEASE)
    keeper.turn()
    assert leased(store, clock)
    with store.read() as work:
        found = work.operations.get("op1")
    assert found is not None
    assert found.fence == 2
