"""What counts as gone and as there: a stale look, a thing that is missing, and removals that nobody gives up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from access.methods import Method
from access.operations import Obstacle, Purpose
from store.unit_of_work import Store
from tasks.decisions import Decisions, NotPossible
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, TERMS, TICKET_TERMS, LocalStack
from ticketing.ports import Phase

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_b1_a_stale_empty_answer_before_an_expiry_does_not_end_the_claim(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    stack.system.stale.append(False)
    stack.system.stale.append(False)
    stack.run(5 * MINUTE)
    assert (ADA, GROUP, "take") in stack.system.writes
    assert stack.claim("r1").state is ClaimState.ENDED
    assert not stack.has()


def test_b1_a_stale_empty_answer_before_a_revoke_does_not_end_the_request(stack: LocalStack) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.revoke("r1")
    stack.system.stale.append(False)
    stack.run(MINUTE)
    assert not stack.has()
    assert stack.request("r1").state is RequestState.DONE


@pytest.mark.parametrize("fault", [Fault.LOST_UNDONE, Fault.KILLED_BEFORE, Fault.BUSY, Fault.THROTTLED, Fault.BUG])
def test_a_removal_that_was_not_answered_is_sent_again_whatever_a_look_shows(stack: LocalStack, fault: Fault) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.revoke("r1")
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.FINE, fault)
    stack.system.stale.extend([False] * 2)
    stack.run(5 * MINUTE)
    assert not stack.has()
    assert stack.request("r1").state is RequestState.DONE


def test_a_person_is_asked_for_a_removal_unless_two_looks_apart_show_it_gone(stack: LocalStack) -> None:
    stack.system.change(ADA, BY_HAND, present=True)
    stack.revoke("r1", group=BY_HAND)
    stack.system.stale.append(False)
    stack.run(MINUTE)
    assert stack.operation("r1").state is OperationState.WITH_PERSON
    stack.revoke("r2", group="jumpcloud:group:by-hand-2:member")
    stack.run()
    assert stack.request("r2").state is RequestState.FULFILLING
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.DONE
    assert len(stack.tickets.issues) == 1


@pytest.mark.parametrize("wait", [0, 5, 300])
def test_b7_a_stale_present_after_our_own_removal_does_not_end_a_new_grant(stack: LocalStack, wait: int) -> None:
    """Else nothing is given, and the claim says that the access was there before."""
    stack.grant("r1", seconds=10)
    stack.run(15 * SECOND)
    assert not stack.has()
    stack.run(wait * SECOND)
    stack.grant("r2", seconds=600)
    stack.system.stale.append(True)
    stack.run(2 * MINUTE)
    claim = stack.claim("r2")
    assert stack.has()
    assert (claim.state, claim.pre_existing) == (ClaimState.ACTIVE, False)
    stack.run(20 * MINUTE)
    assert not stack.has()


def test_a_stale_present_after_our_own_removal_does_not_keep_a_person_from_being_asked(stack: LocalStack) -> None:
    stack.system.change(ADA, BY_HAND, present=True)
    stack.revoke("r1", group=BY_HAND)
    stack.run()
    stack.system.change(ADA, BY_HAND, present=False)
    stack.tickets.open_issues()[0].phase = Phase.DONE
    stack.run(15 * SECOND)
    assert stack.request("r1").state is RequestState.DONE
    stack.grant("r2", group=BY_HAND)
    stack.system.stale.append(True)
    stack.run(5 * MINUTE)
    assert stack.operation("r2").state is OperationState.WITH_PERSON


def test_what_somebody_gave_long_after_our_removal_was_there_before(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10)
    stack.run(MINUTE)
    stack.system.change(ADA, GROUP, present=True)
    stack.run(5 * MINUTE)
    stack.grant("r2", seconds=60)
    stack.run(MINUTE)
    assert stack.claim("r2").pre_existing
    stack.run(5 * MINUTE)
    assert stack.has()


def test_a_claim_whose_group_is_proven_gone_ends_with_the_proof(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    stack.system.missing[GROUP] = True
    stack.run(2 * MINUTE)
    claim = stack.claim("r1")
    assert claim.state is ClaimState.ENDED
    assert "gone with what it was to: The complete list does not have it." in (claim.why_ended or "")


def test_what_cannot_be_seen_is_not_gone_and_is_taken_when_it_comes_back(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    stack.system.missing[GROUP] = False
    stack.run(3 * DAY)
    operation = stack.operation("r1", purpose=Purpose.EXPIRY)
    assert (operation.state, operation.obstacle) == (OperationState.BLOCKED, Obstacle.UNSEEN)
    assert "It cannot be seen" in (operation.error or "")
    assert stack.claim("r1").state is ClaimState.ENDING
    assert stack.has()
    del stack.system.missing[GROUP]
    stack.run(DAY)
    assert stack.claim("r1").state is ClaimState.ENDED
    assert not stack.has()


def test_b2_nobody_is_asked_to_take_away_what_cannot_be_seen(stack: LocalStack) -> None:
    stack.system.change(ADA, BY_HAND, present=True)
    stack.revoke("r1", group=BY_HAND)
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.BUSY)
    stack.run()
    stack.system.missing[BY_HAND] = False
    stack.run(90 * MINUTE)
    assert stack.request("r1").state is RequestState.BLOCKED
    assert not stack.tickets.issues
    stack.system.missing.clear()
    stack.run(31 * MINUTE)
    assert len(stack.tickets.issues) == 1
    assert stack.request("r1").state is RequestState.FULFILLING


def test_what_cannot_be_seen_is_looked_at_hourly_for_a_day_then_daily(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run(30 * SECOND)
    stack.system.missing[GROUP] = False
    stack.run(2 * HOUR)
    due = stack.operation("r1", purpose=Purpose.EXPIRY).due_at
    assert due is not None
    assert due - stack.clock.now() <= HOUR
    stack.run(2 * DAY)
    due = stack.operation("r1", purpose=Purpose.EXPIRY).due_at
    assert due is not None
    assert HOUR < due - stack.clock.now() <= DAY


RARE = replace(TERMS, retry=replace(TERMS.retry, longest_wait=30 * MINUTE, credential_wait=20 * MINUTE))


def test_a_revoke_that_comes_in_while_the_system_is_away_is_never_given_up(store: Store) -> None:
    stack = LocalStack.over(store, options=RARE)
    stack.system.change(ADA, GROUP, present=True)
    stack.revoke("r1")
    stack.system.faults.forecast(*[Fault.BUSY] * 2000)
    stack.run(6 * HOUR)
    assert stack.request("r1").state is RequestState.RECEIVED
    assert stack.request("r1").due_at is not None
    stack.system.faults.clear()
    stack.run(HOUR)
    assert stack.request("r1").state is RequestState.DONE
    assert not stack.has()


def test_the_time_of_a_refused_credential_counts_neither_as_tries_nor_towards_the_deadline(store: Store) -> None:
    stack = LocalStack.over(store, options=RARE)
    stack.grant("r1", group=BY_HAND)
    stack.tickets.faults.forecast(Fault.BUSY, *[Fault.LOCKED_OUT] * 2000)
    stack.run(5 * HOUR)
    stack.tickets.faults.clear()
    stack.tickets.faults.forecast(*[Fault.BUSY] * 3)
    stack.run(HOUR)
    assert stack.operation("r1").state is OperationState.WITH_PERSON


def test_a_ticket_for_a_removal_that_ticketing_refuses_waits_until_it_is_mended(store: Store) -> None:
    stack = LocalStack.over(store, ticket_terms=replace(TICKET_TERMS, poll=MINUTE))
    stack.system.change(ADA, BY_HAND, present=True)
    stack.revoke("r1", group=BY_HAND)
    stack.tickets.faults.forecast(Fault.REFUSED, Fault.REFUSED)
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.FULFILLING
    assert "refuses" in (stack.operation("r1").error or "")
    stack.run(3 * HOUR)
    assert stack.operation("r1").state is OperationState.WITH_PERSON


def test_a_removal_that_the_service_refuses_for_good_is_a_persons_and_blocked_when_that_one_declines(
    stack: LocalStack,
) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    stack.system.faults.forecast(Fault.FINE, Fault.REFUSED)
    stack.run(MINUTE)
    assert stack.operation("r1", purpose=Purpose.EXPIRY).via is Method.TICKET
    stack.tickets.open_issues()[0].phase = Phase.DECLINED
    stack.run(HOUR)
    operation = stack.operation("r1", purpose=Purpose.EXPIRY)
    assert (operation.state, operation.obstacle) == (OperationState.BLOCKED, Obstacle.REFUSED)
    assert stack.claim("r1").state is ClaimState.ENDING
    stack.run(5 * DAY)
    assert len(stack.tickets.issues) == 1
    assert "take" not in [what for _, _, what in stack.system.writes]


def test_a_removal_whose_tickets_are_used_up_is_blocked(store: Store) -> None:
    stack = LocalStack.over(store)
    stack.system.change(ADA, BY_HAND, present=True)
    stack.revoke("r1", group=BY_HAND)
    for _ in range(4):
        stack.run(30 * SECOND)
        stack.tickets.issues.clear()
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.BLOCKED
    assert stack.tickets_of("r1")[-1].state is TicketState.HIDDEN


def test_a_newer_grant_ends_a_removal_that_is_blocked(stack: LocalStack) -> None:
    stack.system.change(ADA, BY_HAND, present=True)
    stack.revoke("r1", group=BY_HAND)
    stack.run()
    stack.tickets.open_issues()[0].phase = Phase.DECLINED
    stack.run(MINUTE)
    stack.grant("r2", group=BY_HAND)
    stack.run(2 * HOUR)
    assert stack.claim("r2").state is ClaimState.ACTIVE
    assert stack.operation("r1").state is OperationState.DROPPED


@pytest.mark.parametrize("since", ["expiry", "hand-back"])
def test_d2_a_group_that_became_protected_since_is_left_to_a_person(stack: LocalStack, since: str) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    if since == "hand-back":
        stack.clock.advance(MINUTE)
        stack.system.faults.forecast(Fault.FINE, Fault.BUSY)
        stack.run()
    stack.system.by_person[GROUP] = "it is a protected group"
    stack.run(2 * MINUTE)
    operation = stack.operation("r1", purpose=Purpose.EXPIRY)
    assert (operation.state, operation.via) == (OperationState.WITH_PERSON, Method.TICKET)
    assert "protected" in operation.why
    assert stack.has()


def declined(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60, group=BY_HAND)
    stack.run()
    stack.system.change(ADA, BY_HAND, present=True)
    stack.tickets.open_issues()[0].phase = Phase.DONE
    stack.run(2 * MINUTE)
    stack.tickets.open_issues()[0].phase = Phase.DECLINED
    stack.run(MINUTE)
    assert stack.operation("r1", purpose=Purpose.EXPIRY).state is OperationState.BLOCKED


def test_a_person_has_a_blocked_removal_tried_again(stack: LocalStack) -> None:
    declined(stack)
    Decisions(stack.store, stack.clock, by="grace").retry("r1", reason="the approver is back")
    stack.run(MINUTE)
    [issue] = stack.tickets.open_issues()
    stack.system.change(ADA, BY_HAND, present=False)
    issue.phase = Phase.DONE
    stack.run(MINUTE)
    assert stack.claim("r1").state is ClaimState.ENDED


def test_a_person_settles_a_claim_and_only_one_whose_removal_is_blocked(stack: LocalStack) -> None:
    declined(stack)
    stack.grant("r2")
    stack.run()
    decisions = Decisions(stack.store, stack.clock, by="grace")
    for claim_id in (stack.claim("r2").id, "no such claim"):
        with pytest.raises(NotPossible):
            decisions.settle(claim_id, reason="no")
    decisions.settle(stack.claim("r1").id, reason="the group is another team's now")
    claim = stack.claim("r1")
    assert (claim.state, claim.why_ended) == (ClaimState.ENDED, "grace: the group is another team's now")
    assert stack.operation("r1", purpose=Purpose.EXPIRY).state is OperationState.DROPPED
    stack.run(HOUR)
    assert len(stack.tickets.issues) == 2
