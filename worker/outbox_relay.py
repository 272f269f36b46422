"""The relay: looks into the store at short intervals for what nobody has been woken for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic

import structlog

from access.clock import Clock
from store.unit_of_work import Store
from tasks.intake import DISPATCHED_FOR, Intake
from worker.publisher import CeleryPublisher

_log = structlog.get_logger(__name__)

#: A wake-up still in the outbox after this long was not sent by the process that wrote it.
_OWED_FOR = timedelta(seconds=3)

#: Rows of each kind taken in one sweep.
_SWEEP = 200

_JOIN_SECONDS = 5.0

#: Between two looks at the schedule of what is done at intervals of minutes and hours.
_PERIODIC_SECONDS = 5.0

#: Between two turns that fail.
_LONGEST_PAUSE_SECONDS = 5.0


class OutboxRelay:
    """A thread that drains the inbox, sends owed wake-ups, and sweeps what is due.

    ``sweeping=False`` only forgets sent wake-ups: for processes that leave the schedule to others. ``periodic`` is asked
    every few seconds whether something is to begin; each decides by the store, so that any number of relays may ask.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        publisher: CeleryPublisher,
        intake: Intake,
        *,
        poll: timedelta,
        dispatched_for: timedelta = DISPATCHED_FOR,
        sweeping: bool = True,
        periodic: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._periodic = periodic
        self._periodic_at = 0.0
        self._dispatched_for = dispatched_for
        self._store = store
        self._clock = clock
        self._publisher = publisher
        self._intake = intake
        self._poll = poll.total_seconds()
        self._sweeping = sweeping
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the turn under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_SECONDS)

    def turn(self) -> None:
        """Look once."""
        sent = self._publisher.sent()
        now = self._clock.now()
        if sent:
            with self._store.write() as work:
                work.outbox.forget(sent)
        if not self._sweeping:
            return
        self._begin_what_is_periodic()
        with self._store.read() as work:
            if not work.sweep.anything(now=now, owed_before=now - _OWED_FOR):
                return
        with self._store.write() as work:
            # Owed ones are forgotten in a later turn, once the broker has them.
            owed = work.outbox.unsent(before=now - _OWED_FOR, limit=_SWEEP)
            wake_ups = [*owed, *work.sweep.mark_due(now=now, dispatched_for=self._dispatched_for, limit=_SWEEP)]
        self._publisher.send(wake_ups)
        # Last, so that no message handed in keeps an expiry from being found.
        while self._intake.drain_inbox(_SWEEP) == _SWEEP:
            pass

    def _begin_what_is_periodic(self) -> None:
        if monotonic() < self._periodic_at:
            return
        self._periodic_at = monotonic() + _PERIODIC_SECONDS
        for begin in self._periodic:
            begin()

    def _run(self) -> None:
        pause = self._poll
        while not self._stop.wait(pause):
            try:
                self.turn()
                pause = self._poll
            except Exception:  # noqa: BLE001 - the loop outlives a database that is away
                # Each failure is told, more and more seldom.
                _log.exception("relay.turn_failed")
                pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)
