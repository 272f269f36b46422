"""Several administrators whose access ends at once: one of them stays, whatever the order in which their removals get on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.lifecycle import ClaimState
from access.operations import Lane
from access.policy import Rule
from store.database import Database
from store.outbox import Topic, WakeUp
from store.unit_of_work import Store
from tests.fakes.faults import Fault
from tests.fakes.local_stack import LocalStack
from tests.larger import larger

MINUTE = timedelta(minutes=1)
NUMBERS = count()
FAULTS = (Fault.FINE, Fault.LOST, Fault.LOST_UNDONE, Fault.BUSY, Fault.KILLED_AFTER, Fault.KILLED_BEFORE)


@pytest.fixture
def lasting_store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


def test_of_two_who_leave_between_look_and_write_one_stays(lasting_store: Store) -> None:
    """Each still sees the other when it looks: what counts is whose intent was committed first."""
    group = "jumpcloud:group:admins:member"
    stack = LocalStack.over(lasting_store, rules=(Rule(group), Rule("jumpcloud:*")))
    stack.system.accounts = {each: f"{each}@example.com" for each in ("ada", "bob")}
    for each in ("ada", "bob"):
        stack.submit(id=each, action="grant", subject={"id": each}, entitlement=group, duration="PT60S")
    stack.run()
    stack.clock.advance(MINUTE)
    ends = [WakeUp(Topic.CLAIM, stack.claim(each).id, Lane.REVOKE) for each in ("ada", "bob")]
    stack.system.meanwhile.append(lambda: stack.handle(ends[1:]))
    stack.handle(ends[:1])
    stack.run(MINUTE)
    assert stack.system.has("bob", group)
    assert not stack.system.has("ada", group)
    assert [issue.draft.data["request"] for issue in stack.tickets.open_issues()] == ["bob"]


@pytest.mark.parametrize("examples", [4, pytest.param(larger(30, share=0.3), marks=pytest.mark.long)])
def test_of_administrators_who_leave_at_once_one_stays(lasting_store: Store, examples: int) -> None:
    @settings(max_examples=examples)
    @given(people=st.integers(2, 4), faults=st.lists(st.sampled_from(FAULTS), max_size=12))
    def leave(people: int, faults: list[Fault]) -> None:
        number = next(NUMBERS)
        group = f"jumpcloud:group:admins-{number}:member"
        stack = LocalStack.over(lasting_store, rules=(Rule(group), Rule("jumpcloud:*")))
        stack.tickets.made = number * 1000
        who = [f"u{number}-{each}" for each in range(people)]
        stack.system.accounts = {each: f"{each}@example.com" for each in who}
        for each in who:
            stack.submit(id=each, action="grant", subject={"id": each}, entitlement=group, duration="PT60S")
        stack.run()
        stack.clock.advance(MINUTE)
        stack.system.faults.forecast(*faults)
        stack.run(2 * MINUTE)
        left = [each for each in who if stack.system.has(each, group)]
        # Who was leaving when a worker was killed may have left: then another stays too, for a person to decide.
        assert len(left) == 1 or (left and Fault.KILLED_BEFORE in faults)
        assert {stack.claim(each).state for each in left} == {ClaimState.ENDING}
        assert sorted(issue.draft.data["request"] for issue in stack.tickets.open_issues()) == sorted(left)

    leave()
