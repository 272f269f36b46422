"""Short waits within one call, for calls that may be repeated: seconds in all. Every longer wait goes up to the caller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import tenacity

from access.failures import Transient

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a call is repeated: at most ``tries`` within ``total``, with waits from ``first`` doubling up to ``longest``.

    A wait that the service asks for is kept when it is no longer than ``longest``; else the failure goes up at once. When
    ``stopping`` is set no wait begins, and a wait under way ends.
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
        """Whether to try again after this failure: it may pass within a wait of this policy.

        What our own rate budget put off is not tried again here: the caller puts its work back.
        """
        return (
            isinstance(failure, Transient)
            and failure.counted
            and (failure.retry_after is None or failure.retry_after <= self.longest)
        )


def read_with_retries(read: Callable[[], T], policy: RetryPolicy) -> T:
    """What ``read`` returns, tried again on ``Transient`` as ``policy`` allows; the last failure goes up as it is.

    For reads and idempotent writes only.
    """
    back_off = tenacity.wait_exponential_jitter(
        multiplier=policy.first.total_seconds(),
        max=policy.longest.total_seconds(),
        jitter=policy.first.total_seconds(),
    )

    def wait(state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome is not None else None
        asked = failure.retry_after if isinstance(failure, Transient) else None
        return max(back_off(state), asked.total_seconds() if asked else 0.0)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(policy.bridges),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(policy.tries),
            tenacity.stop_before_delay(policy.total.total_seconds()),
            tenacity.stop_when_event_set(policy.stopping),
        ),
        wait=wait,
        sleep=tenacity.sleep_using_event(policy.stopping),
        reraise=True,
    )
    return retrying(read)
