"""The scheduler: a thread that looks at short intervals for what was handed in, and begins what is periodic.

The scheduler may have to wait for the broker. Due work is found by the dispatcher, which never does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic

from access.clock import Clock
from store.unit_of_work import Store
from tasks.intake import Intake
from worker.clock_check import ClockCheck
from worker.outbox_relay import OWED_FOR, OutboxRelay
from worker.polling import QUIET_AFTER, QUIET_POLLS, PollingTurns
from worker.revision_check import RevisionCheck

#: Between two calls of what is periodic.
_PERIODIC_SECONDS = 5.0

#: Messages of the inbox in one transaction.
_BATCH = 200


class Scheduler:
    """Runs the outbox relay, drains the inbox, and checks the revision of the store.

    ``intake=None`` is for processes that leave that to others: they forget the wake-ups they sent, and check the revision.
    Each function of ``periodic`` is called every few seconds and decides by the store
    whether something begins, so any number of schedulers may run.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        relay: OutboxRelay,
        intake: Intake | None,
        revision_check: RevisionCheck,
        *,
        clock_check: ClockCheck | None,
        poll: timedelta,
        periodic: Sequence[Callable[[], object]] = (),
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._relay = relay
        self._intake = intake
        self._revision_check = revision_check
        self._clock_check = clock_check
        self._poll = poll
        self._periodic = periodic
        self._turns = PollingTurns(revision_check, poll, beat=beat)
        self._periodic_at = self._busy_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the turn under way."""
        self._stop.set()

    def join(self, until: float) -> None:
        """Wait for the turn under way until a moment of the monotonic clock: a turn may wait for a server that is silent."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, until - monotonic()))

    def turn(self) -> None:
        """Look once. Raises ``Unavailable``."""
        if self._clock_check is not None:
            self._clock_check.turn()
        self._relay.forget_sent()
        with self._store.read() as work:
            work.require_own_revision()
            found = self._intake is not None and work.sweep.handed_in(owed_before=self._clock.now() - OWED_FOR)
        if self._intake is None:
            return
        self._call_periodic()
        if found:
            self._busy_at = monotonic()
            self._relay.send_owed()
            while self._intake.drain_inbox(_BATCH) == _BATCH:
                pass

    def _call_periodic(self) -> None:
        if monotonic() < self._periodic_at:
            return
        self._periodic_at = monotonic() + _PERIODIC_SECONDS
        for begin in self._periodic:
            begin()

    def _run(self) -> None:
        poll = pause = self._poll.total_seconds()
        while not self._revision_check.failed and not self._stop.wait(pause):
            quiet = monotonic() - self._busy_at > QUIET_AFTER * poll
            pause = self._turns.carry_out(self.turn) or (QUIET_POLLS * poll if quiet else poll)
