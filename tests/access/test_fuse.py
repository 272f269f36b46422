"""The fuse: how much may go, and when the next revoke of a producer may begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.fuse import FuseLimits, Limit, is_counted, turn_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LIMITS = FuseLimits()
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("total", "allowed"), [(0, 50), (1000, 50), (1001, 50), (2000, 100), (4000, 200), (1_000_000, 200)]
)
def test_a_system_lets_the_larger_of_a_number_and_a_share_go_and_never_more_than_the_most(
    total: int, allowed: int
) -> None:
    assert LIMITS.grants.allowed(total) == allowed


@pytest.mark.parametrize(("people", "allowed"), [(0, 5), (500, 5), (600, 6), (100_000, 1000)])
def test_leavers_have_no_most(people: int, allowed: int) -> None:
    assert LIMITS.persons.allowed(people) == allowed


@pytest.mark.parametrize("source", ["submit", "inbox:grace", "file:grace", "dead-letter 4", "plan", "operator"])
def test_what_a_person_types_is_no_producers(source: str) -> None:
    assert not is_counted(source)


@pytest.mark.parametrize("source", ["amqp", "rabbitmq:bot", "exchange:hr", "unknown", "planner"])
def test_what_comes_by_a_queue_is_counted(source: str) -> None:
    assert is_counted(source)


@given(st.lists(st.integers(min_value=0, max_value=900), min_size=1, max_size=120).map(sorted))
def test_within_any_window_no_more_begin_than_the_limit_and_the_pace_together(arrivals: list[int]) -> None:
    """And what has to wait goes in the order in which it came."""
    limit, pace = Limit(5, timedelta(seconds=100)), timedelta(seconds=20)
    begun: list[datetime] = []
    for arrival in arrivals:
        now = NOW + arrival * SECOND
        turn = turn_of(begun, limit=limit, pace=pace, now=now)
        assert turn >= now
        assert turn == now or turn > max(begun)
        begun.append(turn)
    for moment in begun:
        window = [each for each in begun if moment - limit.window < each <= moment]
        assert len(window) <= limit.at_least + limit.window // pace
