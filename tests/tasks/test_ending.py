"""Ends of claims: each takes away its own, and only once nothing else holds the access."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState
from access.methods import Method
from access.operations import Purpose
from access.policy import Rule
from store.database import Database
from store.outbox import Topic
from store.unit_of_work import Store
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, TERMS, LocalStack
from tests.together import together

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_access_goes_when_its_time_is_up(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run(59 * SECOND)
    assert stack.has()
    stack.run(2 * SECOND)
    assert not stack.has()
    claim = stack.claim("r1")
    assert (claim.state, claim.why_ended) == (ClaimState.ENDED, "the access was taken away, and seen gone")


def test_the_first_of_two_to_end_takes_nothing_and_the_last_takes_it(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.grant("r2", seconds=120)
    stack.run(90 * SECOND)
    assert stack.claim("r1").state is ClaimState.ENDED
    assert stack.has()
    stack.run(60 * SECOND)
    assert not stack.has()


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        pytest.param([], OperationState.DONE, id="the rule was deleted"),
        pytest.param([Rule("*", give=Method.DENY, take=Method.DENY)], OperationState.DONE, id="the rule denies it now"),
        pytest.param([Rule("*", take=Method.TICKET)], OperationState.WITH_PERSON, id="the rule has a person do it now"),
    ],
)
def test_access_goes_when_its_time_is_up_whatever_became_of_its_rule(
    stack: LocalStack, rules: list[Rule], state: OperationState
) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    other = LocalStack.over(stack.store, like=stack, rules=rules)
    other.run(2 * MINUTE)
    assert other.operation("r1", purpose=Purpose.EXPIRY).state is state
    assert other.has() is (state is not OperationState.DONE)


def test_access_from_before_the_first_claim_stays(stack: LocalStack) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.grant("r1", seconds=10)
    stack.grant("r2", seconds=20)
    stack.run(MINUTE)
    assert stack.claim("r2").why_ended == "the access was there before the first claim"
    assert stack.has()


def test_access_from_before_that_somebody_took_and_we_gave_again_is_ours(stack: LocalStack) -> None:
    """Else a temporary grant would leave standing access behind."""
    stack.system.change(ADA, GROUP, present=True)
    stack.grant("r1", seconds=100)
    stack.run()
    stack.system.change(ADA, GROUP, present=False)
    stack.grant("r2", seconds=10)
    stack.run(3 * MINUTE)
    assert not stack.has()


def test_a_claim_that_begins_while_another_ends_does_not_become_pre_existing(stack: LocalStack) -> None:
    """The trap of every just-in-time product: the newer grant finds the older one's access and takes it for standing."""
    stack.grant("r1", seconds=10)
    stack.run()
    stack.grant("r2", seconds=30)
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.THROTTLED)
    stack.run(15 * SECOND)
    assert stack.claim("r1").state is ClaimState.ENDING
    assert stack.claim("r2").state is ClaimState.PENDING
    stack.run(25 * SECOND)
    assert stack.claim("r2").state is ClaimState.ACTIVE
    assert not stack.claim("r2").pre_existing
    assert stack.claim("r1").state is ClaimState.ENDED
    stack.run(2 * MINUTE)
    assert not stack.has()


@pytest.mark.parametrize("take", [Method.CONNECTOR, Method.TICKET])
def test_an_expiry_lets_a_newer_grant_go_first_and_looks_again_soon(store: Store, take: Method) -> None:
    """It keeps no lease meanwhile, and nobody is asked for what would have to be given again."""
    stack = LocalStack.over(store, rules=[Rule("*", take=take)])
    stack.grant("r1", seconds=10)
    stack.run()
    stack.grant("r2", seconds=300)
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.THROTTLED)
    stack.run(10 * SECOND)
    expiry = stack.operation("r1", purpose=Purpose.EXPIRY)
    assert (expiry.state, expiry.via) == (OperationState.READY, take)
    ends_at = stack.claim("r1").ends_at
    assert ends_at is not None
    assert expiry.due_at == ends_at + TERMS.look_again
    stack.run(5 * MINUTE - 20 * SECOND)
    assert stack.operation("r1", purpose=Purpose.EXPIRY).state is OperationState.DROPPED
    assert stack.has()
    assert stack.tickets.issues == {}


def test_a_newer_grant_that_fails_after_all_does_not_leave_the_older_access_behind(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10)
    stack.run()
    stack.grant("r2", seconds=300)
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.THROTTLED)
    stack.run(15 * SECOND)
    assert stack.has()
    stack.revoke("r3", claim_of="r2")
    stack.run(2 * MINUTE)
    assert stack.request("r2").state is RequestState.WITHDRAWN
    assert not stack.has()


def test_an_expiry_that_the_service_puts_off_is_carried_out_later(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10)
    stack.run(5 * SECOND)
    stack.system.faults.forecast(*[Fault.BUSY] * 2)
    stack.run(MINUTE)
    assert not stack.has()


def test_an_expiry_is_never_given_up(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10)
    stack.run(5 * SECOND)
    stack.system.faults.forecast(*[Fault.BUSY] * 100)
    stack.run(10 * MINUTE)
    assert stack.claim("r1").state is ClaimState.ENDING
    assert stack.tickets.issues == {}
    stack.run(timedelta(hours=1))
    assert stack.claim("r1").state is ClaimState.ENDED
    assert not stack.has()


def test_an_expiry_by_ticket_asks_for_it_and_believes_only_the_system(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60, group=BY_HAND)
    stack.run()
    [asked] = stack.tickets.open_issues()
    stack.system.change(ADA, BY_HAND, present=True)
    asked.phase = type(asked.phase).DONE
    stack.run(30 * SECOND)
    assert stack.claim("r1").state is ClaimState.ACTIVE
    stack.run(60 * SECOND)
    [taking] = stack.tickets.open_issues()
    assert taking.ref != asked.ref
    taking.phase = type(taking.phase).DONE
    stack.run(15 * SECOND)
    assert stack.claim("r1").state is ClaimState.ENDING
    stack.system.change(ADA, BY_HAND, present=False)
    stack.run(30 * SECOND)
    assert stack.claim("r1").state is ClaimState.ENDED


def test_two_claims_that_end_at_the_same_moment_on_two_workers_take_the_access(postgresql_url: str) -> None:
    """Each would find the other still holding it, and neither would take it away."""
    database = Database(postgresql_url, pool_size=8)
    stack = LocalStack.over(Store(database))
    for round_ in range(5):
        first, second = f"a{round_}", f"b{round_}"
        stack.grant(first, seconds=10)
        stack.grant(second, seconds=10)
        stack.run()
        stack.clock.advance(MINUTE)
        together(partial(stack.handlers[Topic.CLAIM], stack.claim(name).id) for name in (first, second))
        stack.run(MINUTE)
        assert not stack.has()
    database.close()
