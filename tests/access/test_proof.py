"""When a look proves what it shows: a table of operations, earlier writes and looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from access.entitlements import EntitlementRef
from access.methods import Direction, Method
from access.proof import Verdict, judge
from tests.store.records import NOW, operation

STALE = timedelta(seconds=30)
TICK = timedelta(microseconds=1)
DONE, CARRY_OUT, LOOK_AGAIN = Verdict.DONE, Verdict.CARRY_OUT, Verdict.LOOK_AGAIN
SETTLED = {"others_wrote_at": NOW - STALE}
UNSETTLED = {"others_wrote_at": NOW - STALE + TICK}
BY_PERSON = {"via": Method.TICKET}
TAKE = {"direction": Direction.TAKE}
ONCE, TWICE = {"shown_since": NOW - STALE + TICK}, {"shown_since": NOW - STALE}
LONG_SETTLED = {"others_wrote_at": NOW - 2 * STALE}


@pytest.mark.parametrize(
    ("about", "verdict"),
    [
        # A write that was accepted, and an account, are done when they are seen.
        (UNSETTLED | {"accepted_at": NOW, "ours": True}, DONE),
        (TAKE | {"accepted_at": NOW}, DONE),
        (UNSETTLED | {"entitlement": EntitlementRef.parse("jira:account:exists")}, DONE),
        # What is taken away is taken away by API whatever is seen, and by a person only when two looks show it there.
        (TAKE | TWICE, CARRY_OUT),
        (TAKE | BY_PERSON, LOOK_AGAIN),
        (TAKE | BY_PERSON | ONCE, LOOK_AGAIN),
        (TAKE | BY_PERSON | TWICE, DONE),
        # Access to which nobody of ours wrote was there.
        ({}, DONE),
        ({"ours": True}, DONE),
        # Two looks count that both began after our last write had settled.
        (LONG_SETTLED | TWICE, DONE),
        (LONG_SETTLED | ONCE, LOOK_AGAIN),
        (LONG_SETTLED | {"shown_since": NOW - STALE - TICK}, LOOK_AGAIN),
        (LONG_SETTLED | BY_PERSON | TWICE, DONE),
        # Else it is given all the same where it is ours, was written to already, or nobody knows and the last write is fresh.
        (SETTLED | {"ours": True}, CARRY_OUT),
        (SETTLED | {"before": "absent"}, CARRY_OUT),
        (UNSETTLED, CARRY_OUT),
        (SETTLED, LOOK_AGAIN),
        (UNSETTLED | {"ours": False}, LOOK_AGAIN),
        (SETTLED | {"ours": False}, LOOK_AGAIN),
        (UNSETTLED | BY_PERSON | {"ours": True, "before": "absent"}, LOOK_AGAIN),
    ],
)
def test_what_a_look_proves(about: dict[str, Any], verdict: Verdict) -> None:
    facts = {"others_wrote_at": None, "ours": None} | {
        name: about[name] for name in ("others_wrote_at", "ours") if name in about
    }
    plain: dict[str, Any] = {"direction": Direction.GIVE, "via": Method.CONNECTOR}
    each = operation(**plain | {name: value for name, value in about.items() if name not in facts})
    assert judge(each, now=NOW, stale_for=STALE, **facts) is verdict
