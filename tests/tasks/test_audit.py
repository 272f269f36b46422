"""Every change has an author: each change writes the audit row that tells of it, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from store.audit import AuditRow
from store.unit_of_work import Store
from tasks.intake import Rejected
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, LocalStack
from tests.fakes.tickets import Issue
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)
REFUSED = "The service refuses this. Have a person do it."


def given(stack: LocalStack) -> None:
    stack.grant("r1", seconds=600)
    stack.run()


def given_and_over(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10)
    stack.run(MINUTE)


def tried_again(stack: LocalStack) -> None:
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.BUSY)
    given(stack)


def handed_over(stack: LocalStack) -> None:
    stack.system.faults.forecast(*[Fault.FINE] * 3, Fault.REFUSED)
    given(stack)


def too_late(stack: LocalStack) -> None:
    stack.system.faults.forecast(Fault.BUSY)
    stack.grant("r1", seconds=10)
    stack.run()
    stack.clock.advance(timedelta(days=1))
    stack.run()


def called_back(stack: LocalStack) -> None:
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.THROTTLED)
    given(stack)
    stack.revoke("r2")
    stack.run(2 * MINUTE)


def asked(stack: LocalStack) -> Issue:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    [issue] = stack.tickets.open_issues()
    return issue


def declined(stack: LocalStack) -> None:
    asked(stack).phase = Phase.DECLINED
    stack.run(MINUTE)


def done_by_hand(stack: LocalStack) -> None:
    issue = asked(stack)
    stack.system.change(ADA, BY_HAND, present=True)
    issue.phase = Phase.DONE
    stack.run(MINUTE)


def never_done(stack: LocalStack) -> None:
    issue = asked(stack)
    for _ in range(3):
        issue.phase = Phase.DONE
        stack.run(MINUTE)


def deleted(stack: LocalStack) -> None:
    asked(stack)
    stack.tickets.issues.clear()
    stack.run(MINUTE)


def called_back_from_a_person(stack: LocalStack) -> None:
    asked(stack)
    stack.revoke("r2", group=BY_HAND)
    stack.run(MINUTE)


def never_made(stack: LocalStack) -> None:
    stack.tickets.faults.forecast(Fault.REFUSED)
    stack.grant("r1", group=BY_HAND)
    stack.run()
    stack.revoke("r2", group=BY_HAND)
    stack.run(MINUTE)


@pytest.mark.parametrize(
    ("change", "event", "detail"),
    [
        (given, "request.received", {"action": "grant", "subject": ADA}),
        (given, "operation.planned", {"direction": "give", "via": "connector", "account": ADA}),
        (given, "operation.done", {"evidence": "the list shows it", "was_there": False, "via": "connector"}),
        (given, "claim.active", {"pre_existing": False, "ends_at": "2026-11-22T09:10:00.001000+00:00"}),
        (given, "request.done", {}),
        (given_and_over, "claim.ending", {"late_seconds": 0.0}),
        (given_and_over, "claim.ended", {"why": "the access was taken away, and seen gone"}),
        (tried_again, "operation.retry", {"failure": "transient", "tries": 1}),
        (handed_over, "operation.handed_over", {"why": f"the API could not do it: {REFUSED}"}),
        (too_late, "request.failed", {"reason": "not given in time: The service is busy."}),
        (called_back, "request.withdrawn", {"why": "request r2 takes the access away"}),
        (called_back, "claim.void", {"why": "request r2 takes the access away"}),
        (called_back, "operation.dropped", {"why": "request r2 takes the access away"}),
        (called_back_from_a_person, "operation.dropped", {"why": "request r2 takes the access away"}),
        (called_back_from_a_person, "ticket.withdrawn", {"key": "OPS-1"}),
        (declined, "ticket.intended", {"why": "policy rule 'jumpcloud:group:by-hand*:member' has a person do it"}),
        (declined, "ticket.opened", {"key": "OPS-1", "url": "https://tickets.example/OPS-1"}),
        (declined, "ticket.declined", {"key": "OPS-1", "why": "OPS-1 was closed as 'declined'"}),
        (declined, "operation.failed", {"reason": "OPS-1 was closed as 'declined'"}),
        (declined, "request.failed", {"reason": "OPS-1 was closed as 'declined'"}),
        (declined, "claim.void", {"why": "OPS-1 was closed as 'declined'"}),
        (done_by_hand, "ticket.verified", {"key": "OPS-1", "status": "done"}),
        (never_done, "ticket.answered", {"key": "OPS-1", "seen": "the list does not show it"}),
        (never_done, "ticket.reopened", {"key": "OPS-1", "wrong": "the list does not show it"}),
        (never_done, "ticket.escalated", {"key": "OPS-1"}),
        (deleted, "ticket.hidden", {"key": "OPS-1", "why": "it was deleted or hidden from Provisor"}),
        (never_made, "ticket.withdrawn", {}),
    ],
)  # fmt: skip
def test_a_change_writes_its_audit_row(
    stack: LocalStack, change: Callable[[LocalStack], object], event: str, detail: dict[str, Any]
) -> None:
    change(stack)
    rows = [row for row in trail(stack) if row.event == event]
    assert rows, event
    assert {row.request_id for row in rows} == {"r1"}
    assert {row.entity for row in rows} == {event.partition(".")[0]}
    assert rows[0].detail | detail == rows[0].detail
    assert event in ("ticket.answered", "ticket.reopened") or len(rows) == 1


def test_a_refused_request_and_a_plan_that_is_made_again_write_their_rows(store: Store) -> None:
    stack = LocalStack.over(store, rules=())
    stack.grant("r1")
    stack.run()
    assert [row.event for row in trail(stack)] == ["request.received", "request.refused"]


def test_a_rejected_message_and_its_resending_write_their_rows(stack: LocalStack) -> None:
    rejected = stack.intake.take(b"not json", content_type=None, source="queue")
    assert isinstance(rejected, Rejected)
    stack.intake.resend(rejected.number, by="grace")
    told = [(row.event, row.actor, row.entity_id) for row in trail(stack)]
    number = str(rejected.number)
    assert told == [("message.rejected", "producer:queue", number), ("dead_letter.resent", "operator:grace", number)]


def trail(stack: LocalStack) -> list[AuditRow]:
    with stack.store.read() as work:
        return [row for _, row in work.audit.after(0)]
