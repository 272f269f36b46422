"""What people see of work that waits, and what they decide about it: one list, and each decision has its author."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState
from access.provisioning import Provisioning
from store.unit_of_work import Store
from tasks.decisions import Decisions, NotPossible
from tasks.waiting import Waiting, waiting
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, LocalStack
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)
MENDED = "it is mended"


@pytest.fixture
def decide(stack: LocalStack) -> Decisions:
    return Decisions(stack.store, stack.clock, by="grace")


def seen(stack: LocalStack, mode: Provisioning = Provisioning.ON) -> Sequence[Waiting]:
    return waiting(stack.store, mode, now=stack.clock.now())


def authors(stack: LocalStack, request_id: str) -> list[tuple[str, str]]:
    with stack.store.read() as work:
        return [
            (row.event, str(row.detail.get("reason")))
            for row in work.audit.of_request(request_id)
            if row.actor == "operator:grace"
        ]


def test_each_fault_stands_once_with_the_work_that_it_holds(stack: LocalStack) -> None:
    stack.system.faults.lasting = Fault.LOCKED_OUT
    stack.grant("r1")
    stack.grant("r2", group="jumpcloud:group:other:member")
    stack.revoke("r3")
    stack.run()
    [found] = seen(stack)
    assert (found.kind, found.waits_for) == ("fault", "jumpcloud: The credential is refused.")
    assert [row.request for row in found.rows] == ["r3", "r1", "r2"]
    assert found.rows[1].about == f"grant {GROUP} for {ADA}"


def test_what_waits_for_a_person_names_the_ticket_also_where_the_ticket_is_anothers(stack: LocalStack) -> None:
    """H1: what waits for another's ticket looks ready."""
    stack.grant("r1", group=BY_HAND)
    stack.run()
    stack.grant("r2", group=BY_HAND)
    stack.run()
    first, second = seen(stack)
    assert (first.kind, first.waits_for) == ("ticket", "ticket OPS-1 https://tickets.example/OPS-1")
    assert second.kind == "operation"
    assert "of request r1 at the same access, which ticket OPS-1" in second.waits_for


def test_what_nobody_takes_up_waits_for_a_process(stack: LocalStack) -> None:
    stack.grant("r1")
    due = stack.request("r1").due_at
    assert due is not None
    stack.clock.advance(due - stack.clock.now() + MINUTE)
    assert seen(stack) == []
    stack.clock.advance(timedelta(microseconds=1))
    [found] = seen(stack)
    assert (found.kind, found.remedy) == ("process", "Start 'provisor up'.")


@pytest.mark.parametrize("mode", [Provisioning.OFF, Provisioning.PLAN])
def test_what_the_mode_holds_is_one_entry_and_is_planned_when_that_changes(store: Store, mode: Provisioning) -> None:
    """C12."""
    quiet = LocalStack.over(store, mode=mode)
    for number in range(3):
        quiet.grant(f"r{number}", group=f"jumpcloud:group:g{number}:member")
    quiet.run()
    [found] = seen(quiet, mode)
    assert (found.kind, len(found.rows)) == ("mode", 3)
    planning = LocalStack.over(store, mode=Provisioning.PLAN, like=quiet)
    with store.write() as work:
        work.requests.wake_planned(now=planning.clock.now())
    planning.run()
    assert {planning.request(f"r{number}").state for number in range(3)} == {RequestState.PLANNED}


def test_a_plan_that_policy_refuses_is_made_anew_on_demand(store: Store) -> None:
    """C13."""
    strict = LocalStack.over(store, mode=Provisioning.PLAN, rules=())
    strict.grant("r1")
    strict.run()
    [found] = seen(strict, Provisioning.PLAN)
    assert "No policy rule matches" in found.waits_for
    mended = LocalStack.over(store, mode=Provisioning.PLAN, like=strict)
    Decisions(store, mended.clock, by="grace").retry("r1", reason=MENDED)
    mended.run()
    assert mended.request("r1").state is RequestState.PLANNED
    assert authors(mended, "r1") == [("request.retried", MENDED)]


def test_a_retry_tests_a_fault_at_once(stack: LocalStack, decide: Decisions) -> None:
    stack.system.faults.lasting = Fault.FORBIDDEN
    stack.grant("r1")
    stack.run()
    stack.system.faults.clear()
    decide.retry("r1", reason=MENDED)
    stack.run()
    assert stack.request("r1").state is RequestState.DONE


def test_a_cancelled_request_is_called_back_and_its_ticket_closed(stack: LocalStack, decide: Decisions) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    decide.cancel_operation(stack.operation("r1").id, reason="a mistake")
    stack.run()
    assert stack.request("r1").state is RequestState.WITHDRAWN
    assert stack.claim("r1").state is ClaimState.VOID
    assert stack.tickets.open_issues() == []
    assert authors(stack, "r1") == [("request.cancelled", "a mistake")]
    with pytest.raises(NotPossible, match="withdrawn already"):
        decide.cancel("r1", reason="again")


def test_a_removal_whose_claim_is_over_is_not_cancelled(stack: LocalStack, decide: Decisions) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    stack.system.faults.lasting = Fault.BUSY
    stack.revoke("r2")
    stack.run()
    with stack.store.read() as work:
        taking = work.operations.of_request("r2")
    if not taking:  # It is not planned yet: nothing is over.
        decide.cancel("r2", reason="a mistake")
        assert stack.claim("r1").state is ClaimState.ACTIVE
    stack.system.faults.clear()
    stack.system.faults.forecast(*[Fault.FINE] * 3, Fault.BUSY)
    stack.revoke("r3")
    stack.run()
    with pytest.raises(NotPossible):
        decide.cancel("r3", reason="too late")


def test_a_claim_that_a_person_cancels_ends_as_if_its_time_were_up(stack: LocalStack, decide: Decisions) -> None:
    stack.grant("r1")
    stack.run()
    decide.cancel_claim(stack.claim("r1").id, reason="no longer needed")
    stack.run(MINUTE)
    assert not stack.has()
    assert stack.claim("r1").state is ClaimState.ENDED
    assert ("claim.cancelled", "no longer needed") in authors(stack, "r1")


def test_a_blocked_removal_is_tried_again_or_settled_by_its_operation_or_its_claim(
    stack: LocalStack, decide: Decisions
) -> None:
    for number in range(2):
        group = f"jumpcloud:group:by-hand-{number}:member"
        stack.grant(f"r{number}", group=group, seconds=3600)
    stack.run()
    for issue in stack.tickets.open_issues():
        stack.system.change(ADA, f"jumpcloud:group:by-hand-{int(issue.ref.id) - 1}:member", present=True)
        issue.phase = Phase.DONE
    stack.run(MINUTE)
    for number in range(2):
        stack.revoke(f"x{number}", group=f"jumpcloud:group:by-hand-{number}:member")
    stack.run()
    for issue in stack.tickets.open_issues():
        issue.phase = Phase.DECLINED
    stack.run(MINUTE)
    assert [found.kind for found in seen(stack)] == ["blocked", "blocked"]
    decide.settle_operation(stack.operation("x0").id, reason="it is gone")
    assert (stack.claim("r0").state, stack.operation("x0").state) == (ClaimState.ENDED, OperationState.DROPPED)
    decide.retry_claim(stack.claim("r1").id, reason=MENDED)
    stack.run()
    assert stack.operation("x1").state is OperationState.WITH_PERSON
    with pytest.raises(NotPossible, match="only a removal that is blocked"):
        decide.settle_operation(stack.operation("x1").id, reason="no")
