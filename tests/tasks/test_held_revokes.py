"""Revokes beyond what one producer may ask for go on one by one, until a person decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from access.fuse import FuseLimits, Limit
from access.lifecycle import RequestState
from store.unit_of_work import Store
from tasks.decisions import NotPossible
from tasks.held_revokes import HeldRevokes
from tests.fakes.local_stack import ADA, LocalStack

MINUTE = timedelta(minutes=1)
LIMITS = FuseLimits(revokes=Limit(3, 10 * MINUTE))
NAMES = [f"jumpcloud:group:g{number}:member" for number in range(9)]
PRODUCER = "test"


@pytest.fixture
def stack(store: Store) -> LocalStack:
    stack = LocalStack.over(store, fuse=LIMITS)
    for name in NAMES:
        stack.system.change(ADA, name, present=True)
    return stack


@pytest.fixture
def decide(stack: LocalStack) -> HeldRevokes:
    return HeldRevokes(stack.store, stack.clock, by="grace")


def revoke_all(stack: LocalStack) -> None:
    for number, name in enumerate(NAMES):
        stack.revoke(f"r{number}", group=name)
    stack.run()


def left(stack: LocalStack) -> Sequence[str]:
    return [name for name in NAMES if stack.has(name)]


def alarms(stack: LocalStack) -> list[str]:
    with stack.store.write() as work:
        work.alarms.close_ended(now=stack.clock.now())
        return [each.ref for each in work.alarms.lasting()]


def test_beyond_the_limit_one_a_minute_goes_on_with_an_alarm_at_once(stack: LocalStack) -> None:
    revoke_all(stack)
    assert (len(left(stack)), alarms(stack)) == (6, [PRODUCER])
    seen = []
    for _ in range(6):
        stack.run(MINUTE)
        seen.append(len(left(stack)))
    assert seen == [5, 4, 3, 2, 1, 0]
    assert alarms(stack) == []


def test_a_burst_that_comes_again_does_not_overtake_what_waits(stack: LocalStack) -> None:
    revoke_all(stack)
    stack.run(20 * MINUTE)
    assert left(stack) == []
    stack.system.change(ADA, NAMES[0], present=True)
    stack.revoke("again", group=NAMES[0])
    stack.run()
    assert not stack.has(NAMES[0]), "the window has moved"


def test_a_person_lets_the_rest_begin(stack: LocalStack, decide: HeldRevokes) -> None:
    revoke_all(stack)
    assert decide.release(PRODUCER, reason="the team was dissolved") == 6
    stack.run()
    assert (left(stack), alarms(stack)) == ([], [])


def test_a_person_drops_the_rest(stack: LocalStack, decide: HeldRevokes) -> None:
    revoke_all(stack)
    assert decide.drop(PRODUCER, reason="a script ran wild") == 6
    stack.run(20 * MINUTE)
    assert (len(left(stack)), alarms(stack)) == (6, [])
    assert [stack.request(f"r{number}").state for number in range(9)].count(RequestState.WITHDRAWN) == 6
    with pytest.raises(NotPossible, match="holds no removals"):
        decide.drop(PRODUCER, reason="again")


def test_what_the_same_producer_gave_is_never_held_nor_what_a_person_typed(stack: LocalStack) -> None:
    for number in range(9):
        stack.grant(f"g{number}", group=f"jumpcloud:group:own{number}:member")
    stack.run()
    for number in range(9):
        stack.revoke(f"r{number}", group=f"jumpcloud:group:own{number}:member", claim_of=f"g{number}")
    stack.run()
    assert {stack.request(f"r{number}").state for number in range(9)} == {RequestState.DONE}
    assert alarms(stack) == []


def test_what_another_producer_gave_counts(stack: LocalStack) -> None:
    for number, name in enumerate(NAMES):
        message = {"id": f"g{number}", "action": "grant", "subject": {"id": ADA}, "entitlement": name}
        stack.intake.take(json.dumps(message).encode(), content_type="application/json", source="rabbitmq:hr")
    stack.run()
    for number, name in enumerate(NAMES):
        stack.revoke(f"r{number}", group=name, claim_of=f"g{number}")
    stack.run()
    assert [stack.request(f"r{number}").state for number in range(9)].count(RequestState.DONE) == 3


@pytest.mark.parametrize("source", ["submit", "inbox:grace", "plan"])
def test_a_command_is_not_held(stack: LocalStack, source: str) -> None:
    for number, name in enumerate(NAMES):
        message = {"id": f"r{number}", "action": "revoke", "subject": {"id": ADA}, "entitlement": name}
        stack.intake.take(json.dumps(message).encode(), content_type="application/json", source=source)
    stack.run()
    assert left(stack) == []


def test_giving_is_never_held(stack: LocalStack) -> None:
    for number in range(9):
        stack.grant(f"g{number}", group=f"jumpcloud:group:new{number}:member")
    stack.run()
    assert {stack.request(f"g{number}").state for number in range(9)} == {RequestState.DONE}
