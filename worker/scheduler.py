"""The scheduler: a thread that looks into the store at short intervals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic

import structlog

from access.clock import Clock
from store.unit_of_work import OtherRevision, Store, Unavailable
from worker.outbox_relay import OWED_FOR, OutboxRelay
from worker.revision_check import RevisionCheck
from worker.sweep import Sweep

_log = structlog.get_logger(__name__)

_JOIN_SECONDS = 5.0

#: Between two calls of what is periodic.
_PERIODIC_SECONDS = 5.0

#: The longest pause between two turns that fail.
_LONGEST_PAUSE_SECONDS = 5.0


class Scheduler:
    """Runs the outbox relay and the sweep, and checks the revision of the store.

    ``sweep=None`` is for processes that leave due work to others: they forget the wake-ups they sent, and check the
    revision. Each function of ``periodic`` is called every few seconds and decides by the store whether something begins, so
    any number of schedulers may run.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        relay: OutboxRelay,
        sweep: Sweep | None,
        revision_check: RevisionCheck,
        *,
        poll: timedelta,
        periodic: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._relay = relay
        self._sweep = sweep
        self._revision_check = revision_check
        self._poll = poll.total_seconds()
        self._periodic = periodic
        self._periodic_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the turn under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_SECONDS)

    def turn(self) -> None:
        """Look once. Raises ``Unavailable``."""
        self._relay.forget_sent()
        now = self._clock.now()
        with self._store.read() as work:
            work.require_own_revision()
            found = self._sweep is not None and work.sweep.anything(now=now, owed_before=now - OWED_FOR)
        if self._sweep is None:
            return
        self._call_periodic()
        if found:
            self._relay.send_owed()
            self._sweep.turn()

    def _call_periodic(self) -> None:
        if monotonic() < self._periodic_at:
            return
        self._periodic_at = monotonic() + _PERIODIC_SECONDS
        for begin in self._periodic:
            begin()

    def _run(self) -> None:
        pause = self._poll
        while not self._revision_check.failed and not self._stop.wait(pause):
            try:
                self.turn()
                pause = self._poll
            except OtherRevision as found:
                self._revision_check.fail(found)
            except Exception as exc:  # noqa: BLE001 - the thread outlives every fault of a turn
                # Longer pauses, so that the log does not fill.
                pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)
                if isinstance(exc, Unavailable):
                    _log.warning("sweep.postponed", why=str(exc))
                else:
                    _log.exception("sweep.error")
