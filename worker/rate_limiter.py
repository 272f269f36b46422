"""The doors to the shared rate budget, one for each lane of each system.

Each process takes tokens in small blocks and hands them to its threads, so that a call does not cost a transaction of its
own. A door never sleeps for fulfilment: it says when to come back. Reading snapshots has thousands of calls to make one after
the other; there, and only there, a bounded wait at the door stands in for putting a half-read list back.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_before_delay,
    stop_when_event_set,
)

from access.clock import Clock
from access.entitlements import System
from access.failures import Transient
from access.operations import Lane
from store.budgets import ALL, Allowance
from store.unit_of_work import Store

#: The share of a second's tokens that one process takes at once.
_BLOCK_SECONDS = 0.2

#: From this size on a block lasts longer than the store takes to give the next one, so it can be fetched ahead.
_LARGE_BLOCK = 20

#: How long tokens may be used after their door was last filled up. It is never filled beyond one block, so what a process has
#: in hand besides the bucket is at most that, however long some of it was kept.
_GOOD_FOR = timedelta(seconds=1)

#: How long reading waits at the door before it puts its work back.
_PATIENCE_SECONDS = 30.0


class BudgetRateLimiter:
    """One lane's door to one system's budget, shared by the threads of a process."""

    def __init__(self, store: Store, clock: Clock, system: System, lane: Lane, allowance: Allowance) -> None:
        self._store = store
        self._clock = clock
        self._system = system
        self._lane = lane
        self._allowance = allowance
        self._block = max(1, int(allowance.rate * _BLOCK_SECONDS))
        self._lock = threading.Lock()
        #: Held by the one thread that is at the store for more tokens: the others go on with those that are left.
        self._refilling = threading.Lock()
        self._tokens = 0
        self._good_until: datetime | None = None
        self._stops: dict[str, datetime] = {}

    def take(self, endpoint_class: str) -> None:
        """Take one call of this class from the budget.

        Raises ``Transient`` with ``retry_after`` when the budget, or a stop the service asked for, says no.
        """
        while not self._spend(endpoint_class):
            with self._refilling:
                if not self._left():
                    self._refill()
        if self._runs_out() and self._refilling.acquire(blocking=False):
            try:
                self._refill(ahead=True)
            finally:
                self._refilling.release()

    def _spend(self, endpoint_class: str) -> bool:
        """Use one of the tokens at hand; whether there was one."""
        with self._lock:
            now = self._clock.now()
            if not self._good(now):
                return False
            for name in (endpoint_class, ALL):
                until = self._stops.get(name)
                if until is not None and until > now:
                    raise Transient(
                        f"{self._system} asked for no calls of this kind before {until:%H:%M:%S} UTC.",
                        retry_after=until - now,
                        counted=False,
                    )
            self._tokens -= 1
            return True

    def _left(self) -> bool:
        with self._lock:
            return self._good(self._clock.now())

    def _good(self, now: datetime) -> bool:
        return self._tokens >= 1 and self._good_until is not None and now < self._good_until

    def _runs_out(self) -> bool:
        """Whether it is time to fetch more before these are used up, where that is not what the wait is for."""
        if self._block < _LARGE_BLOCK:
            return False
        with self._lock:
            half_time = self._good_until is not None and self._clock.now() >= self._good_until - _GOOD_FOR / 2
            return half_time or self._tokens < self._block // 4

    def stop(self, endpoint_class: str, until: datetime) -> None:
        """Let no call of this class through before ``until``, in any process."""
        with self._lock:
            self._stops[endpoint_class] = max(until, self._stops.get(endpoint_class, until))
            with self._store.write() as work:
                work.budgets.stop(self._system, endpoint_class, until, now=self._clock.now())

    def _refill(self, *, ahead: bool = False) -> None:
        """Fetch a block of tokens, or ``ahead`` of need what a block lacks. Raises ``Transient`` when there is none."""
        with self._lock:
            kept = self._tokens if ahead else 0
        wanted = max(1, self._block - kept)
        with self._store.write() as work:
            now = self._clock.now()
            had, wait = work.budgets.take(self._system, self._lane, wanted, self._allowance, now=now)
            stops = {
                stop.endpoint_class: stop.until for stop in work.budgets.stops(now=now) if stop.system == self._system
            }
        with self._lock:
            for name, until in stops.items():  # one that was set here meanwhile is not lost
                self._stops[name] = max(until, self._stops.get(name, until))
            if had:
                self._tokens = had + (self._tokens if ahead else 0)
                self._good_until = now + _GOOD_FOR
            elif not ahead:
                self._tokens = 0
        if not had and not ahead:
            raise Transient(f"The rate budget for {self._system} is used up for now.", retry_after=wait, counted=False)


class WaitingRateLimiter:
    """A door that waits a bounded time for its turn: for reading snapshots.

    Once ``stopping`` is set it lets nothing through and nobody waits at it, so that reading ends with the call under way.
    """

    def __init__(
        self,
        rate_limiter: BudgetRateLimiter,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        stopping: threading.Event | None = None,
    ) -> None:
        self._rate_limiter = rate_limiter
        self._patience = patience_seconds
        self._stopping = stopping or threading.Event()

    def take(self, endpoint_class: str) -> None:
        """Take one call of this class, waiting for it. Raises ``Transient``, at once, when that would take too long."""
        Retrying(
            retry=retry_if_exception_type(Transient),
            wait=_asked_wait,
            stop=stop_before_delay(self._patience) | stop_when_event_set(self._stopping),
            sleep=sleep_using_event(self._stopping),
            reraise=True,
        )(self._take, endpoint_class)

    def _take(self, endpoint_class: str) -> None:
        if self._stopping.is_set():
            raise Transient("Provisor is stopping.", retry_after=timedelta(0), counted=False)
        self._rate_limiter.take(endpoint_class)

    def stop(self, endpoint_class: str, until: datetime) -> None:
        """Let no call of this class through before ``until``, in any process."""
        self._rate_limiter.stop(endpoint_class, until)


def _asked_wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    wait = failure.retry_after if isinstance(failure, Transient) else None
    return max(0.001, wait.total_seconds()) if wait is not None else 0.05
