"""Each owner whom policy names is given one summary of the open findings, at most once a day and only where it changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from access.policy import OwnerRule
from store.event_tables import events
from store.unit_of_work import Store
from tests.fakes.local_stack import ADA, GROUP, LocalStack
from tests.fakes.reconciled_stack import reconcile

OTHER = "jumpcloud:group:other:member"
UNOWNED = "jumpcloud:group:unowned:member"
NAMES = (GROUP, OTHER, UNOWNED)
OWNERS = (OwnerRule(GROUP, "linus"), OwnerRule("jumpcloud:group:o*:member", "grace"), OwnerRule(GROUP, "nobody"))
DAY = timedelta(days=1)
BOB = "u2"


@pytest.fixture
def owned(store: Store) -> LocalStack:
    stack = LocalStack.over(store, owners=OWNERS)
    reconcile(stack, NAMES)
    return stack


def by_hand(stack: LocalStack, group: str, *, who: str = BOB, present: bool = True) -> None:
    stack.clock.advance(timedelta(seconds=1))
    stack.system.change(who, group, present=present)


def digests(stack: LocalStack) -> list[tuple[str, Any]]:
    """Owners and numbers of open findings of all digests so far."""
    with stack.store.database.read() as connection:
        rows = connection.execute(select(events).where(events.c.type == "findings.digest").order_by(events.c.id))
        return [(row.entity_id, row.data["open"]) for row in rows]


def test_one_summary_for_each_owner_and_none_for_what_nobody_answers_for(owned: LocalStack) -> None:
    for group in NAMES:
        by_hand(owned, group)
    by_hand(owned, OTHER, who=ADA)
    reconcile(owned, NAMES)
    assert digests(owned) == [("grace", 2), ("linus", 1)]
    with owned.store.read() as work:
        summaries = {each.owner: (dict(each.kinds), each.open) for each in work.digests.all()}
    assert summaries == {"": ({"unexpected": 1}, 1), "grace": ({"unexpected": 2}, 2), "linus": ({"unexpected": 1}, 1)}


def test_the_same_findings_are_told_once_and_others_not_before_a_day_is_over(owned: LocalStack) -> None:
    by_hand(owned, GROUP)
    reconcile(owned, NAMES)
    owned.clock.advance(2 * DAY)
    reconcile(owned, NAMES)
    assert digests(owned) == [("linus", 1)]
    by_hand(owned, GROUP, who=ADA)
    reconcile(owned, NAMES)
    by_hand(owned, GROUP, who=ADA, present=False)
    reconcile(owned, NAMES)
    assert digests(owned) == [("linus", 1), ("linus", 2)]
    owned.clock.advance(DAY)
    reconcile(owned, NAMES)
    assert digests(owned)[2:] == [("linus", 1)]


def test_the_last_digest_says_that_nothing_is_left(owned: LocalStack) -> None:
    by_hand(owned, GROUP)
    reconcile(owned, NAMES)
    by_hand(owned, GROUP, present=False)
    for _ in range(3):
        owned.clock.advance(DAY)
        reconcile(owned, NAMES)
    assert digests(owned) == [("linus", 1), ("linus", 0)]
