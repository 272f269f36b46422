"""When to try again: a table of failures, tries and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from access.retry import GiveUp, RetryAt, RetryLimits, decide, next_look

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIMITS = RetryLimits(
    attempts=4,
    deadline=timedelta(hours=1),
    first_wait=timedelta(seconds=2),
    longest_wait=timedelta(seconds=10),
    credential_wait=timedelta(minutes=1),
)


def after(
    failure: Failure, *, tries: int = 1, since: timedelta = timedelta(0), jitter: float = 0.0
) -> RetryAt | GiveUp:
    return decide(failure, tries=tries, first_tried_at=NOW - since, now=NOW, limits=LIMITS, jitter=jitter)


def wait(decision: RetryAt | GiveUp) -> timedelta:
    assert isinstance(decision, RetryAt)
    return decision.at - NOW


@pytest.mark.parametrize(("tries", "seconds"), [(1, 2), (2, 4), (3, 8)])
@pytest.mark.parametrize("failure", [Transient("Busy."), Unknown("Lost.")], ids=["transient", "unknown"])
def test_waits_double(failure: Failure, tries: int, seconds: int) -> None:
    assert wait(after(failure, tries=tries)) == timedelta(seconds=seconds)


def test_waits_grow_no_further_than_the_longest() -> None:
    patient = RetryLimits(attempts=99, longest_wait=timedelta(seconds=10))
    decision = decide(Transient("Busy."), tries=50, first_tried_at=NOW, now=NOW, limits=patient)
    assert wait(decision) == timedelta(seconds=10)


def test_what_the_service_asked_for_is_kept_to_even_past_the_longest_wait() -> None:
    assert wait(after(Transient("Busy.", retry_after=timedelta(minutes=5)), tries=2)) == timedelta(minutes=5)


def test_jitter_lengthens_a_wait_by_a_quarter_at_most() -> None:
    assert wait(after(Transient("Busy."), jitter=1.0)) == timedelta(seconds=2.5)
    assert wait(after(Transient("Busy.", retry_after=timedelta(seconds=60)), jitter=0.5)) >= timedelta(seconds=60)


def test_tries_run_out() -> None:
    decision = after(Transient("Busy."), tries=4)
    assert isinstance(decision, GiveUp)
    assert "Tried 4 times" in decision.reason


def test_a_retry_that_would_come_after_the_deadline_is_not_begun() -> None:
    decision = after(Transient("Busy.", retry_after=timedelta(minutes=2)), since=timedelta(minutes=59))
    assert isinstance(decision, GiveUp)
    assert "deadline" in decision.reason


def test_what_is_permanent_is_not_tried_again() -> None:
    assert isinstance(after(Permanent("No.", remedy="Ask.")), GiveUp)


def test_work_whose_credential_is_refused_is_kept_for_as_long_as_it_takes() -> None:
    assert wait(after(CredentialRefused("Who?"), tries=999, since=timedelta(days=30))) == LIMITS.credential_wait


def test_what_our_own_budget_put_off_is_nobodys_failure() -> None:
    put_off = Transient("Not now.", retry_after=timedelta(seconds=3), counted=False)
    assert wait(after(put_off, tries=999, since=timedelta(days=30))) == timedelta(seconds=3)


HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("blocked_for", "wait"),
    [
        (timedelta(0), HOUR),
        (DAY - TICK, HOUR),
        (DAY, DAY),
        (60 * DAY - TICK, DAY),
        (60 * DAY, 7 * DAY),
        (900 * DAY, 7 * DAY),
    ],
)
def test_what_cannot_be_seen_is_looked_at_hourly_then_daily_then_weekly(
    blocked_for: timedelta, wait: timedelta
) -> None:
    assert next_look(blocked_at=NOW - blocked_for, now=NOW, unseen=True) == NOW + wait
    assert next_look(blocked_at=NOW - blocked_for, now=NOW, unseen=False) == NOW + HOUR
