"""The figures that monitoring watches agree with what is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from access.lifecycle import ClaimState, TicketState
from access.operations import Lane
from store.queries.figures import FIGURES, figures
from store.rate_budgets import Allowance
from store.tables import operations, tickets
from store.unit_of_work import Store
from tests.store.records import MINUTE, NOW, add_request, claim, operation, ticket


def told(store: Store, name: str) -> dict[tuple[str, ...], float]:
    with store.database.read() as connection:
        return {each.labels: each.value for each in figures(connection, now=NOW) if each.name == name}


def test_every_figure_is_one_that_is_declared_with_its_labels(store: Store) -> None:
    with store.write() as work:
        add_request(work)
        work.operations.add(operation(due_at=NOW - MINUTE))
    with store.database.read() as connection:
        for each in figures(connection, now=NOW):
            assert len(each.labels) == len(FIGURES[each.name][0]), each


def test_an_empty_store_says_zero_where_a_zero_is_good_news(store: Store) -> None:
    assert told(store, "dead_letters") == {(): 0}
    assert told(store, "inbox_messages") == {(): 0}
    assert set(told(store, "requests").values()) == {0}
    assert told(store, "overdue_access") == {}


@pytest.mark.parametrize("minutes", [1, 90])
def test_work_that_is_due_is_counted_with_the_age_of_the_oldest(store: Store, minutes: int) -> None:
    with store.write() as work:
        add_request(work)
        for number, age in enumerate((1, minutes)):
            work.operations.add(operation(f"op{number}", position=number, due_at=NOW - age * MINUTE))
    assert told(store, "work_due")["work", "jumpcloud"] == 3  # The request itself is due as well.
    assert told(store, "work_oldest_seconds")["work", "jumpcloud"] == minutes * 60


def test_work_under_way_or_due_later_is_not_counted(store: Store) -> None:
    with store.write() as work:
        add_request(work, now=NOW + MINUTE)
        work.operations.add(operation("op1", due_at=NOW - MINUTE))
        work.operations.add(operation("op2", position=1, due_at=NOW + MINUTE))
    with store.database.write() as connection:
        connection.execute(update(operations).where(operations.c.id == "op1").values(lease_until=NOW + MINUTE))
    assert told(store, "work_due") == {}


@pytest.mark.parametrize(("state", "overdue"), [("pending", 0), ("active", 1), ("ending", 1), ("ended", 0)])
def test_access_is_overdue_until_it_is_seen_gone(store: Store, state: str, overdue: int) -> None:
    with store.write() as work:
        add_request(work)
        work.claims.add(claim())
        steps = [ClaimState.ACTIVE, ClaimState.ENDING, ClaimState.ENDED]
        seen = {"pre_existing": False, "starts_at": NOW - 2 * MINUTE, "ends_at": NOW - MINUTE}
        before = ClaimState.PENDING
        for step in steps[: ["pending", "active", "ending", "ended"].index(state)]:
            work.claims.step("cl1", to=step, states=(before,), **seen)
            before = step
    assert sum(told(store, "overdue_access").values()) == overdue
    assert sum(told(store, "overdue_access_seconds").values()) == overdue * 60


def test_tickets_are_counted_by_state_and_by_trouble(store: Store) -> None:
    with store.write() as work:
        add_request(work)
        work.operations.add(operation())
        work.tickets.add(ticket())
        work.tickets.step("tk1", to=TicketState.OPEN, states=(TicketState.INTENDED,), issue_id="1")
    with store.database.write() as connection:
        connection.execute(update(tickets).values(trouble="left_open"))
    assert told(store, "tickets")["open",] == 1
    assert told(store, "tickets_in_trouble") == {("left_open",): 1}


def test_a_stop_is_told_while_it_lasts(store: Store) -> None:
    with store.write() as work:
        work.budgets.take("jira", Lane.GRANT, 1, Allowance(rate=1, burst=10), now=NOW)
        work.budgets.stop("jira", "*", NOW + 5 * MINUTE, now=NOW)
        work.budgets.stop("jumpcloud", "read", NOW - timedelta(seconds=1), now=NOW - MINUTE)
    assert told(store, "service_stop_seconds") == {("jira", "*"): 300}
    assert ("jira",) in told(store, "rate_budget_tokens")
