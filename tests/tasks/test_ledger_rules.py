"""How long access was held past due is written down with what each second waited for, whatever kept it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from access.ledger import Cause, Ended, Overstay, Understay
from access.lifecycle import RequestState
from tasks.decisions import Decisions
from tasks.ledger import running
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, LocalStack
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)


def overstays(stack: LocalStack) -> list[Overstay]:
    with stack.store.read() as work:
        return list(work.ledger.overstays())


def understays(stack: LocalStack) -> list[Understay]:
    with stack.store.read() as work:
        return list(work.ledger.understays())


def only(stack: LocalStack) -> Overstay:
    [found] = overstays(stack)
    assert sum(found.causes.values(), timedelta(0)) == found.total
    return found


def causes(overstay: Overstay) -> set[Cause]:
    return {cause for cause, lasted in overstay.causes.items() if lasted}


def due(stack: LocalStack, group: str = GROUP) -> None:
    """Access that is over in ten seconds."""
    stack.grant("r1", seconds=10, group=group)
    stack.run()


def test_access_that_is_gone_when_it_is_due_is_no_overstay(stack: LocalStack) -> None:
    due(stack)
    stack.run(MINUTE)
    assert not stack.has()
    assert overstays(stack) == []


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Fault.BUSY, Cause.AWAY),
        (Fault.THROTTLED, Cause.BUDGET),
        (Fault.PUT_OFF, Cause.BUDGET),
        (Fault.LOCKED_OUT, Cause.CREDENTIAL),
        (Fault.FORBIDDEN, Cause.CREDENTIAL),
    ],
)
def test_each_second_has_the_cause_that_kept_it(stack: LocalStack, fault: Fault, cause: Cause) -> None:
    due(stack)
    stack.system.faults.lasting = fault
    stack.run(5 * MINUTE)
    stack.system.faults.clear()
    stack.run(15 * MINUTE)
    found = only(stack)
    assert found.ended is Ended.GONE
    assert causes(found) == {cause}
    assert found.since == stack.claim("r1").ends_at
    assert found.until == stack.claim("r1").ended_at


def test_what_waits_for_a_ticket_has_that_cause(stack: LocalStack) -> None:
    due(stack, BY_HAND)
    work_on(stack)
    stack.run(5 * MINUTE)
    work_on(stack)
    found = only(stack)
    assert causes(found) == {Cause.TICKET}
    assert found.total >= 4 * MINUTE


def test_what_waits_for_a_decision_has_that_cause_even_while_the_system_is_away(stack: LocalStack) -> None:
    due(stack, BY_HAND)
    work_on(stack)
    stack.run(MINUTE)
    [issue] = stack.tickets.open_issues()
    issue.phase = Phase.DECLINED
    stack.run(MINUTE)
    stack.system.faults.lasting = Fault.BUSY
    stack.run(2 * MINUTE)
    stack.system.faults.clear()
    Decisions(stack.store, stack.clock, by="grace").settle(stack.claim("r1").id, reason="left as it is")
    found = only(stack)
    assert found.ended is Ended.SETTLED
    assert causes(found) == {Cause.TICKET, Cause.PERSON}
    assert found.causes[Cause.PERSON] >= 2 * MINUTE


def test_access_that_another_claim_holds_is_no_overstay(stack: LocalStack) -> None:
    due(stack)
    stack.grant("r2", seconds=300)
    stack.run(MINUTE)
    assert stack.has()
    assert overstays(stack) == []


def test_access_that_was_there_before_is_no_overstay(stack: LocalStack) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.clock.advance(MINUTE)
    due(stack)
    stack.run(10 * MINUTE)
    assert stack.has()
    assert overstays(stack) == []


def test_the_time_past_due_ends_where_another_claim_begins_to_hold(stack: LocalStack) -> None:
    due(stack)
    stack.system.faults.lasting_on_writes = Fault.BUSY
    stack.run(MINUTE)
    stack.grant("r2", seconds=600)
    stack.system.faults.clear()
    stack.run(2 * MINUTE)
    found = only(stack)
    assert found.ended is Ended.HELD
    assert found.until == stack.claim("r2").starts_at
    assert found.bound < MINUTE


def test_a_request_to_revoke_is_due_when_it_comes_in(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.run(MINUTE)
    stack.system.faults.lasting = Fault.BUSY
    stack.revoke("r2")
    asked = stack.clock.now()
    stack.run(2 * MINUTE)
    stack.system.faults.clear()
    stack.run(5 * MINUTE)
    found = only(stack)
    assert found.since == asked
    assert causes(found) == {Cause.AWAY}


@pytest.mark.parametrize("how", ["by id", "by address", "claim_of", "by name"])
def test_what_expires_while_its_revoke_is_not_planned_is_due_since_the_revoke(stack: LocalStack, how: str) -> None:
    more: dict[str, dict[str, Any]] = {"by address": {"subject": {"email": "ada@example.com"}}}
    more |= {"claim_of": {"claim_of": "r1"}, "by name": {"entitlement": GROUP}}
    stack.grant("r1", seconds=120, subject={"email": "ada@example.com"})
    stack.run()
    stack.system.faults.lasting = Fault.BUSY
    stack.revoke("r2", **more.get(how, {}))
    asked = stack.clock.now()
    stack.run(4 * MINUTE)
    assert stack.request("r2").state is RequestState.RECEIVED
    stack.system.faults.clear()
    stack.run(10 * MINUTE)
    assert not stack.has()
    assert sum((each.total for each in overstays(stack)), timedelta(0)) == overstays(stack)[-1].until - asked
    assert causes(overstays(stack)[0]) == {Cause.AWAY}


def test_what_expires_is_not_due_since_a_revoke_of_another_claim_or_from_before_the_grant(stack: LocalStack) -> None:
    stack.system.faults.lasting = Fault.BUSY
    stack.revoke("r0")
    stack.system.faults.clear()
    due(stack)
    stack.system.faults.lasting = Fault.BUSY
    stack.revoke("r2", claim_of="r9")
    stack.run(MINUTE)
    stack.system.faults.clear()
    stack.run(10 * MINUTE)
    assert only(stack).since == stack.claim("r1").ends_at


def test_time_that_runs_on_is_seen_while_it_does(stack: LocalStack) -> None:
    due(stack)
    stack.system.faults.lasting = Fault.LOCKED_OUT
    stack.run(5 * MINUTE)
    with stack.store.read() as work:
        found = running(work, stack.claim("r1").access_key, now=stack.clock.now())
    assert found is not None
    assert found.ended is None
    assert found.until == stack.clock.now()
    assert causes(found) == {Cause.CREDENTIAL}


def test_access_that_somebody_took_early_is_missing_from_the_look_that_showed_it(stack: LocalStack) -> None:
    stack.grant("r1", seconds=3600)
    stack.run(MINUTE)
    stack.system.change(ADA, GROUP, present=False)
    stack.run(MINUTE)
    stack.system.faults.lasting_on_writes = Fault.BUSY
    stack.grant("r2", seconds=3600)
    stack.run()
    lost_at = stack.clock.now()
    stack.run(2 * MINUTE)
    stack.system.faults.clear()
    stack.run(5 * MINUTE)
    [found] = understays(stack)
    assert found.since == lost_at
    assert found.until == stack.claim("r2").starts_at
    assert found.bound >= MINUTE


def work_on(stack: LocalStack) -> None:
    """Somebody does what the open tickets ask for, and closes them."""
    stack.run()
    for issue in stack.tickets.open_issues():
        with stack.store.read() as work:
            operation = work.operations.get(issue.draft.data["operation"])
        assert operation is not None
        stack.system.change(ADA, str(operation.entitlement), present=operation.direction.wants_present)
        issue.phase = Phase.DONE
    stack.run(MINUTE / 2)
