"""The outbox relay: sends wake-ups that the process which wrote them did not send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from access.clock import Clock
from store.outbox import WakeUp
from store.unit_of_work import Store, Unavailable
from worker.publisher import CeleryPublisher

_log = structlog.get_logger(__name__)

#: A wake-up still in the outbox after this long was not sent by the process that wrote it.
OWED_FOR = timedelta(seconds=3)

#: Wake-ups sent in one turn.
_BATCH = 200


class OutboxRelay:
    """Keeps the outbox short."""

    def __init__(self, store: Store, clock: Clock, publisher: CeleryPublisher) -> None:
        self._store = store
        self._clock = clock
        self._publisher = publisher

    def forget_sent(self) -> None:
        """Delete the wake-ups that the broker has from the outbox."""
        sent = self._publisher.sent()
        if sent:
            with self._store.write() as work:
                work.outbox.forget(sent)

    def send_owed(self) -> None:
        """Send the wake-ups that are owed; a later ``forget_sent`` deletes them."""
        with self._store.read() as work:
            owed = work.outbox.unsent(before=self._clock.now() - OWED_FOR, limit=_BATCH)
        self._publisher.send(owed)

    def give_back(self, wake_ups: Sequence[WakeUp]) -> None:
        """Take the marks of rows back whose wake-ups could not be sent, so that a sweep finds them at once."""
        try:
            with self._store.write() as work:
                work.sweep.release([(each.topic, each.ref) for each in wake_ups])
        except Unavailable as exc:
            _log.warning("outbox.postponed", why=str(exc))
