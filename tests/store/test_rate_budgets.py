"""The shared rate budget: never more than was allowed, whoever asks, and always something for taking access away."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from access.operations import Lane
from store.database import Database
from store.rate_budgets import FLOORS, Allowance
from store.unit_of_work import Store
from tests.together import together

START = datetime(2026, 11, 1, tzinfo=UTC)
NUMBERS = count(1)

#: Sums of floats are compared with this in hand.
CRUMB = 1e-6


@dataclass(frozen=True)
class Ask:
    """Somebody asks after so many seconds; ``skew`` is by how many his clock is off."""

    after: float
    lane: Lane
    wanted: int
    skew: float = 0.0


def asks(*, lanes: Sequence[Lane] = tuple(Lane), skew: float = 0.0) -> st.SearchStrategy[list[Ask]]:
    one = st.builds(
        Ask,
        after=st.floats(0, 5),
        lane=st.sampled_from(lanes),
        wanted=st.integers(1, 60),
        skew=st.floats(-skew, skew) if skew else st.just(0.0),
    )
    return st.lists(one, min_size=2, max_size=20)


allowances = st.builds(Allowance, rate=st.floats(0.1, 50), burst=st.integers(1, 50).map(float))
quickly = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def system() -> str:
    """A bucket nobody has drawn from."""
    return f"system-{next(NUMBERS)}"


def take(store: Store, name: str, lane: Lane, wanted: int, allowance: Allowance, at: float) -> tuple[int, timedelta]:
    with store.write() as work:
        return work.budgets.take(name, lane, wanted, allowance, now=START + timedelta(seconds=at))


def carried_out(store: Store, allowance: Allowance, asked: Sequence[Ask]) -> list[tuple[float, Lane, int]]:
    """When which lane had how many."""
    name, at, had = system(), 0.0, []
    for ask in asked:
        at += ask.after
        had.append((at, ask.lane, take(store, name, ask.lane, ask.wanted, allowance, at + ask.skew)[0]))
    return had


def most_over_allowance(had: Sequence[tuple[float, Lane, int]], rate: float) -> float:
    """The most that any window of time had beyond what flowed in during it."""
    worst = 0.0
    for first, (begin, _, _) in enumerate(had):
        total = 0
        for end, _, tokens in had[first:]:
            total += tokens
            worst = max(worst, total - rate * (end - begin))
    return worst


@given(allowance=allowances, asked=asks(lanes=[Lane.GRANT, Lane.TICKET, Lane.SYNC]))
@quickly
def test_no_window_of_time_has_more_than_the_burst_and_what_flowed_in(
    store: Store, allowance: Allowance, asked: list[Ask]
) -> None:
    assert most_over_allowance(carried_out(store, allowance, asked), allowance.rate) <= allowance.burst + CRUMB


@given(allowance=allowances, asked=asks())
@quickly
def test_what_takes_access_away_may_owe_half_a_burst_and_no_more(
    store: Store, allowance: Allowance, asked: list[Ask]
) -> None:
    worst = most_over_allowance(carried_out(store, allowance, asked), allowance.rate)
    assert worst <= allowance.burst * (1 - FLOORS[Lane.REVOKE]) + CRUMB


@given(allowance=allowances, asked=asks(skew=3.0))
@quickly
def test_clocks_that_differ_do_not_make_tokens(store: Store, allowance: Allowance, asked: list[Ask]) -> None:
    worst = most_over_allowance(carried_out(store, allowance, asked), allowance.rate)
    assert worst <= allowance.burst * (1 - FLOORS[Lane.REVOKE]) + allowance.rate * 6.0 + CRUMB


@given(
    steps=st.lists(st.tuples(st.floats(0.5, 30), st.sampled_from(("used", "refused", "little room"))), max_size=40),
    most=st.sampled_from((None, 20.0, 50.0)),
)
@quickly
def test_the_rate_stays_between_a_tenth_of_the_safe_one_and_the_most(
    store: Store, steps: list[tuple[float, str]], most: float | None
) -> None:
    """It falls at once when the service shows no room, and rises only after a time in which it did."""
    allowance, name, at = Allowance(10, 20, most), system(), 0.0
    lowered, rate = 0.0, 10.0
    for later, what in steps:
        at += later
        now = START + timedelta(seconds=at)
        with store.write() as work:
            if what == "used":
                work.budgets.take(name, Lane.REVOKE, 1, allowance, now=now)
            else:
                work.budgets.fall(name, allowance, to=0.5 if what == "refused" else 0.8, now=now)
            found = work.budgets.rate(name, allowance)
        assert 1.0 <= found <= (most or 10.0)
        if what == "used":
            assert found <= rate + 1.0 + CRUMB
            assert found == rate or at - lowered >= 10
        else:
            lowered = at
            assert found < rate or found == 1.0 or later < 1
        rate = found


def test_calls_that_are_refused_together_lower_the_rate_once(store: Store) -> None:
    allowance, name = Allowance(10, 20, 50), system()
    for milliseconds in (0, 10, 20):
        with store.write() as work:
            work.budgets.fall(name, allowance, to=0.5, now=START + timedelta(milliseconds=milliseconds))
            assert work.budgets.rate(name, allowance) == 5.0


def test_a_lower_rate_of_the_settings_counts_at_once(store: Store) -> None:
    """What was found with other settings never exceeds those of today."""
    name = system()
    for minute in range(1, 60):
        take(store, name, Lane.GRANT, 1, Allowance(10, 20, 50), 60 * minute)
    with store.read() as work:
        assert work.budgets.rate(name, Allowance(10, 20, 50)) > 10
        assert work.budgets.rate(name, Allowance(4, 20)) == 4.0


def test_two_clocks_that_take_turns_do_not_fill_the_bucket(store: Store) -> None:
    allowance, name = Allowance(rate=10, burst=10), system()
    had = [take(store, name, Lane.GRANT, 5, allowance, 2.0 * (number % 2))[0] for number in range(10)]
    assert sum(had) <= 10 + 20


@given(allowance=allowances, lane=st.sampled_from(list(Lane)))
@quickly
def test_whoever_waits_as_long_as_was_said_has_a_token(store: Store, allowance: Allowance, lane: Lane) -> None:
    name = system()
    at = 0.0
    for _ in range(60):
        had, wait = take(store, name, lane, 60, allowance, at)
        at += wait.total_seconds()
        if not had:
            # To the microsecond that clocks have.
            assert take(store, name, lane, 1, allowance, at + 2e-6)[0] == 1
            return
    raise AssertionError("the bucket has no bottom")


@given(allowance=allowances, lower=st.sampled_from([Lane.GRANT, Lane.TICKET, Lane.SYNC]))
@quickly
def test_when_a_lane_is_at_its_floor_the_ones_above_it_still_have_something(
    store: Store, allowance: Allowance, lower: Lane
) -> None:
    assume(allowance.burst >= 4)
    name = system()
    while take(store, name, lower, 60, allowance, 0.0)[0]:
        pass
    assert take(store, name, Lane.REVOKE, 1, allowance, 0.0)[0] == 1
    if lower is Lane.SYNC:
        assert take(store, name, Lane.GRANT, 1, allowance, 0.0)[0] == 1


def test_debt_of_revocations_is_paid_before_anybody_else_has_a_token(store: Store) -> None:
    allowance, name = Allowance(rate=1, burst=10), system()
    assert take(store, name, Lane.REVOKE, 99, allowance, 0.0)[0] == 15
    assert take(store, name, Lane.REVOKE, 1, allowance, 0.0) == (0, timedelta(seconds=1))
    assert take(store, name, Lane.GRANT, 1, allowance, 5.0) == (0, timedelta(seconds=1))
    assert take(store, name, Lane.GRANT, 1, allowance, 6.0)[0] == 1
    assert take(store, name, Lane.SYNC, 1, allowance, 10.0) == (0, timedelta(seconds=2))
    assert take(store, name, Lane.SYNC, 1, allowance, 12.0)[0] == 1


@quickly
@given(allowance=allowances, asked=asks())
def test_as_many_pieces_are_let_in_as_tokens_are_had_for(store: Store, allowance: Allowance, asked: list[Ask]) -> None:
    name, now = system(), START
    for ask in asked:
        now += timedelta(seconds=ask.after)
        with store.write() as work:
            work.budgets.take(name, ask.lane, ask.wanted, allowance, now=now)
            pieces = work.budgets.pieces(name, Lane.REVOKE, allowance, calls=5, now=now)
            had = [work.budgets.take(name, Lane.REVOKE, 5, allowance, now=now, at_least=5)[0] for _ in range(pieces)]
            assert all(had)
            assert work.budgets.pieces(name, Lane.REVOKE, allowance, calls=5, now=now) == 0


def test_the_smallest_bucket_serves_every_lane(store: Store) -> None:
    allowance, name = Allowance(rate=1, burst=1), system()
    for number, lane in enumerate(Lane):
        assert take(store, name, lane, 1, allowance, number * 2.0)[0] == 1


def test_the_later_of_two_stops_counts_and_each_class_has_its_own(store: Store) -> None:
    name, soon, late = system(), START + timedelta(seconds=10), START + timedelta(seconds=50)
    for endpoint_class, until in (("read", late), ("read", soon), ("write", soon)):
        with store.write() as work:
            work.budgets.stop(name, endpoint_class, until, now=START)
    assert stops_of(store, name, START) == {"read": (START, late), "write": (START, soon)}
    assert stops_of(store, name, soon) == {"read": (START, late)}
    assert stops_of(store, name, late) == {}


def test_a_stop_is_lifted_for_its_system_or_for_one_class(store: Store) -> None:
    name, other, until = system(), system(), START + timedelta(days=1)
    for each, endpoint_class in ((name, "read"), (name, "write"), (other, "read")):
        with store.write() as work:
            work.budgets.stop(each, endpoint_class, until, now=START)
    with store.write() as work:
        assert work.budgets.lift(name, "write") == 1
    assert set(stops_of(store, name, START)) == {"read"}
    with store.write() as work:
        assert work.budgets.lift(name) == 1
        assert work.budgets.lift(name) == 0
    assert stops_of(store, name, START) == {}
    assert set(stops_of(store, other, START)) == {"read"}


def test_of_several_that_would_try_in_spite_of_a_stop_one_may(store: Store) -> None:
    name, later = system(), START + timedelta(minutes=15)
    with store.write() as work:
        work.budgets.stop(name, "write", START + timedelta(days=1), now=START)
    with store.write() as work:
        assert not work.budgets.try_again(name, "write", stopped_before=START - timedelta(seconds=1), now=later)
        assert work.budgets.try_again(name, "write", stopped_before=START, now=later)
        assert not work.budgets.try_again(name, "write", stopped_before=START, now=later)
    assert stops_of(store, name, later) == {"write": (later, START + timedelta(days=1))}


def stops_of(store: Store, name: str, now: datetime) -> dict[str, tuple[datetime, datetime]]:
    with store.read() as work:
        return {
            stop.endpoint_class: (stop.since, stop.until) for stop in work.budgets.stops(now=now) if stop.system == name
        }


def drain(store: Store, name: str, burst: int) -> int:
    allowance, total = Allowance(rate=0.001, burst=burst), 0
    while (tokens := take(store, name, Lane.GRANT, 3, allowance, 0.0)[0]) > 0:
        total += tokens
    return total


def test_threads_that_come_at_once_share_one_bucket_from_its_first_moment(store_url: str) -> None:
    stores = [Store(Database(store_url, pool_size=2)) for _ in range(4)]
    for _ in range(3):
        name = system()
        assert sum(together(partial(drain, store, name, 40) for store in stores)) == 40
    for store in stores:
        store.database.close()


def drain_in_process(url: str) -> int:
    database = Database(url, pool_size=1)
    total = drain(Store(database), "shared", 60)
    database.close()
    return total


@pytest.mark.long
def test_processes_share_one_bucket(store_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert sum(pool.map(drain_in_process, [store_url] * 2, chunksize=1)) == 60
