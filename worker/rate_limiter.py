"""The rate limiters in front of the shared budget, one for each lane of each system.

Each process takes tokens in small blocks and hands them to its threads, so that a call does not cost a transaction of its
own. A limiter never sleeps for fulfilment: it says when to come back.

A piece of work is let in as a whole: it takes tokens for all its calls before the first, and what it needs besides it may owe.
Put off between two calls it would begin anew each time, and at a small rate never end.

Reading snapshots makes thousands of calls one after the other; there, and only there, the limiter waits a bounded time, since
a half-read list cannot be put back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
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
from store.rate_budgets import Allowance, Stop, capacity
from store.unit_of_work import Store, UnitOfWork

_log = structlog.get_logger(__name__)

#: The share of a second's tokens that one process takes at once.
_BLOCK_SECONDS = 0.2

#: From this size on a block lasts longer than the store takes to give the next one, so it can be fetched ahead.
_LARGE_BLOCK = 20

#: How long tokens may be used after they were fetched. A process never holds more than one block of them.
_GOOD_FOR = timedelta(seconds=1)

#: How long reading waits for its turn before it puts its work back.
_LONGEST_WAIT_SECONDS = 30.0


#: The classes of endpoint that share one limit of the service; what meters others apart says nothing about all.
_METERED_TOGETHER = frozenset({"read", "write"})

#: The share of itself that the rate falls to when the service refuses calls, and when it shows that little room is left.
_FALLS_TO, _EASES_TO = 0.5, 0.8

#: The tokens that a piece of work takes before its first call: to plan a request and carry it out. A removal that a claim's end
#: brings about reads what its thing is at the most, writes, and reads back.
_CALLS_OF_A_PIECE, _CALLS_OF_A_REMOVAL = 5, 3

#: The calls besides that a piece of work may owe; one that makes more goes on like any other caller.
_MOST_OWED = 20


@dataclass
class _Piece:
    """What a piece of work has of each limiter that it called: tokens, and how many it owes."""

    tokens: dict[BudgetRateLimiter, int] = field(default_factory=dict)
    owed: int = 0


_pieces = threading.local()


def as_a_whole(work: Callable[[str], None]) -> Callable[[str], None]:
    """``work`` on a row, let in by the rate limiters as a whole: its calls are not put off one by one."""

    def whole(ref: str) -> None:
        piece = _pieces.current = _Piece()
        try:
            work(ref)
        finally:
            _pieces.current = None
            for limiter, tokens in piece.tokens.items():
                limiter.give_back(tokens)

    return whole


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
        calls = _CALLS_OF_A_REMOVAL if lane is Lane.REVOKE else _CALLS_OF_A_PIECE
        self._piece = min(calls, capacity(lane, allowance))
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
        piece: _Piece | None = getattr(_pieces, "current", None)
        if piece is not None and self._take_in(piece, endpoint_class):
            return
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
                if endpoint_class in _METERED_TOGETHER:
                    self._fall(work, _FALLS_TO, now)
            known = self._stops.get(endpoint_class)
            stop = Stop(self._system, endpoint_class, now, until if known is None else max(until, known.until))
            self._stops[endpoint_class] = stop
            self._trying.discard(endpoint_class)
            return self._held_until(stop)

    def answered(self, endpoint_class: str, *, room: bool = True) -> None:
        """End the stop of a class when the call that tried in spite of the stop was answered; without room go slower."""
        if not room:
            with self._store.write() as work:
                self._fall(work, _EASES_TO, self._clock.now())
        if endpoint_class not in self._trying:
            return
        with self._lock:
            self._trying.discard(endpoint_class)
            self._stops.pop(endpoint_class, None)
            with self._store.write() as work:
                work.budgets.lift(self._system, endpoint_class)

    def _fall(self, work: UnitOfWork, to: float, now: datetime) -> None:
        rate = work.budgets.fall(self._system, self._allowance, to=to, now=now)
        if rate is not None:
            _log.warning("budget.lowered", system=self._system, rate=round(rate, 2))

    def give_back(self, tokens: int) -> None:
        """Take tokens back that a piece of work did not use."""
        if tokens <= 0:
            return
        with self._lock:
            now = self._clock.now()
            if self._good(now) and self._tokens + tokens <= self._block:
                self._tokens += tokens
                return
        with self._store.write() as work:
            work.budgets.change(self._system, by=tokens)

    def _take_in(self, piece: _Piece, endpoint_class: str) -> bool:
        """Take one call for a piece of work from what it has or may owe; False when it has to ask like any other caller."""
        if self not in piece.tokens:
            piece.tokens[self] = self._let_in()
        self._keep_stop(endpoint_class)
        if piece.tokens[self] > 0:
            piece.tokens[self] -= 1
            return True
        if piece.owed >= _MOST_OWED:
            return False
        piece.owed += 1
        with self._store.write() as work:
            work.budgets.change(self._system, by=-1)
        return True

    def _let_in(self) -> int:
        """Take the tokens of a piece of work. Raises ``Transient`` when there are not as many."""
        with self._refilling:
            while True:
                with self._lock:
                    if self._good(self._clock.now()) and self._tokens >= self._piece:
                        self._tokens -= self._piece
                        return self._piece
                self._refill(at_least=self._piece)

    def _keep_stop(self, endpoint_class: str) -> None:
        """Raise ``Transient`` while the service asked for no calls of this class."""
        with self._lock:
            now = self._clock.now()
            stop = self._stops.get(endpoint_class)
            if stop is not None and now < stop.until:
                self._try_in_spite_of(stop, now)

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

    def _refill(self, *, ahead: bool = False, at_least: int = 1) -> None:
        """Fetch a block of tokens, or ``ahead`` of need what a block lacks.

        Raises ``Transient`` when there are none, or not ``at_least`` as many with those at hand.
        """
        with self._lock:
            kept = self._tokens if ahead or (at_least > 1 and self._good(self._clock.now())) else 0
            known = dict(self._stops)
        wanted = max(1, max(self._block, at_least) - kept)
        with self._store.write() as work:
            now = self._clock.now()
            had, wait = work.budgets.take(
                self._system, self._lane, wanted, self._allowance, now=now, at_least=at_least - kept
            )
            stops = work.budgets.stops(now=now)
        with self._lock:
            set_meanwhile = {name: stop for name, stop in self._stops.items() if known.get(name) != stop}
            self._stops = {stop.endpoint_class: stop for stop in stops if stop.system == self._system} | set_meanwhile
            if had:
                # Others may have used what was kept in the meantime.
                self._tokens = had + (self._tokens if kept else 0)
                self._good_until = now + _GOOD_FOR
            elif not ahead and not kept:
                self._tokens = 0
        if not had and not ahead:
            raise Transient(f"The rate budget for {self._system} is used up for now.", retry_after=wait, counted=False)


def removals_let_in(store: Store, clock: Clock, allowances: Mapping[str, Allowance]) -> Callable[[str], int | None]:
    """How many pieces of work that take access away a system's budget would let in now; None where it has no budget.

    Work that is begun without tokens is put off, and comes back in any order: begun when there are tokens, it keeps its own.
    """

    def let_in(system: str) -> int | None:
        allowance = allowances.get(system)
        if allowance is None:
            return None
        with store.read() as work:
            return work.budgets.pieces(system, Lane.REVOKE, allowance, calls=_CALLS_OF_A_REMOVAL, now=clock.now())

    return let_in


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

    def answered(self, endpoint_class: str, *, room: bool = True) -> None:
        """Note that the service answered a call of this class and asked for no stop."""
        self._rate_limiter.answered(endpoint_class, room=room)


def _asked_wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    wait = failure.retry_after if isinstance(failure, Transient) else None
    return max(0.001, wait.total_seconds()) if wait is not None else 0.05
