"""The rate limiters in front of the shared budget, one for each lane of each system.

Each process takes tokens in small blocks and hands them to its threads, so that a call does not cost a transaction of its
own. A limiter never sleeps for fulfilment: it says when to come back. Reading snapshots makes thousands of calls one after
the other; there, and only there, the limiter waits a bounded time, since a half-read list cannot be put back.
"""

from __future__ import annotations

import threading
from dataclasses import replace
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
from access.failures import Transient
from access.operations import Lane
from store.rate_budgets import Allowance, Stop
from store.unit_of_work import Store

#: The share of a second's tokens that one process takes at once.
_BLOCK_SECONDS = 0.2

#: From this size on a block lasts longer than the store takes to give the next one, so it can be fetched ahead.
_LARGE_BLOCK = 20

#: How long tokens may be used after they were fetched. A process never holds more than one block of them.
_GOOD_FOR = timedelta(seconds=1)

#: How long reading waits for its turn before it puts its work back.
_LONGEST_WAIT_SECONDS = 30.0


class BudgetRateLimiter:
    """One lane of one system's budget, shared by the threads of a process.

    ``longest_stop`` is how long a stop that the service asked for holds this lane: after it one call may try, of all
    processes, and every ``longest_stop`` again until one is answered. None: as long as the service asked for.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        system: str,
        lane: Lane,
        allowance: Allowance,
        *,
        longest_stop: timedelta | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._system = system
        self._lane = lane
        self._allowance = allowance
        self._longest_stop = longest_stop
        self._block = max(1, int(allowance.rate * _BLOCK_SECONDS))
        self._lock = threading.Lock()
        #: Held by the one thread that fetches more tokens: the others go on with those that are left.
        self._refilling = threading.Lock()
        self._tokens = 0
        self._good_until: datetime | None = None
        self._stops: dict[str, Stop] = {}
        #: Classes of endpoint in which a call of ours tries in spite of a stop.
        self._trying: set[str] = set()

    def take(self, endpoint_class: str) -> None:
        """Take one call of this class from the budget.

        Raises ``Transient`` with ``retry_after`` when the budget is used up or the service asked for a stop.
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

    def stop(self, endpoint_class: str, until: datetime) -> datetime:
        """Let no call of this class through before ``until``, in any process; when this lane may try again."""
        with self._lock:
            now = self._clock.now()
            with self._store.write() as work:
                work.budgets.stop(self._system, endpoint_class, until, now=now)
            known = self._stops.get(endpoint_class)
            stop = Stop(self._system, endpoint_class, now, until if known is None else max(until, known.until))
            self._stops[endpoint_class] = stop
            self._trying.discard(endpoint_class)
            return self._held_until(stop)

    def answered(self, endpoint_class: str) -> None:
        """End the stop of a class when the call that tried in spite of the stop was answered."""
        if endpoint_class not in self._trying:
            return
        with self._lock:
            self._trying.discard(endpoint_class)
            self._stops.pop(endpoint_class, None)
            with self._store.write() as work:
                work.budgets.lift(self._system, endpoint_class)

    def _spend(self, endpoint_class: str) -> bool:
        """Use one of the tokens at hand; whether there was one."""
        with self._lock:
            now = self._clock.now()
            if not self._good(now):
                return False
            stop = self._stops.get(endpoint_class)
            if stop is not None and now < stop.until:
                self._try_in_spite_of(stop, now)
            self._tokens -= 1
            return True

    def _try_in_spite_of(self, stop: Stop, now: datetime) -> None:
        """Take the one call that may try. Raises ``Transient`` when the stop still holds, or another process tries."""
        until = self._held_until(stop)
        if now >= until:
            with self._store.write() as work:
                if work.budgets.try_again(
                    self._system, stop.endpoint_class, stopped_before=now - (until - stop.since), now=now
                ):
                    self._stops[stop.endpoint_class] = replace(stop, since=now)
                    self._trying.add(stop.endpoint_class)
                    return
            until = now + _GOOD_FOR  # by then this process has read of the other's try
        raise Transient(
            f"{self._system} asked for no calls of this kind before {stop.until:%Y-%m-%d %H:%M:%S} UTC.",
            remedy=f"Lower {self._system}'s rate in the settings if it persists.",
            retry_after=until - now,
            counted=False,
        )

    def _held_until(self, stop: Stop) -> datetime:
        return stop.until if self._longest_stop is None else min(stop.until, stop.since + self._longest_stop)

    def _left(self) -> bool:
        with self._lock:
            return self._good(self._clock.now())

    def _good(self, now: datetime) -> bool:
        return self._tokens >= 1 and self._good_until is not None and now < self._good_until

    def _runs_out(self) -> bool:
        """Whether to fetch more tokens before these are used up: only for blocks that outlast the fetching."""
        if self._block < _LARGE_BLOCK:
            return False
        with self._lock:
            half_time = self._good_until is not None and self._clock.now() >= self._good_until - _GOOD_FOR / 2
            return half_time or self._tokens < self._block // 4

    def _refill(self, *, ahead: bool = False) -> None:
        """Fetch a block of tokens, or ``ahead`` of need what a block lacks. Raises ``Transient`` when there is none."""
        with self._lock:
            kept = self._tokens if ahead else 0
            known = dict(self._stops)
        wanted = max(1, self._block - kept)
        with self._store.write() as work:
            now = self._clock.now()
            had, wait = work.budgets.take(self._system, self._lane, wanted, self._allowance, now=now)
            stops = work.budgets.stops(now=now)
        with self._lock:
            set_meanwhile = {name: stop for name, stop in self._stops.items() if known.get(name) != stop}
            self._stops = {stop.endpoint_class: stop for stop in stops if stop.system == self._system} | set_meanwhile
            if had:
                self._tokens = had + (self._tokens if ahead else 0)
                self._good_until = now + _GOOD_FOR
            elif not ahead:
                self._tokens = 0
        if not had and not ahead:
            raise Transient(f"The rate budget for {self._system} is used up for now.", retry_after=wait, counted=False)


class WaitingRateLimiter:
    """A rate limiter that waits a bounded time for its turn: for reading snapshots.

    Once ``stopping`` is set it lets nothing through and nobody waits, so that reading ends with the call under way.
    """

    def __init__(
        self,
        rate_limiter: BudgetRateLimiter,
        *,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
        stopping: threading.Event | None = None,
    ) -> None:
        self._rate_limiter = rate_limiter
        self._longest_wait = longest_wait_seconds
        self._stopping = stopping or threading.Event()

    def take(self, endpoint_class: str) -> None:
        """Take one call of this class, waiting for it. Raises ``Transient``, at once, when that would take too long."""
        Retrying(
            retry=retry_if_exception_type(Transient),
            wait=_asked_wait,
            stop=stop_before_delay(self._longest_wait) | stop_when_event_set(self._stopping),
            sleep=sleep_using_event(self._stopping),
            reraise=True,
        )(self._take, endpoint_class)

    def _take(self, endpoint_class: str) -> None:
        if self._stopping.is_set():
            raise Transient("Provisor is stopping.", retry_after=timedelta(0), counted=False)
        self._rate_limiter.take(endpoint_class)

    def stop(self, endpoint_class: str, until: datetime) -> datetime:
        """Let no call of this class through before ``until``, in any process; when this lane may try again."""
        return self._rate_limiter.stop(endpoint_class, until)

    def answered(self, endpoint_class: str) -> None:
        """Note that the service answered a call of this class and asked for no stop."""
        self._rate_limiter.answered(endpoint_class)


def _asked_wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    wait = failure.retry_after if isinstance(failure, Transient) else None
    return max(0.001, wait.total_seconds()) if wait is not None else 0.05
