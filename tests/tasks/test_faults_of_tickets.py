"""Following tickets meets faults as other work does: shared ones hold, raise an alarm, and are tested by one ticket a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from access.failures import Transient
from access.lifecycle import OperationState, RequestState
from store.unit_of_work import Store
from tests.fakes.faults import Fault, FaultPlan
from tests.fakes.local_stack import TERMS, TICKET_TERMS, LocalStack
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)
PEOPLE = 6
FOLLOWING = replace(TICKET_TERMS, poll=MINUTE)


@pytest.fixture
def stack(store: Store) -> LocalStack:
    """Tickets of six people, of which each asks for the access of one."""
    terms = replace(TERMS, retry=replace(TERMS.retry, longest_wait=10 * MINUTE, credential_wait=MINUTE))
    stack = LocalStack.over(store, options=terms, ticket_terms=FOLLOWING)
    stack.system.accounts |= {f"p{number}": f"p{number}@example.com" for number in range(PEOPLE)}
    for number in range(PEOPLE):
        stack.grant(f"r{number}", group=f"jumpcloud:group:by-hand-{number}:member", subject={"id": f"p{number}"})
    stack.run()
    assert len(stack.tickets.open_issues()) == PEOPLE
    return stack


def done_by_people(stack: LocalStack) -> None:
    for number, issue in enumerate(sorted(stack.tickets.issues.values(), key=lambda each: int(each.ref.id))):
        stack.system.change(f"p{number}", f"jumpcloud:group:by-hand-{number}:member", present=True)
        issue.phase = Phase.DONE


def all_are_done(stack: LocalStack) -> bool:
    return all(stack.request(f"r{number}").state is RequestState.DONE for number in range(PEOPLE))


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOCKED_OUT, Fault.FORBIDDEN])
@pytest.mark.parametrize("where", ["ticketing", "the system"])
def test_while_tickets_cannot_be_followed_one_a_minute_tests_it_and_a_person_is_told(
    stack: LocalStack, where: str, fault: Fault
) -> None:
    plan: FaultPlan = stack.tickets.faults if where == "ticketing" else stack.system.faults
    plan.lasting = fault
    done_by_people(stack)
    stack.run(10 * MINUTE)
    if (
        where == "ticketing" or fault is not Fault.FORBIDDEN
    ):  # What the system does not show a closed ticket leaves open.
        with stack.store.read() as work:
            [shared] = work.faults.all()
            waiting, [alarm] = work.faults.rows(shared.id), work.alarms.lasting()
        assert shared.shared_at is not None
        assert len(waiting) == PEOPLE
        assert (alarm.entity, alarm.ref) == ("fault", str(shared.id))
        before = plan.calls
        stack.run(20 * MINUTE)
        assert 19 <= plan.calls - before <= 21
    plan.clear()
    stack.run(2 * MINUTE)
    assert all_are_done(stack) or (where, fault) == ("the system", Fault.FORBIDDEN)
    stack.services.faults.tidy()
    with stack.store.read() as work:
        assert not work.faults.all()
        assert not work.alarms.lasting() or (where, fault) == ("the system", Fault.FORBIDDEN)


def test_tickets_that_cannot_be_read_do_not_hold_those_that_are_to_be_made(stack: LocalStack) -> None:
    """To make a ticket and to read one are two things: what was met reading says nothing of making."""
    stack.tickets.unreadable = dict.fromkeys(stack.tickets.issues, Transient("The service is busy."))
    stack.run(5 * MINUTE)
    stack.grant("new", group="jumpcloud:group:by-hand-new:member")
    stack.run()
    assert stack.operation("new").state is OperationState.WITH_PERSON


def test_one_ticket_that_cannot_be_read_holds_no_other(stack: LocalStack) -> None:
    first = min(stack.tickets.issues, key=int)
    stack.tickets.unreadable[first] = Transient("The service is busy.")
    done_by_people(stack)
    stack.run(5 * MINUTE)
    states = [stack.request(f"r{number}").state for number in range(PEOPLE)]
    assert states.count(RequestState.DONE) == PEOPLE - 1
    stack.tickets.unreadable.clear()
    stack.run(2 * MINUTE)
    assert all_are_done(stack)
