"""Messages from RabbitMQ. The queue has one active consumer among all processes, so that one process writes the order.

A process that is frozen loses its place after two heartbeats, and RabbitMQ hands what it held to the next.
"""

from __future__ import annotations

import contextlib
from collections import deque
from time import monotonic
from typing import Any

import structlog
from amqp.exceptions import AccessRefused, NotFound
from kombu import Connection

from access.sources import of_broker
from tasks.incoming_message import Arrival
from worker.amqp_frames import Delivery, raw_deliveries
from worker.intake_sources import BATCH_BYTES, IDLE_SECONDS, LINGER_SECONDS, Batch
from worker.queues import Queues

_log = structlog.get_logger(__name__)

_HEARTBEAT_SECONDS = 4

#: A message that was returned, and then delivered alone as often as this, is not read any more.
_MOST_TRIES_ALONE = 10

DIED_ON_IT = "Workers ended while taking this message in, as often as the broker allows. Read their logs first."

#: The tags of the consumers, each on a channel of its own.
_INTAKE, _RETURNED, _OLD_INTAKE, _OLD_RETURNED = "intake", "returned", "old-intake", "old-returned"
_ALONE = (_RETURNED, _OLD_RETURNED)
#: Begins the tags of those that take wake-ups of the version before.
_OLD_LANE = "old-lane-"

#: Between two looks whether the queues of the version before can be consumed.
_OLD_QUEUES_SECONDS = 5.0


class AmqpSource:
    """RabbitMQ. ``most`` messages at the most are held at once."""

    def __init__(self, url: str, queues: Queues, *, most: int, timeout: float) -> None:
        self._url = url
        self._queues = queues
        self._most = most
        self._timeout = timeout
        transport: Any = Connection(url).transport
        self.errors: tuple[type[Exception], ...] = (
            *transport.connection_errors,
            *transport.channel_errors,
            OSError,
        )

    def open(self) -> AmqpSession:
        """Connect, declare the queues, and consume."""
        session = AmqpSession(self._queues, most=self._most)
        connection = Connection(
            self._url,
            heartbeat=_HEARTBEAT_SECONDS,
            connect_timeout=self._timeout,
            transport_options={
                "frame_handler": raw_deliveries(session.deliver),
                "read_timeout": self._timeout,
                "write_timeout": self._timeout,
            },
        )
        try:
            session.begin(connection)
        except BaseException:
            session.close()
            raise
        return session


class AmqpSession:
    """One connection that consumes."""

    pause = 0.0

    def __init__(self, queues: Queues, *, most: int) -> None:
        self._queues = queues
        self._most = most
        self._driver: Any = None
        self._connection: Connection | None = None
        self._channels: dict[int, Any] = {}
        self._names: dict[int, str] = {}
        self._arrived: deque[Delivery] = deque()
        #: Whether the last batch had several messages.
        self._many = False
        self._old: dict[str, str] = dict(zip((_OLD_INTAKE, _OLD_RETURNED), queues.old, strict=True))
        self._old |= {_OLD_LANE + name: name for name in queues.old_lanes}
        self._old_at = 0.0

    def begin(self, connection: Connection) -> None:
        """Connect, declare the queues, and consume."""
        self._connection = connection
        connection.connect()
        self._driver = connection.connection
        channel = self._driver.channel()
        for queue in (self._queues.dead, self._queues.returned, self._queues.intake):
            queue.bind(channel).declare()
        channel.close()
        self._consume(self._queues.returned.name, _RETURNED, most=1)
        self._consume(self._queues.intake.name, _INTAKE, most=self._most)

    def deliver(self, delivery: Delivery) -> None:
        """Called with each message that has come."""
        if self._names[delivery.channel].startswith(_OLD_LANE):
            # A wake-up of the version before: the sweep finds its row.
            self._channels[delivery.channel].basic_ack(delivery.tag)
        else:
            self._arrived.append(delivery)

    def next_batch(self) -> Batch | None:
        """The next messages in their order; one that was returned is alone."""
        self._consume_old()
        if not self._arrived and not self._drain(IDLE_SECONDS):
            return None
        until = monotonic() + (LINGER_SECONDS if self._many else 0.0)
        while len(self._arrived) < self._most and self._held_bytes() < BATCH_BYTES:
            if not self._drain(until - monotonic()):
                break
        batch = self._batch()
        self._many = batch is not None and len(batch.arrivals) > 1
        return batch

    def keep_alive(self) -> None:
        """Send a heartbeat."""
        self._driver.send_heartbeat()

    def acknowledge(self, batch: Batch) -> None:
        """Acknowledge the last message and all before it on its channel."""
        last: Delivery = batch.handle
        self._channels[last.channel].basic_ack(last.tag, multiple=True)

    def close(self) -> None:
        """Close the connection; what is not acknowledged goes back to the queue."""
        if self._driver is not None:
            with contextlib.suppress(Exception):
                self._driver.close()
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.collect(socket_timeout=1)
        self._arrived.clear()

    def _consume(self, queue: str, name: str, *, most: int, exclusive: bool = False) -> None:
        channel = self._driver.channel()
        self._channels[channel.channel_id], self._names[channel.channel_id] = channel, name
        channel.basic_qos(0, most, a_global=False)
        channel.basic_consume(queue, consumer_tag=name, exclusive=exclusive)

    def _consume_old(self) -> None:
        """Consume the queues of the version before, as the only one: while its processes live, they consume them."""
        if not self._old or monotonic() < self._old_at:
            return
        self._old_at = monotonic() + _OLD_QUEUES_SECONDS
        for name, queue in list(self._old.items()):
            try:
                self._consume(queue, name, most=1 if name in _ALONE else self._most, exclusive=True)
                _log.info("intake.old_queue", queue=queue, why="messages are taken from it as long as it is there")
            except NotFound:
                pass  # There was no version before.
            except AccessRefused:
                continue  # Another process consumes it. Look again later.
            del self._old[name]

    def _drain(self, seconds: float) -> bool:
        """Read until something has come; whether it did within this time."""
        try:
            self._driver.drain_events(timeout=max(seconds, 0.001))
        except TimeoutError:
            return False
        finally:
            self._driver.heartbeat_tick()
        return True

    def _held_bytes(self) -> int:
        return sum(delivery.held_bytes for delivery in self._arrived)

    def _batch(self) -> Batch | None:
        taken: list[Delivery] = []
        while self._arrived and (not taken or self._goes_with(taken[-1], self._arrived[0])):
            taken.append(self._arrived.popleft())
        if not taken:
            return None  # What came was no message.
        return Batch([self._arrival(delivery) for delivery in taken], taken[-1])

    def _goes_with(self, one: Delivery, following: Delivery) -> bool:
        return one.channel == following.channel and self._names[one.channel] not in _ALONE

    def _arrival(self, delivery: Delivery) -> Arrival:
        name = self._names[delivery.channel]
        deadly = name in _ALONE and delivery.delivered_in_vain >= _MOST_TRIES_ALONE
        return Arrival(
            delivery.body(),
            # A message that was returned came through our own queue, which says nothing of who published it.
            of_broker(delivery.user_id, "" if name in _ALONE else delivery.exchange),
            content_type=delivery.content_type,
            properties=delivery.properties,
            problem=DIED_ON_IT if deadly else None,
            again=delivery.redelivered or name in _ALONE,
        )
