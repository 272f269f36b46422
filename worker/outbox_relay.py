"""The outbox relay: sends wake-ups that the process which wrote them did not send."""

from __future__ import annotations

from datetime import timedelta

from access.clock import Clock
from store.unit_of_work import Store
from worker.publisher import CeleryPublisher

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
