"""The rate limiters: one for a lane, shared by threads and processes, and never a reason to wait for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from access.clock import ManualClock, SystemClock
from access.entitlements import System
from access.failures import Transient
from access.operations import Lane
from store.database import Database
from store.rate_budgets import Allowance
from store.unit_of_work import Store
from worker.rate_limiter import BudgetRateLimiter, WaitingRateLimiter, as_a_whole

START = datetime(2026, 11, 1, tzinfo=UTC)
WIDE = Allowance(rate=1000, burst=1000)


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest) -> Iterator[list[Store]]:
    """The same store twice, as two processes have it."""
    url = request.getfixturevalue(f"{request.param}_url")
    databases = [Database(url, pool_size=4) for _ in range(2)]
    yield [Store(database) for database in databases]
    for database in databases:
        database.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def calls_until_refused(rate_limiter: BudgetRateLimiter) -> tuple[int, Transient]:
    for made in range(10_000):
        try:
            rate_limiter.take("read")
        except Transient as refusal:
            return made, refusal
    raise AssertionError("the rate limiter never refuses")


def test_limiters_of_two_processes_let_no_more_through_than_the_bucket_holds(
    stores: list[Store], clock: ManualClock
) -> None:
    limiters = [
        BudgetRateLimiter(store, clock, System.JIRA, Lane.GRANT, Allowance(rate=10, burst=20)) for store in stores
    ]
    assert sum(calls_until_refused(limiter)[0] for limiter in limiters) == 20
    clock.advance(timedelta(seconds=1))
    assert sum(calls_until_refused(limiter)[0] for limiter in limiters) == 10


def test_a_limiter_that_refuses_says_when_to_come_back(stores: list[Store], clock: ManualClock) -> None:
    limiter = BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.GRANT, Allowance(rate=2, burst=4))
    _, refusal = calls_until_refused(limiter)
    assert refusal.retry_after == timedelta(seconds=0.5)


def test_a_revocation_has_its_call_at_once_while_a_sync_takes_all_it_can(
    stores: list[Store], clock: ManualClock
) -> None:
    allowance = Allowance(rate=5, burst=10)
    sync, revoke = (
        BudgetRateLimiter(store, clock, System.JIRA, lane, allowance)
        for store, lane in zip(stores, (Lane.SYNC, Lane.REVOKE), strict=True)
    )
    for _ in range(20):
        calls_until_refused(sync)
        revoke.take("write")
        clock.advance(timedelta(seconds=1))


def test_tokens_that_were_not_used_in_time_are_given_up(stores: list[Store], clock: ManualClock) -> None:
    limiter = BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.GRANT, Allowance(rate=100, burst=100))
    limiter.take("read")  # and 19 more are in hand
    clock.advance(timedelta(seconds=1))
    assert calls_until_refused(limiter)[0] == 100


def test_a_limiter_that_refills_again_and_again_never_has_more_in_hand_than_a_block(
    stores: list[Store], clock: ManualClock
) -> None:
    """What it keeps is dated anew each time, so nothing but its size bounds what it may spend besides the bucket."""
    allowance = Allowance(rate=100, burst=100)
    used, other = (BudgetRateLimiter(store, clock, System.JIRA, Lane.GRANT, allowance) for store in stores)
    for _ in range(20):
        used.take("read")
        clock.advance(timedelta(seconds=0.6))
    assert calls_until_refused(other)[0] == 100  # all of the bucket, which has filled up
    assert calls_until_refused(used)[0] <= 20  # a fifth of a second's tokens


def test_a_stop_is_kept_by_other_processes_within_a_second(stores: list[Store], clock: ManualClock) -> None:
    one, other = (BudgetRateLimiter(store, clock, System.JIRA, Lane.GRANT, WIDE) for store in stores)
    other.take("read")
    one.stop("read", clock.now() + timedelta(seconds=30))
    with pytest.raises(Transient) as told:
        one.take("read")
    assert told.value.retry_after == timedelta(seconds=30)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Transient) as seen:
        other.take("read")
    assert seen.value.retry_after == timedelta(seconds=29)
    other.take("write")  # another class of calls goes on
    clock.advance(timedelta(seconds=29))
    other.take("read")


def test_a_stop_is_kept_by_revocations_too(stores: list[Store], clock: ManualClock) -> None:
    sync, revoke = (
        BudgetRateLimiter(store, clock, System.JIRA, lane, WIDE)
        for store, lane in zip(stores, (Lane.SYNC, Lane.REVOKE), strict=True)
    )
    sync.stop("write", clock.now() + timedelta(seconds=5))
    with pytest.raises(Transient, match="asked for no calls"):
        revoke.take("write")


def removals(stores: list[Store], clock: ManualClock) -> list[BudgetRateLimiter]:
    """Limiters of two processes for what takes access away, which no stop holds for longer than 15 minutes."""
    quarter = timedelta(minutes=15)
    return [BudgetRateLimiter(store, clock, System.JIRA, Lane.REVOKE, WIDE, longest_stop=quarter) for store in stores]


def test_a_stop_of_a_day_holds_removals_for_a_quarter_of_an_hour_and_then_one_call_tries(
    stores: list[Store], clock: ManualClock
) -> None:
    one, other = removals(stores, clock)
    grants = BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.GRANT, WIDE)
    assert one.stop("write", clock.now() + timedelta(days=1)) == clock.now() + timedelta(minutes=15)
    clock.advance(timedelta(minutes=14))
    with pytest.raises(Transient) as held:
        other.take("write")
    assert held.value.retry_after == timedelta(minutes=1)
    clock.advance(timedelta(minutes=1))
    other.take("write")
    for waiting in (one, other, grants):
        with pytest.raises(Transient) as refused:
            waiting.take("write")
        assert not refused.value.counted
    clock.advance(timedelta(minutes=15))
    one.take("write")


def test_the_call_that_tried_ends_the_stop_for_everybody_when_it_is_answered(
    stores: list[Store], clock: ManualClock
) -> None:
    one, other = removals(stores, clock)
    grants = BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.GRANT, WIDE)
    one.stop("write", clock.now() + timedelta(days=1))
    one.answered("write")  # to a call that was under way: nothing tried in spite of the stop
    clock.advance(timedelta(minutes=15))
    other.take("write")
    other.answered("write")
    for each in (one, other, grants):
        each.take("write")


def test_a_second_stop_holds_removals_as_long_again(stores: list[Store], clock: ManualClock) -> None:
    one, other = removals(stores, clock)
    one.stop("write", clock.now() + timedelta(days=1))
    clock.advance(timedelta(minutes=15))
    one.take("write")
    one.stop("write", clock.now() + timedelta(days=1))
    one.answered("write")
    clock.advance(timedelta(minutes=14))
    for each in (one, other):
        with pytest.raises(Transient):
            each.take("write")


def test_a_stop_that_is_lifted_holds_nobody_within_a_second(stores: list[Store], clock: ManualClock) -> None:
    one, other = (BudgetRateLimiter(store, clock, System.JIRA, Lane.GRANT, WIDE) for store in stores)
    one.stop("read", clock.now() + timedelta(days=1))
    with pytest.raises(Transient):
        one.take("read")
    with stores[1].write() as work:
        work.budgets.lift(System.JIRA)
    clock.advance(timedelta(seconds=1))
    one.take("read")
    other.take("read")


def test_a_shorter_stop_does_not_end_a_longer_one(stores: list[Store], clock: ManualClock) -> None:
    one, other = (BudgetRateLimiter(store, clock, System.JIRA, Lane.GRANT, WIDE) for store in stores)
    one.stop("read", clock.now() + timedelta(seconds=60))
    other.stop("read", clock.now() + timedelta(seconds=5))
    clock.advance(timedelta(seconds=10))
    for limiter in (one, other):
        with pytest.raises(Transient):
            limiter.take("read")


def test_systems_have_budgets_of_their_own(stores: list[Store], clock: ManualClock) -> None:
    narrow = Allowance(rate=1, burst=2)
    calls_until_refused(BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.GRANT, narrow))
    assert calls_until_refused(BudgetRateLimiter(stores[0], clock, System.JUMPCLOUD, Lane.GRANT, narrow))[0] == 2


def test_a_waiting_limiter_waits_for_its_turn(stores: list[Store]) -> None:
    limiter = WaitingRateLimiter(
        BudgetRateLimiter(stores[0], SystemClock(), System.JIRA, Lane.SYNC, Allowance(rate=40, burst=4))
    )
    begun = time.monotonic()
    for _ in range(12):
        limiter.take("read")
    # Two of a bucket of four are for reading, and ten more have to flow in.
    assert time.monotonic() - begun >= 0.2


def test_a_waiting_limiter_does_not_wait_for_what_comes_too_late(stores: list[Store]) -> None:
    limiter = WaitingRateLimiter(
        BudgetRateLimiter(stores[0], SystemClock(), System.JIRA, Lane.SYNC, WIDE), longest_wait_seconds=8 * 3600
    )
    limiter.stop("read", datetime.now(UTC) + timedelta(hours=10))
    with pytest.raises(Transient) as told:
        limiter.take("read")
    assert told.value.retry_after is not None
    assert told.value.retry_after > timedelta(hours=9)


def test_a_waiting_limiter_that_always_refuses_is_left_within_its_bound(
    stores: list[Store], clock: ManualClock
) -> None:
    """The clock of the budget stands still: each refusal asks for a short wait, and nothing flows in."""
    allowance = Allowance(rate=10, burst=4)
    calls_until_refused(BudgetRateLimiter(stores[1], clock, System.JIRA, Lane.REVOKE, allowance))
    waiting = WaitingRateLimiter(
        BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.SYNC, allowance), longest_wait_seconds=1.2
    )
    with pytest.raises(Transient) as told:
        waiting.take("read")
    assert told.value.retry_after is not None
    assert told.value.retry_after < timedelta(seconds=1.2), "the next wait alone would have been short enough"


def test_a_waiting_limiter_tells_the_other_processes_of_a_stop(stores: list[Store], clock: ManualClock) -> None:
    WaitingRateLimiter(BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.SYNC, WIDE)).stop(
        "read", START + timedelta(seconds=9)
    )
    with pytest.raises(Transient):
        BudgetRateLimiter(stores[1], clock, System.JIRA, Lane.GRANT, WIDE).take("read")


def test_a_piece_of_work_is_let_in_as_a_whole_and_never_put_off_between_two_of_its_calls(
    stores: list[Store], clock: ManualClock
) -> None:
    """At a call each two seconds, work that was put off between its calls would spend them again and again."""
    allowance = Allowance(rate=0.5, burst=1)
    limiters = [BudgetRateLimiter(store, clock, System.JIRA, Lane.GRANT, allowance) for store in stores]
    made: list[datetime] = []
    done: list[str] = []

    def work(ref: str) -> None:
        limiter = limiters[int(ref) % 2]
        for _ in range(6):
            limiter.take("read")
            made.append(clock.now())
        done.append(ref)

    waiting = [str(number) for number in range(8)]
    while waiting and clock.now() < START + timedelta(minutes=5):
        for ref in list(waiting):
            with suppress(Transient):
                as_a_whole(work)(ref)
                waiting.remove(ref)
        clock.advance(timedelta(seconds=0.5))
    assert sorted(done) == [str(number) for number in range(8)]
    assert len(made) == 48
    assert made[-1] - START >= timedelta(seconds=(48 - 6 - 1) / 0.5)


def test_tokens_that_a_piece_of_work_did_not_use_are_not_lost(stores: list[Store], clock: ManualClock) -> None:
    limiter = BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.GRANT, Allowance(rate=1, burst=10))
    for _ in range(6):  # a seventh would find fewer than a whole piece of work may need
        as_a_whole(lambda _: limiter.take("read"))("one call")
        clock.advance(timedelta(milliseconds=1))
    with pytest.raises(Transient):
        as_a_whole(lambda _: limiter.take("read"))("one more")


def test_a_piece_of_work_keeps_to_a_stop_and_owes_no_more_than_its_share(
    stores: list[Store], clock: ManualClock
) -> None:
    limiter = BudgetRateLimiter(stores[0], clock, System.JIRA, Lane.GRANT, Allowance(rate=1, burst=1))

    def endless(ref: str) -> None:
        for _ in ref * 1000:
            limiter.take("read")

    with pytest.raises(Transient, match="used up"):
        as_a_whole(endless)("many calls")
    _, refusal = calls_until_refused(limiter)
    assert refusal.retry_after is not None
    assert refusal.retry_after <= timedelta(seconds=25)
    clock.advance(timedelta(minutes=1))
    limiter.stop("read", clock.now() + timedelta(minutes=1))
    with pytest.raises(Transient, match="asked for no calls"):
        as_a_whole(endless)("stopped")
