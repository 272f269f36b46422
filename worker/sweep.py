"""The sweep: finds due work in the store, whatever became of its wake-up."""

from __future__ import annotations

from datetime import timedelta

from access.clock import Clock
from store.unit_of_work import Store
from tasks.intake import Intake
from tasks.publisher import Publisher

#: Rows of each kind, and messages of the inbox, in one transaction.
_BATCH = 200


class Sweep:
    """Wakes workers up for due rows, and takes in the messages that were handed in through the store."""

    def __init__(
        self, store: Store, clock: Clock, publisher: Publisher, intake: Intake, *, dispatched_for: timedelta
    ) -> None:
        self._store = store
        self._clock = clock
        self._publisher = publisher
        self._intake = intake
        self._dispatched_for = dispatched_for

    def turn(self) -> None:
        """Sweep once. The inbox comes last: no message keeps an expiry from being found."""
        with self._store.write() as work:
            wake_ups = work.sweep.mark_due(now=self._clock.now(), dispatched_for=self._dispatched_for, limit=_BATCH)
        self._publisher.send(wake_ups)
        while self._intake.drain_inbox(_BATCH) == _BATCH:
            pass
