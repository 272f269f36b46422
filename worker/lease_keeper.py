"""Keeps the leases of what this process works on, so that they can be short: what a dead process held is soon free.

The thread of the keeper lives and stops with the process: one that is killed, paused or cut off from the database keeps nothing.
A job that hangs within a living process is kept for a bounded time only (``Dispatcher.under_way``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic

from access.clock import Clock
from store.outbox import Topic
from store.unit_of_work import Store
from worker.polling import PollingTurns
from worker.revision_check import RevisionCheck

#: How often a lease is renewed while it lasts.
_TIMES = 3


class LeaseKeeper:
    """Renews the marks and leases of the rows that ``under_way`` names, each for ``lease`` from now."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        revision_check: RevisionCheck,
        *,
        under_way: Callable[[], Sequence[tuple[Topic, str]]],
        lease: timedelta,
    ) -> None:
        self._store = store
        self._clock = clock
        self._under_way = under_way
        self._lease = lease
        self._pause = lease / _TIMES
        self._revision_check = revision_check
        self._turns = PollingTurns(revision_check, self._pause)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Keep on while work is under way: ``join`` ends it, after the parts that work."""

    def join(self, until: float) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(max(0.0, until - monotonic()))

    def turn(self) -> None:
        """Renew once. Raises ``Unavailable``."""
        rows = self._under_way()
        if rows:
            with self._store.write() as work:
                now = self._clock.now()
                work.sweep.keep(rows, now=now, until=now + self._lease)

    def _run(self) -> None:
        while not self._stop.wait(self._pause.total_seconds()) and not self._revision_check.failed:
            self._turns.carry_out(self.turn)
