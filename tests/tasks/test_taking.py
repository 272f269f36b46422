"""Requests to take access away, and what becomes of grants that are still on their way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from access.provisioning import Provisioning
from store.unit_of_work import Store
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, LocalStack
from ticketing.ports import Phase

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_a_request_takes_the_access_and_ends_every_claim_on_it(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.grant("r2", seconds=600)
    stack.run()
    stack.revoke("r3")
    stack.run()
    assert not stack.has()
    assert {stack.claim(name).state for name in ("r1", "r2")} == {ClaimState.ENDED}


def test_it_takes_access_that_no_claim_is_about(stack: LocalStack) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.revoke("r1")
    stack.run()
    assert not stack.has()


def test_access_that_is_gone_already_is_success(stack: LocalStack) -> None:
    stack.revoke("r1")
    stack.run()
    assert stack.request("r1").state is RequestState.DONE
    assert stack.system.writes == []


def test_the_end_of_one_claim_leaves_the_others(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.grant("r2")
    stack.run()
    stack.revoke("r3", claim_of="r1")
    stack.run()
    assert stack.claim("r1").state is ClaimState.ENDED
    assert stack.claim("r2").state is ClaimState.ACTIVE
    assert stack.has()
    stack.revoke("r4", claim_of="r2")
    stack.run()
    assert not stack.has()


def test_the_end_of_a_claim_that_nobody_knows_is_refused(stack: LocalStack) -> None:
    """Else a slip in the id would be answered with done while the claim that was meant lives on."""
    stack.grant("r1")
    stack.run()
    stack.revoke("r2", claim_of="r0")
    stack.run()
    assert stack.request("r2").state is RequestState.REFUSED
    assert stack.has()


def test_the_end_of_a_claim_that_is_over_is_no_more_than_that(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10)
    stack.run(MINUTE)
    stack.revoke("r2", claim_of="r1")
    stack.run()
    assert stack.request("r2").state is RequestState.DONE


def test_a_grant_on_its_way_is_called_back(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.THROTTLED)
    stack.run()
    stack.revoke("r2")
    stack.run(2 * MINUTE)
    assert stack.request("r1").state is RequestState.WITHDRAWN
    assert stack.claim("r1").state is ClaimState.VOID
    assert stack.request("r2").state is RequestState.DONE
    assert not stack.has()


@pytest.mark.parametrize("lag", [0, 10])
def test_a_grant_whose_answer_was_lost_is_not_left_behind_by_a_revoke(stack: LocalStack, lag: int) -> None:
    """The write took effect, nobody heard of it, and it may not show yet: the revoke must not find "nothing to take"."""
    stack.system.lag = lag * SECOND
    stack.grant("r1")
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.FINE, Fault.LOST)
    stack.run()
    stack.revoke("r2")
    stack.run(5 * MINUTE)
    assert stack.request("r2").state is RequestState.DONE
    assert not stack.has()


def test_a_ticket_for_a_grant_that_is_called_back_is_closed(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    stack.revoke("r2", group=BY_HAND)
    stack.run(MINUTE)
    [ticket] = stack.tickets_of("r1")
    assert ticket.state is TicketState.WITHDRAWN
    assert stack.tickets.open_issues() == []
    assert stack.request("r2").state is RequestState.DONE


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LOST_UNDONE, Fault.BUSY, Fault.KILLED_AFTER, Fault.KILLED_BEFORE])
def test_a_ticket_that_is_being_made_while_its_grant_is_called_back_does_not_stay(
    stack: LocalStack, fault: Fault
) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.tickets.faults.forecast(fault)
    stack.run()
    stack.revoke("r2", group=BY_HAND)
    stack.run(5 * MINUTE)
    assert stack.tickets.open_issues() == []
    assert stack.operation("r1").state is OperationState.DROPPED
    assert stack.request("r2").state is RequestState.DONE


@pytest.mark.parametrize("first_planned", ["r1", "r2"])
def test_requests_count_in_the_order_they_came_in(stack: LocalStack, first_planned: str) -> None:
    """Whichever of them is planned first: a later revoke is not undone by an earlier grant."""
    stack.grant("r1")
    stack.revoke("r2")
    wake_ups = sorted(stack.sweep(), key=lambda wake_up: wake_up.ref != first_planned)
    stack.handle(wake_ups)
    stack.run(MINUTE)
    assert not stack.has()
    assert stack.request("r2").state is RequestState.DONE


@pytest.mark.parametrize("first_planned", ["r1", "r2"])
def test_a_later_grant_is_not_undone_by_an_earlier_revoke(stack: LocalStack, first_planned: str) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.revoke("r1")
    stack.grant("r2", seconds=60)
    stack.handle(sorted(stack.sweep(), key=lambda wake_up: wake_up.ref != first_planned))
    stack.run(30 * SECOND)
    assert stack.has()
    stack.run(2 * MINUTE)
    assert not stack.has(), "what was there before was to be taken away, so it is no reason to stay"


def test_a_claim_that_was_not_even_planned_can_be_ended(store: Store) -> None:
    quiet = LocalStack.over(store, mode=Provisioning.PLAN)
    quiet.grant("r1")
    quiet.run()
    loud = LocalStack.over(store, like=quiet)
    loud.revoke("r2", claim_of="r1")
    loud.run()
    with store.write() as work:
        work.requests.wake_planned(now=loud.clock.now())
    loud.run(MINUTE)
    assert loud.request("r1").state is RequestState.WITHDRAWN
    assert not loud.has()


def test_a_removal_by_ticket_that_is_declined_is_blocked_and_nobody_is_asked_again(stack: LocalStack) -> None:
    stack.system.change(ADA, BY_HAND, present=True)
    stack.revoke("r1", group=BY_HAND)
    stack.run()
    [issue] = stack.tickets.open_issues()
    issue.phase = Phase.DECLINED
    stack.run(MINUTE)
    request = stack.request("r1")
    assert request.state is RequestState.BLOCKED
    assert issue.ref.key in (request.reason or "")
    stack.run(3 * timedelta(hours=1))
    assert stack.request("r1").state is RequestState.BLOCKED
    assert len(stack.tickets.issues) == 1
    stack.system.change(ADA, BY_HAND, present=False)
    stack.run(2 * timedelta(hours=1))
    assert stack.request("r1").state is RequestState.DONE
