"""Short waits, bridged in the call itself: seconds in all, for calls that may be repeated. Everything longer goes up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import tenacity

from access.failures import Transient

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a call may be bridged: at most ``tries`` in ``total``, with waits from ``first`` doubling up to ``longest``.

    A wait the service asks for is kept when it is no longer than ``longest``; otherwise the failure goes up at once.
    """

    tries: int = 3
    total: timedelta = timedelta(seconds=6)
    first: timedelta = timedelta(milliseconds=300)
    longest: timedelta = timedelta(seconds=2)

    @classmethod
    def none(cls) -> Patience:
        """One try."""
        return cls(tries=1)

    @classmethod
    def without_waits(cls, tries: int) -> Patience:
        """Several tries and no wait between them: for tests."""
        return cls(tries=tries, first=timedelta(0), longest=timedelta(0))


def read_with_patience(read: Callable[[], T], patience: Patience) -> T:
    """What ``read`` returns, tried again on ``Transient`` as ``patience`` allows; the last failure goes up as it is.

    For reads and idempotent writes only.
    """
    base = tenacity.wait_exponential_jitter(
        multiplier=patience.first.total_seconds(),
        max=patience.longest.total_seconds(),
        jitter=patience.first.total_seconds(),
    )

    def bridgeable(exc: BaseException) -> bool:
        return isinstance(exc, Transient) and (exc.retry_after is None or exc.retry_after <= patience.longest)

    def wait(state: tenacity.RetryCallState) -> float:
        exc = state.outcome.exception() if state.outcome is not None else None
        asked = exc.retry_after if isinstance(exc, Transient) else None
        return max(base(state), asked.total_seconds() if asked else 0.0)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(bridgeable),
        stop=tenacity.stop_after_attempt(patience.tries) | tenacity.stop_before_delay(patience.total.total_seconds()),
        wait=wait,
        reraise=True,
    )
    return retrying(read)
