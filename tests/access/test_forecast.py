"""What is known to end is foreseen: when, by which method, and how long the budget takes for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.entitlements import EntitlementRef, System
from access.forecast import CALLS, Pace, by_hour, parse_until, removals_until
from access.lifecycle import ClaimState
from access.methods import Method
from access.operations import Claim

#: A Monday.
NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
REF = EntitlementRef.parse("jumpcloud:group:api:member")


def claim(name: str, hours: float | None, *, key: str = "", **more: Any) -> Claim:
    facts: dict[str, Any] = {"state": ClaimState.ACTIVE, "starts_at": NOW - timedelta(days=1), "pre_existing": False}
    ends_at = None if hours is None else NOW + timedelta(hours=hours)
    return Claim(
        id=name,
        request_id=name,
        account_title="Ada",
        entitlement=REF,
        named=REF,
        title="group api",
        access_key=key or name,
        ends_at=ends_at,
        **facts | more,
    )


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("friday", datetime(2026, 12, 5, tzinfo=UTC)),
        ("Fri", datetime(2026, 12, 5, tzinfo=UTC)),
        ("monday", datetime(2026, 12, 1, tzinfo=UTC)),
        ("sunday", datetime(2026, 12, 7, tzinfo=UTC)),
        ("2026-12-24", datetime(2026, 12, 25, tzinfo=UTC)),
        ("48h", NOW + timedelta(hours=48)),
        ("P1D", NOW + timedelta(days=1)),
    ],
)
def test_a_day_a_date_and_a_duration_are_understood(text: str, until: datetime) -> None:
    assert parse_until(text, NOW) == until


@pytest.mark.parametrize("text", ["fr", "someday", "2026-11-01", "", "12-24"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_until(text, NOW)


@pytest.mark.parametrize(
    ("standing", "foreseen"),
    [
        pytest.param([claim("a", 2)], {"a": 2}, id="its time is up"),
        pytest.param([claim("a", 50)], {}, id="later"),
        pytest.param([claim("a", -1)], {"a": 0}, id="overdue is now"),
        pytest.param([claim("a", 1, state=ClaimState.ENDING)], {"a": 0}, id="ending is now"),
        pytest.param([claim("a", 2, key="k"), claim("b", 5, key="k")], {"b": 5}, id="the last one out"),
        pytest.param([claim("a", 2, key="k"), claim("b", None, key="k")], {}, id="another holds it"),
        pytest.param([claim("a", 2, key="k"), claim("b", 50, key="k")], {}, id="another holds it for longer"),
        pytest.param([claim("a", 2, pre_existing=True)], {}, id="there before"),
    ],
)
def test_what_is_taken_away_is_foreseen(standing: list[Claim], foreseen: dict[str, float]) -> None:
    methods = dict.fromkeys([each.id for each in standing], Method.CONNECTOR)
    found = removals_until(NOW + timedelta(hours=24), standing, now=NOW, method_of=methods)
    assert {each.claim.id: (each.at - NOW) / timedelta(hours=1) for each in found} == foreseen


def test_each_hour_has_its_calls_and_waits_for_the_one_before() -> None:
    standing = [claim(f"a{number}", 1) for number in range(1000)] + [claim("b", 2)]
    methods = dict.fromkeys([each.id for each in standing], Method.CONNECTOR) | {"b": Method.TICKET}
    removals = removals_until(NOW + timedelta(days=1), standing, now=NOW, method_of=methods)
    first, second = by_hour(removals, {System.JUMPCLOUD: Pace(rate=1.0)}, now=NOW)
    assert (first.removals, first.tickets, first.calls) == (1000, 0, 1000 * CALLS[Method.CONNECTOR])
    assert first.done_at == NOW + timedelta(hours=1, seconds=first.calls)
    assert (second.removals, second.tickets) == (1, 1)
    assert second.done_at == first.done_at + timedelta(seconds=CALLS[Method.TICKET])


def test_a_stop_that_the_service_asked_for_puts_it_off() -> None:
    removals = removals_until(NOW + timedelta(days=1), [claim("a", 0)], now=NOW, method_of={"a": Method.CONNECTOR})
    stopped = NOW + timedelta(minutes=40)
    [hour] = by_hour(removals, {System.JUMPCLOUD: Pace(rate=1000.0, burst=100.0, stopped_until=stopped)}, now=NOW)
    assert hour.done_at == stopped
