"""The sweep finds everything that is due, once, and again when its wake-up was lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from access.lifecycle import ClaimState, OperationState, TicketState
from access.methods import Direction
from access.operations import Lane
from store.outbox import Topic, WakeUp
from store.unit_of_work import Store
from tests.store.records import MINUTE, NOW, add_request, claim, operation, ticket
from tests.together import together

HALF = timedelta(seconds=30)


def sweep(store: Store, now: datetime = NOW, limit: int = 100) -> Sequence[WakeUp]:
    with store.write() as work:
        return work.sweep.mark_due(now=now, dispatched_for=HALF, limit=limit)


def found(store: Store, now: datetime = NOW) -> list[str]:
    return [wake_up.ref for wake_up in sweep(store, now)]


def anything(store: Store, now: datetime = NOW) -> bool:
    with store.read() as work:
        return bool(work.sweep.due(now=now))


def fill(store: Store) -> None:
    """One of everything that can be due."""
    with store.write() as work:
        add_request(work)
        add_request(work, "r2", now=NOW + 10 * MINUTE)
        work.operations.add(operation("give"))
        work.operations.add(operation("take", direction=Direction.TAKE, account_id="u2"))
        work.operations.add(operation("later", due_at=NOW + 10 * MINUTE, account_id="u3"))
        work.operations.add(operation("never", due_at=None, account_id="u4"))
        work.claims.add(claim())
        work.claims.step(
            "cl1",
            to=ClaimState.ACTIVE,
            states=[ClaimState.PENDING],
            starts_at=NOW,
            ends_at=NOW,
            due_at=NOW,
            pre_existing=False,
        )
        work.operations.add(operation("asked", due_at=None, account_id="u5"))
        work.tickets.add(ticket("tk", operation_id="asked"))
        work.tickets.step("tk", to=TicketState.OPEN, states=[TicketState.INTENDED], issue_id="1", due_at=NOW)


def test_everything_due_is_found_and_what_takes_away_comes_first(store: Store) -> None:
    fill(store)
    assert sweep(store) == [
        WakeUp(Topic.OPERATION, "take", Lane.REVOKE),
        WakeUp(Topic.CLAIM, "cl1", Lane.REVOKE),
        WakeUp(Topic.OPERATION, "give", Lane.GRANT),
        WakeUp(Topic.REQUEST, "r1", Lane.GRANT),
        WakeUp(Topic.TICKETS, "", Lane.TICKET),
    ]


def test_what_was_found_is_not_found_again_while_its_wake_up_is_under_way(store: Store) -> None:
    fill(store)
    assert anything(store)
    sweep(store)
    assert not anything(store)
    assert found(store, NOW + HALF / 2) == []


def test_a_lost_wake_up_is_sent_again(store: Store) -> None:
    fill(store)
    first = sweep(store)
    assert anything(store, NOW + HALF)
    assert sweep(store, NOW + HALF) == first


def test_what_a_worker_has_is_not_swept_until_its_lease_runs_out(store: Store) -> None:
    with store.write() as work:
        add_request(work, now=NOW + 10 * MINUTE)
        work.operations.add(operation())
        work.operations.lease("op1", states=[OperationState.READY], now=NOW, lasting=MINUTE, state="running")
    assert not anything(store)
    assert found(store) == []
    assert found(store, NOW + MINUTE) == ["op1"]


def test_what_is_worked_on_is_kept_as_long_as_somebody_keeps_it(store: Store) -> None:
    fill(store)
    with store.write() as work:
        work.operations.lease("give", states=[OperationState.READY], now=NOW, lasting=HALF, state="running")
    sweep(store)
    at = NOW + HALF / 2
    with store.write() as work:
        work.sweep.keep([(Topic.REQUEST, "r1"), (Topic.OPERATION, "take")], now=at, until=at + HALF)
    # The running operation is the request's own.
    assert set(found(store, NOW + HALF)) == {"cl1", ""}
    assert set(found(store, at + HALF)) >= {"take", "give", "r1"}


def test_what_ran_out_is_not_kept(store: Store) -> None:
    """A process that stood still comes back: what it had is free by then, and may be another's."""
    fill(store)
    sweep(store)
    late = NOW + HALF
    with store.write() as work:
        work.sweep.keep([(Topic.REQUEST, "r1"), (Topic.OPERATION, "take")], now=late, until=late + HALF)
    assert {"take", "r1"} <= set(found(store, late))


def test_it_is_known_when_the_next_row_becomes_due(store: Store) -> None:
    """So a quiet process may rest until then."""
    fill(store)
    with store.read() as work:
        assert work.sweep.next_due(now=NOW) == NOW + 10 * MINUTE
        assert work.sweep.next_due(now=NOW + 10 * MINUTE) is None


def test_the_oldest_come_first_and_the_rest_next_time(store: Store) -> None:
    with store.write() as work:
        add_request(work, now=NOW + 10 * MINUTE)
        for number in range(5):
            due = NOW - number * MINUTE
            work.operations.add(operation(f"op{number}", account_id=f"u{number}", due_at=due))
    assert sorted(wake_up.ref for wake_up in sweep(store, limit=2)) == ["op3", "op4"]
    assert sorted(wake_up.ref for wake_up in sweep(store, limit=2)) == ["op1", "op2"]


def test_of_several_sweepers_no_two_find_the_same(store: Store) -> None:
    with store.write() as work:
        add_request(work, now=NOW + 10 * MINUTE)
        for number in range(60):
            work.operations.add(operation(f"op{number}", account_id=f"u{number}"))

    def several_times() -> list[str]:
        return [wake_up.ref for _ in range(12) for wake_up in sweep(store, limit=5)]

    refs = [ref for mine in together([several_times] * 4) for ref in mine]
    assert sorted(refs) == sorted(f"op{number}" for number in range(60))


def test_a_message_handed_in_is_something(store: Store) -> None:
    with store.write() as work:
        assert not work.sweep.handed_in(owed_before=NOW)
        work.inbox.add(b"{}", content_type=None, source="test", now=NOW)
        assert work.sweep.handed_in(owed_before=NOW)


def test_a_claim_that_is_over_already_is_not_found(store: Store) -> None:
    fill(store)
    with store.write() as work:
        work.claims.step("cl1", to=ClaimState.ENDING, states=[ClaimState.ACTIVE])
    assert "cl1" not in found(store)


def test_what_waits_for_a_free_access_is_hurried_and_what_waits_after_a_failure_is_not(store: Store) -> None:
    later = NOW + MINUTE
    with store.write() as work:
        add_request(work, now=NOW + 10 * MINUTE)
        work.operations.add(operation("waits", due_at=later))
        work.operations.add(operation("failed", due_at=later))
        work.operations.step("failed", to=OperationState.READY, states=[OperationState.READY], error="429, in a minute")
        work.operations.add(operation("planned", due_at=None))
        work.operations.make_due(operation().access_key, now=NOW)
    assert found(store) == ["waits"]


def test_the_end_of_an_operation_lets_the_next_of_its_request_begin_and_hurries_what_waited(store: Store) -> None:
    later = NOW + MINUTE
    with store.write() as work:
        add_request(work, now=NOW + 10 * MINUTE)
        add_request(work, "r2", now=NOW + 10 * MINUTE)
        work.operations.add(operation("last", position=2, state=OperationState.WAITING, due_at=None, account_id="u3"))
        work.operations.add(operation("next", position=1, state=OperationState.WAITING, due_at=None, account_id="u2"))
        work.operations.add(operation("waits", request_id="r2", due_at=later))
        assert work.operations.release(operation("over"), now=NOW) == "next"
    assert found(store) == ["next", "waits"]


def test_who_works_alone_on_a_store_may_free_what_the_killed_one_held(store: Store) -> None:
    fill(store)
    sweep(store)
    with store.write() as work:
        work.operations.lease("give", states=[OperationState.READY], now=NOW, lasting=MINUTE, state="running")
        assert work.sweep.release_all() > 0
    assert {"cl1", "take", "give", "r1", ""} <= set(found(store))
