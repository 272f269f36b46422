"""The dispatcher begins what is due, as far as there is room, and gives back what it cannot begin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from threading import Event
from time import monotonic

import pytest

from access.clock import ManualClock
from access.lifecycle import OperationState
from access.methods import Direction
from access.operations import Operation
from demo.patience import slowness
from store.database import Database
from store.outbox import Topic
from store.unit_of_work import Store
from tests.patience import PATIENCE_SECONDS, until
from tests.store.records import MINUTE, NOW, add_request, operation
from worker.dispatcher import Dispatcher
from worker.revision_check import RevisionCheck

CONCURRENCY = 4
REMOVAL_THREADS = 2


class Bench:
    """A dispatcher that a test turns by hand, and work that takes until it is let go."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.begun: list[tuple[Topic, str]] = []
        self.may_end = True
        #: How many removals the budget would let in; None is any number.
        self.let_in: int | None = None
        self.go = Event()
        self.dispatcher = Dispatcher(
            store,
            ManualClock(NOW),
            {topic: partial(self._work, topic) for topic in Topic},
            RevisionCheck(),
            concurrency=CONCURRENCY,
            removal_threads=REMOVAL_THREADS,
            poll=MINUTE,
            dispatched_for=timedelta(seconds=30),
            may_end=lambda: self.may_end,
            let_in=lambda _: self.let_in,
        )
        for threads in self.dispatcher._all():
            threads.start()

    def until_begun(self, number: int) -> list[tuple[Topic, str]]:
        until(lambda: len(self.begun) >= number, f"the beginning of {number}")
        return sorted(self.begun)

    def found_elsewhere(self) -> list[str]:
        """The rows that another process takes up now."""
        with self.store.write() as work:
            found = work.sweep.mark_due(now=NOW, dispatched_for=timedelta(seconds=30), limit=100)
        return sorted(each.ref for each in found)

    def add(self, *operations: Operation) -> None:
        with self.store.write() as work:
            add_request(work, now=NOW + 10 * MINUTE)
            for each in operations:
                work.operations.add(each)

    def add_request_to_revoke(self, request_id: str) -> None:
        with self.store.write() as work:
            add_request(work, request_id, action="revoke", now=NOW + 10 * MINUTE)

    def _work(self, topic: Topic, ref: str) -> None:
        self.begun.append((topic, ref))
        self.go.wait()


@pytest.fixture
def bench(sqlite_url: str) -> Iterator[Bench]:
    database = Database(sqlite_url)
    bench = Bench(Store(database))
    yield bench
    for threads in bench.dispatcher._all():
        threads.stop()
    bench.go.set()
    end = monotonic() + PATIENCE_SECONDS * slowness()
    assert all(threads.join(end) for threads in bench.dispatcher._all())
    database.close()


def gives(number: int) -> list[Operation]:
    return [operation(f"give{each}", account_id=f"u{each}") for each in range(number)]


def takes(number: int) -> list[Operation]:
    return [operation(f"take{each}", account_id=f"t{each}", direction=Direction.TAKE) for each in range(number)]


def test_removals_begin_though_all_other_threads_are_held(bench: Bench) -> None:
    bench.add(*gives(20), *takes(1))
    for _ in range(3):
        bench.dispatcher.turn()
    begun = bench.until_begun(CONCURRENCY)
    assert len(begun) == CONCURRENCY, "one system's share of the threads, and the removal"
    assert (Topic.OPERATION, "take0") in begun


def test_a_process_marks_no_more_removals_than_it_has_threads_for(bench: Bench) -> None:
    bench.add(*takes(5))
    bench.dispatcher.turn()
    assert len(bench.until_begun(REMOVAL_THREADS)) == REMOVAL_THREADS
    assert bench.found_elsewhere() == ["take2", "take3", "take4"]


def test_no_more_removals_begin_than_the_budget_lets_in(bench: Bench) -> None:
    """What is begun without a token is put off, and newer removals would go before it."""
    bench.add(*takes(3))
    bench.let_in = 0
    bench.dispatcher.turn()
    assert bench.found_elsewhere() == ["take0", "take1", "take2"]


def test_what_a_wake_up_brings_and_there_is_no_room_for_is_given_back(bench: Bench) -> None:
    later = NOW + timedelta(seconds=30)
    bench.add(*takes(4))
    with bench.store.write() as work:
        for each in takes(4):
            work.operations.set(each.id, dispatched_until=later)
    assert bench.found_elsewhere() == []
    for each in takes(4):
        bench.dispatcher.wake(Topic.OPERATION, each.id)
    bench.dispatcher.turn()
    begun = [ref for _, ref in bench.until_begun(REMOVAL_THREADS)]
    assert begun == ["take0", "take1"]
    assert bench.found_elsewhere() == ["take2", "take3"]


def test_a_wake_up_for_a_row_that_is_gone_or_over_begins_nothing(bench: Bench) -> None:
    bench.add(*takes(1))
    with bench.store.write() as work:
        work.operations.step("take0", to=OperationState.DROPPED, states=[OperationState.READY], error="not wanted")
    bench.dispatcher.wake(Topic.OPERATION, "take0")
    bench.dispatcher.wake(Topic.CLAIM, "never")
    bench.add_request_to_revoke("r9")
    bench.dispatcher.wake(Topic.REQUEST, "r9")
    bench.dispatcher.turn()
    assert bench.until_begun(1) == [(Topic.REQUEST, "r9")]


def test_nothing_ends_while_the_clock_cannot_be_trusted(bench: Bench) -> None:
    bench.add(*takes(1), *gives(1))
    bench.may_end = False
    bench.dispatcher.turn()
    assert bench.until_begun(1) == [(Topic.OPERATION, "give0")]
    bench.may_end = True
    bench.dispatcher.turn()
    assert len(bench.until_begun(2)) == 2


def test_what_waited_here_at_the_end_is_found_elsewhere_at_once(bench: Bench) -> None:
    bench.add(*gives(6))
    bench.dispatcher.turn()
    assert len(bench.until_begun(CONCURRENCY - 1)) == CONCURRENCY - 1
    assert bench.found_elsewhere() == [], "three run and three wait"
    bench.dispatcher._end()
    assert bench.found_elsewhere() == ["give3", "give4", "give5"]
