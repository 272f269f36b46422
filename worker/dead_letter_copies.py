"""Copies of dead letters on a queue, for people who watch queues."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable
from time import monotonic

import structlog
from kombu import Connection

from store.dead_letters import DeadLetter
from store.unit_of_work import Store
from worker.queues import Queues

_log = structlog.get_logger(__name__)

#: The most copies owed at once; a dead letter beyond these leaves only a log line.
_MOST = 1000
_JOIN_SECONDS = 1.0
_CONFIRM_SECONDS = 8


class DeadCopies:
    """Publishes a copy of each dead letter, on a thread and a connection of its own.

    RabbitMQ stops reading from who publishes while its memory is short: neither intake nor acknowledgements wait for that. The
    dead letter is in the store, so a copy that cannot be sent is only logged.
    """

    def __init__(self, store: Store, url: str, queues: Queues, *, timeout: int) -> None:
        self._store = store
        self._url = url
        self._queues = queues
        self._timeout = timeout
        self._owed: queue.Queue[int | None] = queue.Queue(_MOST)
        self._thread = threading.Thread(target=self._run, name="dead-copies", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End once what is owed is sent."""
        with contextlib.suppress(queue.Full):
            self._owed.put_nowait(None)

    def join(self, until: float) -> None:
        """Wait a short time for the end, and no longer than until a moment of the monotonic clock."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, min(_JOIN_SECONDS, until - monotonic())))

    def owe(self, numbers: Iterable[int]) -> None:
        """Have the dead letters with these numbers copied soon."""
        for number in numbers:
            try:
                self._owed.put_nowait(number)
            except queue.Full:
                _log.warning("dead_letter.not_copied", dead_letter=number, why="too many copies are owed")

    def _run(self) -> None:
        connection: Connection | None = None
        while (number := self._owed.get()) is not None:
            try:
                connection = connection or self._connected()
                self._publish(connection, number)
            except Exception as exc:  # noqa: BLE001 - a copy, of what is in the store
                _log.warning("dead_letter.not_copied", dead_letter=number, why=f"{type(exc).__name__}: {exc}")
                if connection is not None:
                    connection.collect()
                connection = None
        if connection is not None:
            connection.collect()

    def _connected(self) -> Connection:
        options = {"read_timeout": self._timeout, "write_timeout": self._timeout, "confirm_publish": True}
        if not self._queues.amqp:
            options = {"socket_connect_timeout": self._timeout, "socket_timeout": self._timeout}
        connection = Connection(self._url, connect_timeout=self._timeout, transport_options=options)
        connection.ensure_connection(max_retries=1, timeout=self._timeout)
        return connection

    def _publish(self, connection: Connection, number: int) -> None:
        with self._store.read() as work:
            letter = work.dead_letters.get(number)
        if letter is None:
            return
        with connection.Producer(serializer=None) as producer:
            producer.publish(
                letter.body,
                exchange="",
                routing_key=self._queues.dead.name,
                declare=[] if self._queues.amqp else [self._queues.dead],
                content_type=letter.content_type or "application/octet-stream",
                content_encoding="binary",
                headers=_headers(letter),
                delivery_mode=2,
                confirm_timeout=_CONFIRM_SECONDS,
            )


def _headers(letter: DeadLetter) -> dict[str, object]:
    """The reason is cut where a header frame would become too long."""
    return {
        "x-provisor-reason": (letter.reason or "")[:4000],
        "x-provisor-dead-letter": letter.id,
        "x-provisor-length": letter.length,
        "x-provisor-sha256": letter.sha256,
    }
