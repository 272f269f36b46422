"""A year of requests under a moved clock: no end that a request foresaw is held, and every promise holds at its end."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from access.findings import Profile, ProfileRule
from access.fuse import FuseLimits, Limit
from access.lifecycle import ClaimState
from store.alarms import AlarmKind
from store.unit_of_work import Store
from tasks.heartbeat import Heartbeat
from tests.fakes.local_stack import LocalStack
from tests.fakes.reconciled_stack import carry_out, reconcile
from tests.tasks.promises_hold import PROMISES

DAY = timedelta(days=1)
GROUPS = [f"jumpcloud:group:g{number}:member" for number in range(40)]
#: So small that one day's ends alone would pass it if they were counted.
LIMITS = FuseLimits(grants=Limit(1, DAY, 0.0, 1), persons=Limit(1, DAY))


@pytest.mark.long
def test_in_a_year_of_requests_no_foreseen_end_is_held(store: Store) -> None:
    rng = Random(1)  # noqa: S311 - the same year in every run is wanted
    stack = LocalStack.over(store, fuse=LIMITS, profiles=[ProfileRule("jumpcloud:*", Profile.STRICT, auto=True)])
    heart = Heartbeat(stack.store, stack.clock, LIMITS)
    reconcile(stack, GROUPS)
    asked = 0
    for day in range(365):
        for _ in range(2):
            asked += 1
            who, group, hours = rng.choice(("u1", "u2")), rng.choice(GROUPS), rng.choice((1, 8, 30, 24 * 14, 24 * 60))
            message = {"subject": {"id": who}, "entitlement": group, "duration": f"PT{hours}H"}
            stack.submit(id=f"r{asked}", action="grant", **message)
            stack.run()
            if rng.random() < 0.1:
                stack.submit(id=f"x{asked}", action="extend", claim_of=f"r{asked}", **message)
        stack.run(DAY)
        heart.beat()
        if day % 30 == 0:
            reconcile(stack, GROUPS)
            carry_out(stack)
    for promise in PROMISES:
        promise(stack)
    with stack.store.read() as work:
        ended = work.claims.in_states([ClaimState.ENDED])
        assert work.plans.recent() == []
        assert AlarmKind.HELD not in {alarm.kind for alarm in work.alarms.lasting()}
    assert len(ended) > asked / 2
    # Nobody holds what no claim gives: what ended is gone.
    with stack.store.read() as work:
        standing = {(each.account_id, str(each.entitlement)) for each in work.claims.in_states([ClaimState.ACTIVE])}
    assert set(stack.system.held()) == standing
