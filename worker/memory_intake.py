"""Messages from the queue in memory of the embedded default: only this process can have put them there."""

from __future__ import annotations

import contextlib
from typing import Any

from kombu import Connection

from access.sources import UNKNOWN
from tasks.incoming_message import Arrival, Body, storable
from worker.intake_sources import Batch
from worker.queues import Queues


class MemorySource:
    """The queue of this process's memory."""

    errors: tuple[type[Exception], ...] = ()

    def __init__(self, url: str, queues: Queues, *, most: int) -> None:
        self._url = url
        self._queues = queues
        self._most = most

    def open(self) -> MemorySession:
        """Begin to take messages."""
        return MemorySession(Connection(self._url), self._queues, most=self._most)


class MemorySession:
    """Messages in memory. What is not acknowledged goes back to the queue."""

    pause = 0.02

    def __init__(self, connection: Connection, queues: Queues, *, most: int) -> None:
        self._connection = connection
        self._channel: Any = connection.channel()
        self._queue = queues.intake.name
        self._most = most
        queues.intake.bind(self._channel).declare()

    def next_batch(self) -> Batch | None:
        """The messages that wait."""
        taken = self._waiting()
        if not taken:
            return None
        arrivals = [
            Arrival(Body.of(_bytes(message.body)), UNKNOWN, content_type=storable(message.content_type or ""))
            for message in taken
        ]
        return Batch(arrivals, taken)

    def keep_alive(self) -> None:
        """Do nothing: there is no broker that waits for it."""

    def acknowledge(self, batch: Batch) -> None:
        """Forget the messages."""
        for message in batch.handle:
            message.ack()

    def close(self) -> None:
        """Give back what is not acknowledged."""
        with contextlib.suppress(Exception):
            self._channel.qos.restore_unacked_once()
            self._connection.release()

    def _waiting(self) -> list[Any]:
        taken: list[Any] = []
        while len(taken) < self._most and (message := self._channel.basic_get(self._queue)) is not None:
            taken.append(message)
        return taken


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
