"""Every outcome is an event, written with the change and told once, in order; notice is given once before access ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta

import pytest

from access.events import Event, cloud_event
from access.methods import Method
from access.policy import Policy, Rule
from access.ticket_routes import TicketRoute
from store.database import Database
from store.events import rows_from_audit
from store.unit_of_work import Store, UnitOfWork
from tasks.decisions import Decisions
from tasks.events import Notices, forget, place
from tests.fakes.local_stack import BY_HAND, START, LocalStack
from ticketing.ports import Phase

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def cluster_store(postgresql_url: str) -> Iterator[Store]:
    database = Database(postgresql_url, pool_size=4)
    yield Store(database)
    database.close()


def told(store: Store) -> list[Event]:
    place(store)
    with store.read() as work:
        return list(work.events.after(0))


def types(store: Store) -> list[str]:
    return [each.type for each in told(store)]


def test_each_outcome_is_told_in_the_order_in_which_it_came(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10)
    stack.run(timedelta(minutes=1))
    assert types(stack.store) == [
        "request.received",
        "claim.active",
        "operation.done",
        "request.done",
        "claim.ending",
        "claim.ended",
        "operation.done",
    ]


def test_a_ticket_and_its_end_are_told(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run(timedelta(seconds=20))
    [issue] = stack.tickets.open_issues()
    issue.phase = Phase.DECLINED
    stack.run(timedelta(minutes=1))
    assert {"ticket.opened", "ticket.declined", "operation.failed", "claim.void", "request.failed"} <= set(
        types(stack.store)
    )


def test_what_is_rolled_back_is_never_told(stack: LocalStack) -> None:
    with suppress(RuntimeError), stack.store.write() as work:
        work.audit.record("request.done", "request", "r1", now=START)
        work.audit.flush()
        raise RuntimeError
    assert told(stack.store) == []


def test_one_who_follows_misses_nothing_of_a_transaction_that_commits_late(cluster_store: Store) -> None:
    """Numbers are drawn before the commit: the event with the lower number becomes visible last."""
    with ExitStack() as late:
        slow = late.enter_context(cluster_store.write())
        _happens(slow, "first")
        with cluster_store.write() as quick:
            _happens(quick, "second")
        seen = told(cluster_store)
        assert [each.entity_id for each in seen] == ["second"]
    cursor = seen[-1].position
    assert cursor is not None
    place(cluster_store)
    with cluster_store.read() as work:
        assert [each.entity_id for each in work.events.after(cursor)] == ["first"]


def test_positions_are_not_given_twice_however_many_give_them(cluster_store: Store) -> None:
    for number in range(30):
        with cluster_store.write() as work:
            _happens(work, str(number))
    place(cluster_store)
    place(cluster_store)
    positions = [each.position for each in told(cluster_store)]
    assert positions == list(range(1, 31))


def test_old_events_are_forgotten_and_positions_go_on(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.run()
    before = told(stack.store)
    stack.clock.advance(timedelta(days=31))
    while forget(stack.store, stack.clock, older_than=timedelta(days=30)):
        pass
    stack.grant("r2")
    stack.run()
    left = told(stack.store)
    assert {each.request_id for each in left[1:]} == {"r2"}
    assert left[0].position == before[-1].position  # The last one is kept: it is the counter.


def test_an_event_is_a_cloud_event(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.run()
    event = cloud_event(told(stack.store)[0])
    assert event["specversion"] == "1.0"
    assert event["id"] == "1"
    assert event["type"] == "provisor.request.received"
    assert event["subject"] == "request/r1"
    assert event["time"].endswith("Z")


def _happens(work: UnitOfWork, entity_id: str) -> None:
    row = {"at": START, "event": "request.done", "entity": "request", "entity_id": entity_id}
    row |= {"request_id": entity_id, "actor": "provisor", "detail": {}}
    work.events.add(rows_from_audit([row]))


# Notice


def policy(*before: timedelta) -> Policy:
    rule = Rule(pattern="jumpcloud:*", give=Method.CONNECTOR, notice_before=before)
    return Policy(rules=(rule,), ticket=TicketRoute(project="OPS"))


def given(stack: LocalStack, *before: timedelta) -> Notices:
    return Notices(stack.store, stack.clock, policy(*before))


def noticed(stack: LocalStack) -> list[str]:
    return [str(each.data["before"]) for each in told(stack.store) if each.type == "claim.ends_soon"]


def days(number: float) -> int:
    return int(number * 86400)


def test_notice_is_given_once_at_its_time_also_after_restarts(stack: LocalStack) -> None:
    stack.grant("r1", seconds=days(2))
    stack.run()
    notices = given(stack, DAY, HOUR)
    assert notices.turn() == 0
    stack.clock.advance(DAY)
    assert [notices.turn(), notices.turn(), given(stack, DAY, HOUR).turn()] == [1, 0, 0]
    stack.clock.advance(23 * HOUR)
    assert [given(stack, DAY, HOUR).turn(), notices.turn()] == [1, 0]
    assert noticed(stack) == ["P1D", "PT1H"]


def test_what_is_over_before_its_notice_has_none(stack: LocalStack) -> None:
    stack.grant("r1", seconds=days(2))
    stack.run()
    stack.revoke("r2")
    stack.run()
    stack.clock.advance(DAY)
    assert given(stack, DAY).turn() == 0


def test_access_for_less_than_the_time_of_a_notice_has_no_such_notice(stack: LocalStack) -> None:
    stack.grant("r1", seconds=3 * 3600)
    stack.run()
    notices = given(stack, DAY, HOUR)
    assert notices.turn() == 0
    stack.clock.advance(2 * HOUR)
    assert notices.turn() == 1
    assert noticed(stack) == ["PT1H"]


def test_an_end_that_was_moved_has_notices_of_its_own(stack: LocalStack) -> None:
    stack.grant("r1", seconds=days(2))
    stack.run()
    notices = given(stack, DAY)
    stack.clock.advance(DAY)
    notices.turn()
    claim = stack.claim("r1")
    assert claim.ends_at is not None
    with stack.store.write() as work:
        later = claim.ends_at + 3 * DAY
        work.claims.set(claim.id, ends_at=later, due_at=later)
    stack.clock.advance(3 * DAY)
    assert given(stack, DAY).turn() == 1


def test_a_claim_that_is_cancelled_has_no_notice(stack: LocalStack) -> None:
    stack.grant("r1", seconds=days(2))
    stack.run()
    Decisions(stack.store, stack.clock, by="grace").cancel_claim(stack.claim("r1").id, reason="not needed")
    stack.clock.advance(DAY)
    assert given(stack, DAY).turn() == 0
