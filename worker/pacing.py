"""A rate limiter for a command that reads without a store: the configured pace, for this process alone."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from time import monotonic

from access.clock import Clock
from access.failures import Transient

#: How long a call waits for its turn, or for the end of a stop that the service asked for.
_LONGEST_WAIT = timedelta(seconds=60)


class PacingRateLimiter:
    """Lets calls through at a rate, after a burst, and waits on the spot; ``stopping`` ends every wait.

    Processes that fulfil requests at the same time spend the same allowance of the service, and do not see this one's calls.
    """

    def __init__(self, clock: Clock, *, rate: float, burst: int, stopping: threading.Event | None = None) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._stopping = stopping or threading.Event()
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._filled_at = monotonic()
        self._stops: dict[str, datetime] = {}

    def take(self, endpoint_class: str) -> None:
        """Take one call, waiting for it. Raises ``Transient`` when the wait would be too long."""
        wait = self._turn(endpoint_class)
        if wait > _LONGEST_WAIT:
            raise Transient(
                f"The service asked for no calls for {wait.total_seconds():.0f} seconds.",
                retry_after=wait,
                counted=False,
            )
        if self._stopping.wait(wait.total_seconds()) if wait else self._stopping.is_set():
            raise Transient("Provisor is stopping.", retry_after=timedelta(0), counted=False)

    def stop(self, endpoint_class: str, until: datetime) -> datetime:
        """Let no call of this class through before ``until``."""
        with self._lock:
            self._stops[endpoint_class] = max(until, self._stops.get(endpoint_class, until))
            return self._stops[endpoint_class]

    def answered(self, endpoint_class: str, *, room: bool = True) -> None:
        """Do nothing: a stop ends by itself."""

    def _turn(self, endpoint_class: str) -> timedelta:
        """The wait until the call's turn, which it has taken: at most a whole second of calls waits at a time."""
        with self._lock:
            now = monotonic()
            self._tokens = min(float(self._burst), self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            self._tokens -= 1
            pace = timedelta(seconds=max(0.0, -self._tokens / self._rate))
            until = self._stops.get(endpoint_class)
        return pace if until is None else max(pace, until - self._clock.now(), timedelta(0))
