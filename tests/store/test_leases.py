"""Leases are fenced: whoever lost one writes nothing any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from access.lifecycle import OperationState, TicketState
from access.methods import Direction
from access.operations import Operation
from store.leases import LeaseLost
from store.unit_of_work import Store
from tests.store.records import MINUTE, NOW, add_request, operation, ticket
from tests.together import together

BEGUN = (OperationState.READY, OperationState.RUNNING)


def lease(store: Store, now: datetime, operation_id: str = "op1") -> Operation | None:
    with store.write() as work:
        return work.operations.lease(operation_id, states=BEGUN, now=now, lasting=MINUTE, state="running")


@pytest.fixture(autouse=True)
def ready(store: Store) -> None:
    with store.write() as work:
        add_request(work)
        work.operations.add(operation())


def test_what_one_has_another_does_not_get(store: Store) -> None:
    first = lease(store, NOW)
    assert first is not None
    assert first.fence == 1
    assert lease(store, NOW + MINUTE / 2) is None


def test_an_operation_does_not_begin_at_an_access_where_another_runs(store: Store) -> None:
    running = operation("op2", state=OperationState.RUNNING, fence=1)
    with store.write() as work:
        assert work.operations.begin(running, lease_until=NOW + MINUTE)
        assert not work.operations.begin(replace(running, id="op3"), lease_until=NOW + MINUTE)
    assert lease(store, NOW, "op2") is None
    with store.read() as work:
        assert work.operations.get("op3") is None


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence(store: Store) -> None:
    lease(store, NOW)
    second = lease(store, NOW + MINUTE)
    assert second is not None
    assert second.fence == 2


def test_a_worker_whose_lease_was_taken_over_cannot_write(store: Store) -> None:
    lease(store, NOW)
    lease(store, NOW + MINUTE)
    with pytest.raises(LeaseLost), store.write() as work:  # noqa: PT012 - the one transaction is the rule
        work.audit.record("operation.done", "operation", "op1", now=NOW, request_id="r1")
        work.operations.settle("op1", fence=1, state="ready", error="late")
    with store.read() as work:
        found = work.operations.get("op1")
        assert found is not None
        assert (found.state, found.error) == (OperationState.RUNNING, None)
        assert work.audit.of_request("r1") == []


def test_a_worker_that_comes_back_before_anybody_took_over_may_write(store: Store) -> None:
    lease(store, NOW)
    with store.write() as work:
        work.operations.settle("op1", fence=1, state="ready")


def test_what_is_not_due_is_not_leased(store: Store) -> None:
    assert lease(store, NOW - MINUTE) is None


def test_what_is_over_is_not_leased(store: Store) -> None:
    with store.write() as work:
        work.operations.drop("op1", why="not wanted")
    assert lease(store, NOW + MINUTE) is None


def test_giving_back_lets_the_next_one_in_at_once(store: Store) -> None:
    lease(store, NOW)
    with store.write() as work:
        work.operations.settle("op1", fence=1, due_at=NOW)
    assert lease(store, NOW) is not None


def test_of_many_at_once_one_gets_the_lease(store: Store) -> None:
    leased = together([lambda: lease(store, NOW)] * 6)
    assert sum(found is not None for found in leased) == 1


def test_due_tickets_are_shared_out_and_none_twice(store: Store) -> None:
    with store.write() as work:
        for number in range(20):
            work.operations.add(operation(f"o{number}", account_id=f"a{number}"))
            work.tickets.add(ticket(f"tk{number}", operation_id=f"o{number}"))
            work.tickets.step(
                f"tk{number}",
                to=TicketState.OPEN,
                states=[TicketState.INTENDED],
                issue_id=str(number),
                due_at=NOW,
            )

    def all_there_are() -> list[str]:
        mine: list[str] = []
        while True:
            with store.write() as work:
                leased = work.tickets.lease_due(Direction.GIVE, now=NOW, lasting=MINUTE, limit=3)
            if not leased:
                return mine
            mine += [ticket.id for ticket in leased]

    taken = [ticket for mine in together([all_there_are] * 4) for ticket in mine]
    assert sorted(taken) == sorted(f"tk{number}" for number in range(20))
