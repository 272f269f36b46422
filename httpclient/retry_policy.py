"""Short waits, bridged in the call itself: seconds in all, for calls that may be repeated. Everything longer goes up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import tenacity

from access.failures import Transient

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a call may be bridged: at most ``tries`` in ``total``, with waits from ``first`` doubling up to ``longest``.

    A wait the service asks for is kept when it is no longer than ``longest``; otherwise the failure goes up at once. When
    ``stopping`` is set no wait is begun, and one under way ends: what is asked after it is for the rate rate_limiter to refuse.
    """

    tries: int = 3
    total: timedelta = timedelta(seconds=6)
    first: timedelta = timedelta(milliseconds=300)
    longest: timedelta = timedelta(seconds=2)
    stopping: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    @classmethod
    def none(cls) -> RetryPolicy:
        """One try."""
        return cls(tries=1)

    @classmethod
    def without_waits(cls, tries: int) -> RetryPolicy:
        """Several tries and no wait between them: for tests."""
        return cls(tries=tries, first=timedelta(0), longest=timedelta(0))

    def bridges(self, failure: BaseException) -> bool:
        """Whether the failure may pass within a wait of this retry_policy."""
        return isinstance(failure, Transient) and (failure.retry_after is None or failure.retry_after <= self.longest)


def read_with_retries(read: Callable[[], T], retry_policy: RetryPolicy) -> T:
    """What ``read`` returns, tried again on ``Transient`` as ``retry_policy`` allows; the last failure goes up as it is.

    For reads and idempotent writes only.
    """
    began = time.monotonic()
    try:
        return read()
    except Transient as failure:
        if not retry_policy.bridges(failure):
            raise
        failed = [failure]

    # Almost every call succeeds at once: what bridges is only made for those that do not.
    def attempt() -> T:
        if failed:
            raise failed.pop()
        return read()

    left = retry_policy.total.total_seconds() - (time.monotonic() - began)
    return _retrying(retry_policy, left)(attempt)


def _retrying(retry_policy: RetryPolicy, seconds: float) -> tenacity.Retrying:
    """Tries and waits as ``retry_policy`` has them, for so long."""
    base = tenacity.wait_exponential_jitter(
        multiplier=retry_policy.first.total_seconds(),
        max=retry_policy.longest.total_seconds(),
        jitter=retry_policy.first.total_seconds(),
    )

    def wait(state: tenacity.RetryCallState) -> float:
        exc = state.outcome.exception() if state.outcome is not None else None
        asked = exc.retry_after if isinstance(exc, Transient) else None
        return max(base(state), asked.total_seconds() if asked else 0.0)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(retry_policy.bridges),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(retry_policy.tries),
            tenacity.stop_before_delay(seconds),
            tenacity.stop_when_event_set(retry_policy.stopping),
        ),
        wait=wait,
        sleep=tenacity.sleep_using_event(retry_policy.stopping),
        reraise=True,
    )
