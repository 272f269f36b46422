"""A command without a store keeps to the configured pace, and to the stops that a service asks for."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from access.clock import ManualClock, SystemClock
from access.failures import Transient
from worker.pacing import PacingRateLimiter

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def test_after_the_burst_calls_come_at_the_rate() -> None:
    limiter = PacingRateLimiter(SystemClock(), rate=50, burst=5)
    began = monotonic()
    for _ in range(15):
        limiter.take("read")
    assert monotonic() - began >= 0.19, "ten calls beyond the burst take a fifth of a second"


def test_a_long_stop_is_not_waited_for() -> None:
    limiter = PacingRateLimiter(ManualClock(NOW), rate=1000, burst=10)
    assert limiter.stop("read", NOW + timedelta(minutes=5)) == NOW + timedelta(minutes=5)
    with pytest.raises(Transient) as raised:
        limiter.take("read")
    assert raised.value.retry_after == timedelta(minutes=5)
    limiter.take("write")


def test_a_shorter_stop_does_not_end_a_longer_one() -> None:
    limiter = PacingRateLimiter(ManualClock(NOW), rate=1000, burst=10)
    limiter.stop("read", NOW + timedelta(minutes=5))
    assert limiter.stop("read", NOW + timedelta(minutes=2)) == NOW + timedelta(minutes=5)


def test_stopping_ends_every_wait() -> None:
    stopping = threading.Event()
    limiter = PacingRateLimiter(ManualClock(NOW), rate=1000, burst=10, stopping=stopping)
    limiter.stop("read", NOW + timedelta(seconds=59))
    threading.Timer(0.05, stopping.set).start()
    with pytest.raises(Transient, match="stopping"):
        limiter.take("read")
