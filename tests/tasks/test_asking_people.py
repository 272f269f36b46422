"""Tickets: one for each operation, whatever happens while it is made and followed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from access.failures import Permanent
from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from access.operations import Lane
from store.alarms import AlarmKind
from store.unit_of_work import Store
from tests.fakes.faults import WAIT, Fault
from tests.fakes.local_stack import ADA, BY_HAND, TICKET_TERMS, LocalStack
from ticketing.ports import Phase

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LOST_UNDONE, Fault.KILLED_AFTER, Fault.KILLED_BEFORE, Fault.BUSY])
def test_an_issue_is_made_once_whatever_came_of_the_call(stack: LocalStack, fault: Fault) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.tickets.faults.forecast(fault)
    stack.run(3 * MINUTE)
    assert len(stack.tickets.issues) == 1
    assert stack.operation("r1").state is OperationState.WITH_PERSON


def test_an_issue_whose_creation_was_not_answered_is_looked_for_before_another_is_made(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.tickets.faults.forecast(Fault.LOST_UNDONE)
    stack.run(TICKET_TERMS.look_for - SECOND)
    assert stack.tickets.issues == {}
    stack.run(10 * SECOND)
    assert len(stack.tickets.issues) == 1


def test_a_worker_that_was_frozen_before_its_call_closes_the_twin_that_it_makes(stack: LocalStack) -> None:
    """Found by the simulation: nothing keeps a call back that its worker was about to make when its lease ended."""
    frozen = iter([True])

    def freeze(writes: bool, _about: str) -> None:  # noqa: FBT001 - as the double calls it
        if writes and next(frozen, False):
            stack.clock.advance(2 * MINUTE)
            stack.run(MINUTE)

    stack.tickets.faults.outage = freeze
    stack.grant("r1", group=BY_HAND)
    stack.run(MINUTE)
    first, twin = stack.tickets.issues.values()
    assert (first.phase, twin.phase) == (Phase.OPEN, Phase.DECLINED)
    assert twin.comments == {"twin": f"This is a duplicate of {first.ref.key}. Nothing is to be done here."}
    assert [ticket.issue_key for ticket in stack.tickets_of("r1")] == [first.ref.key]


def test_what_our_own_rate_budget_puts_off_is_no_try(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.tickets.faults.forecast(*[Fault.PUT_OFF] * 20)
    stack.run(19 * WAIT)
    assert stack.operation("r1").tries == 0
    assert stack.operation("r1").first_tried_at is None
    assert [ticket.tries for ticket in stack.tickets_of("r1")] == [0]
    stack.run(2 * WAIT)
    assert stack.operation("r1").state is OperationState.WITH_PERSON


def test_only_tickets_that_take_access_away_go_in_the_lane_of_removals(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run(MINUTE)
    assert set(stack.tickets.lanes) == {Lane.GRANT}
    stack.system.change(ADA, BY_HAND, present=True)
    stack.tickets.open_issues()[0].phase = Phase.DONE
    stack.run(MINUTE)
    stack.tickets.lanes.clear()
    stack.revoke("r2", group=BY_HAND)
    stack.run(MINUTE)
    assert stack.operation("r2").state is OperationState.WITH_PERSON
    assert set(stack.tickets.lanes) == {Lane.REVOKE}


def test_a_timed_grant_says_in_its_ticket_how_long_it_is_for(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND, seconds=3600)
    stack.run()
    [issue] = stack.tickets.issues.values()
    assert "1 hour after it was seen" in issue.draft.body


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.KILLED_AFTER])
def test_what_a_person_did_before_we_knew_of_the_issue_is_ours_and_the_issue_is_closed(
    stack: LocalStack, fault: Fault
) -> None:
    """The issue exists and we never heard so; the access it asked for is not pre-existing, and nobody needs the issue."""
    stack.grant("r1", group=BY_HAND, seconds=600)
    stack.tickets.faults.forecast(fault)
    stack.run()
    stack.system.change(ADA, BY_HAND, present=True)
    stack.run(2 * MINUTE)
    assert stack.claim("r1").state is ClaimState.ACTIVE
    assert not stack.claim("r1").pre_existing
    assert stack.tickets.open_issues() == []


def test_where_nothing_may_be_reopened_the_first_answer_counts(store: Store) -> None:
    stack = LocalStack.over(store, ticket_terms=replace(TICKET_TERMS, closings=0))
    stack.grant("r1", group=BY_HAND)
    stack.run()
    [issue] = stack.tickets.open_issues()
    issue.phase = Phase.DONE
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.FAILED
    assert stack.tickets_of("r1")[0].state is TicketState.ESCALATED


def test_tickets_that_are_deleted_again_and_again_end_with_the_operator(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    for _ in range(TICKET_TERMS.closings + 1):
        stack.run(30 * SECOND)
        stack.tickets.issues.clear()
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.FAILED
    assert len(stack.tickets_of("r1")) == TICKET_TERMS.closings + 1


def test_ticketing_that_is_away_for_an_hour_gets_its_ticket_all_the_same(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.tickets.faults.forecast(*[Fault.BUSY] * 150)
    stack.run(MINUTE)
    assert stack.tickets.issues == {}
    stack.run(timedelta(hours=1))
    assert len(stack.tickets.issues) == 1


def test_a_ticket_that_cannot_be_read_keeps_no_other_from_being_settled(stack: LocalStack) -> None:
    """C10."""
    stack.grant("r1", group=BY_HAND)
    stack.grant("r2", group="jumpcloud:group:by-hand-2:member")
    stack.run()
    stack.system.change(ADA, "jumpcloud:group:by-hand-2:member", present=True)
    unreadable, other = stack.tickets_of("r1")[0].issue_id or "", stack.tickets_of("r2")[0].issue_id or ""
    stack.tickets.unreadable[unreadable] = Permanent("Forbidden.", status=403)
    stack.tickets.issues[other].phase = Phase.DONE
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.DONE
    assert stack.tickets_of("r1")[0].error == "Forbidden."
    assert stack.operation("r1").state is OperationState.WITH_PERSON


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOCKED_OUT, Fault.REFUSED, Fault.BUG])
def test_a_ticket_that_cannot_be_made_is_made_when_that_is_mended_however_long_it_took(
    stack: LocalStack, fault: Fault
) -> None:
    """C4, C5: a refused credential is no age, and a field that became required is mended by a person."""
    stack.grant("r1", group=BY_HAND)
    stack.tickets.faults.forecast(*[fault] * 100)
    for _ in range(4):
        stack.run(MINUTE)
        stack.clock.advance(timedelta(hours=12))
    stack.run()
    assert stack.request("r1").state is RequestState.FULFILLING
    with stack.store.read() as work:
        [fault_met] = work.faults.all()
        alarms = work.alarms.lasting()
    assert fault_met.what in (stack.operation("r1").error or "")
    assert {alarm.kind for alarm in alarms} == {AlarmKind.FAULT, AlarmKind.LATE}
    stack.tickets.faults.clear()
    stack.tickets.faults.forecast(*[Fault.BUSY] * 3)
    stack.run(3 * MINUTE)
    assert stack.operation("r1").state is OperationState.WITH_PERSON


def test_an_operation_that_failed_leaves_the_access_to_the_next_one(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    stack.tickets.open_issues()[0].phase = Phase.DECLINED
    stack.run(MINUTE)
    assert stack.operation("r1").state is OperationState.FAILED
    stack.grant("r2", group=BY_HAND)
    stack.run(MINUTE)
    assert stack.operation("r2").state is OperationState.WITH_PERSON


def test_a_ticket_that_breaks_us_does_not_keep_us_from_the_others(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    stack.grant("r2", group="jumpcloud:group:by-hand-2:member")
    stack.run()
    for issue in stack.tickets.open_issues():
        issue.phase = Phase.DONE
    stack.system.change(ADA, BY_HAND, present=True)
    stack.system.change(ADA, "jumpcloud:group:by-hand-2:member", present=True)
    stack.system.faults.forecast(Fault.BUG)
    stack.run(TICKET_TERMS.poll + SECOND)
    states = {stack.request(name).state for name in ("r1", "r2")}
    assert RequestState.DONE in states
    stack.run(MINUTE)
    assert {stack.request(name).state for name in ("r1", "r2")} == {RequestState.DONE}


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.LOST, Fault.BUSY])
@pytest.mark.parametrize("calls_before", [1, 2])
def test_what_is_wrong_is_said_once_and_the_same_ticket_reopened(
    stack: LocalStack, fault: Fault, calls_before: int
) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    [issue] = stack.tickets.open_issues()
    issue.phase = Phase.DONE
    stack.run(TICKET_TERMS.poll)
    stack.clock.advance(TICKET_TERMS.believe_within)
    stack.tickets.faults.forecast(*[Fault.FINE] * calls_before, fault)
    stack.run(2 * MINUTE)
    assert [found.ref for found in stack.tickets.open_issues()] == [issue.ref]
    assert len(issue.comments) == 1
    assert stack.tickets_of("r1")[0].answers == 1


def test_more_tickets_than_one_call_reads_are_all_looked_at_at_once(stack: LocalStack) -> None:
    for number in range(120):
        stack.grant(f"r{number}", group=f"jumpcloud:group:by-hand-{number}:member")
    stack.run()
    assert len(stack.tickets.open_issues()) == 120
    for number, issue in enumerate(stack.tickets.open_issues()):
        stack.system.change(ADA, f"jumpcloud:group:by-hand-{number}:member", present=True)
        issue.phase = Phase.DONE
    stack.run(TICKET_TERMS.poll)
    with stack.store.read() as work:
        assert work.requests.counts() == {"done": 120}


def test_the_marker_of_a_ticket_keeps_its_spelling(stack: LocalStack) -> None:
    """By it an issue is found that an earlier version made without hearing of it."""
    stack.grant("r1", group=BY_HAND)
    stack.run(MINUTE)
    [ticket] = stack.tickets_of("r1")
    assert ticket.marker == f"provisor-{stack.operation('r1').id}-1"


def test_what_shows_a_moment_after_the_ticket_was_closed_is_done_without_a_word_of_reproach(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    [issue] = stack.tickets.open_issues()
    issue.phase = Phase.DONE
    stack.run(TICKET_TERMS.poll)
    assert stack.tickets_of("r1")[0].state is TicketState.ANSWERED
    stack.system.change(ADA, BY_HAND, present=True)
    stack.run(MINUTE)
    [ticket] = stack.tickets_of("r1")
    assert ticket.state is TicketState.VERIFIED
    assert list(issue.comments) == [f"{ticket.id}-verified"]
