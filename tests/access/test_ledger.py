"""Each second past due has one cause; access that a claim or its past holds is not past due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.entitlements import EntitlementRef
from access.faults import Scope
from access.ledger import Cause, Ended, Mark, Overstay, Wait, Whose, cause_of, divide, overdue_since, waits_of
from access.ledger_report import By, lags, quantile, summed
from access.lifecycle import ClaimState
from access.operations import Claim

START = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
REF = EntitlementRef.parse("jumpcloud:group:api:member")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


moments = st.integers(0, 10_000).map(lambda us: START + timedelta(microseconds=us))
waits = st.builds(Wait, st.sampled_from(Cause), moments, st.one_of(st.none(), moments))


@given(since=moments, lasted=st.integers(0, 10_000), known=st.lists(waits, max_size=8))
def test_causes_add_up_exactly_and_none_is_negative(since: datetime, lasted: int, known: list[Wait]) -> None:
    until = since + timedelta(microseconds=lasted)
    parts = divide(since, until, known)
    assert sum(parts.values(), timedelta(0)) == until - since
    assert min(parts.values()) >= timedelta(0)


@given(since=moments, lasted=st.integers(1, 200), known=st.lists(waits, max_size=6))
def test_each_moment_has_the_first_of_its_causes(since: datetime, lasted: int, known: list[Wait]) -> None:
    until = since + timedelta(microseconds=lasted)
    expected = dict.fromkeys(Cause, timedelta(0))
    one = timedelta(microseconds=1)
    for moment in (since + one * number for number in range(lasted)):
        there = {each.cause for each in known if each.since <= moment and (each.until is None or moment < each.until)}
        expected[next((cause for cause in Cause if cause in there), Cause.UNSEEN)] += one
    assert divide(since, until, known) == expected


@given(sinces=st.lists(st.tuples(st.sampled_from(Cause), moments), max_size=8))
def test_the_waits_of_one_piece_of_work_follow_each_other(sinces: list[tuple[Cause, datetime]]) -> None:
    found = waits_of([Mark("operation o1", cause, since) for cause, since in sinces])
    assert all(each.until is None or each.until > each.since for each in found)
    for one, other in pairwise(found):
        assert one.until == other.since


@pytest.mark.parametrize(
    ("scope", "cause"),
    [
        (None, Cause.BUDGET),
        (Scope.SYSTEM, Cause.AWAY),
        (Scope.CREDENTIAL, Cause.CREDENTIAL),
        (Scope.PERMISSION, Cause.CREDENTIAL),
        (Scope.PROJECT, Cause.TICKET),
        (Scope.OWN, Cause.UNSEEN),
    ],
)
def test_a_fault_is_one_cause(scope: Scope | None, cause: Cause) -> None:
    assert cause_of(scope) is cause


def claim(name: str, ends: float | None, **more: Any) -> Claim:
    facts: dict[str, Any] = {
        "state": ClaimState.ACTIVE,
        "starts_at": START,
        "ends_at": None if ends is None else at(ends),
        "pre_existing": False,
    }
    return Claim(
        id=name,
        request_id=name,
        account_title="Ada",
        entitlement=REF,
        named=REF,
        title="group api",
        access_key="u1",
        **facts | more,
    )


ENDING, ENDED = {"state": ClaimState.ENDING}, {"state": ClaimState.ENDED}


@pytest.mark.parametrize(
    ("claims", "asked", "since"),
    [
        pytest.param([claim("a", 10)], {}, 10, id="over, and not begun to end"),
        pytest.param([claim("a", 10, **ENDING)], {}, 10, id="ending"),
        pytest.param([claim("a", 40)], {}, None, id="its time is not up"),
        pytest.param([claim("a", None)], {}, None, id="it has no end"),
        pytest.param([claim("a", 10, **ENDING), claim("b", 40)], {}, None, id="another holds it"),
        pytest.param([claim("a", 10, **ENDING), claim("b", 20, **ENDING)], {}, 20, id="from the last end on"),
        pytest.param([claim("a", 10, pre_existing=True)], {}, None, id="it was there before"),
        pytest.param([claim("a", 40, **ENDING)], {"a": at(15)}, 15, id="asked to end sooner"),
        pytest.param([claim("a", 10, **ENDING)], {"a": at(15)}, 10, id="asked when it was over"),
        pytest.param([claim("a", 10, **ENDING, pre_existing=True)], {"a": at(5)}, 5, id="asked for, and there before"),
        pytest.param(
            [claim("a", 10, **ENDING), claim("b", 20, **ENDED, ended_at=at(25))], {}, 20, id="held until lately"
        ),
        pytest.param([claim("a", 20, **ENDED, ended_at=at(25))], {}, None, id="all is over"),
        pytest.param([claim("a", 10, state=ClaimState.PENDING, starts_at=None)], {}, None, id="never seen"),
        pytest.param([], {}, None, id="nobody ever claimed it"),
    ],
)
def test_access_is_past_due_from_the_end_of_the_last_reason(
    claims: list[Claim], asked: dict[str, datetime], since: float | None
) -> None:
    assert overdue_since(claims, asked=asked, now=at(30)) == (None if since is None else at(since))


def test_access_that_nobody_claims_is_past_due_from_the_request_on() -> None:
    assert overdue_since([], asked={}, now=at(30), asked_at=at(12)) == at(12)


def overstay(person: str, lasted: float, cause: Cause, *, ended: Ended | None = Ended.GONE) -> Overstay:
    whose = Whose("k", REF, "group api", "u1", person, None, "r1")
    causes = dict.fromkeys(Cause, timedelta(0)) | {cause: minutes(lasted)}
    return Overstay(whose, START, at(lasted), causes, minutes(0), ended)


def test_sums_add_up_by_whatever_they_are_made() -> None:
    times = [
        overstay("Ada", 5, Cause.TICKET),
        overstay("Bob", 3, Cause.AWAY),
        overstay("Ada", 2, Cause.AWAY, ended=None),
    ]
    for by in (By.SYSTEM, By.ENTITLEMENT, By.PERSON, By.CAUSE):
        found = summed(times, [], by)
        assert sum((each.total for each in found), minutes(0)) == minutes(10)
    by_person = {each.key: (each.times, each.running, each.total) for each in summed(times, [], By.PERSON)}
    assert by_person == {"Ada": (2, 1, minutes(7)), "Bob": (1, 0, minutes(3))}


def test_lag_counts_removals_that_were_seen_done() -> None:
    times = [overstay("Ada", each, Cause.UNSEEN) for each in range(1, 101)]
    [lag] = lags(
        [*times, overstay("Bob", 999, Cause.AWAY, ended=None), overstay("Eve", 999, Cause.AWAY, ended=Ended.HELD)]
    )
    assert (lag.removals, lag.p50, lag.p95, lag.longest) == (100, minutes(50), minutes(95), minutes(100))


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 50)
