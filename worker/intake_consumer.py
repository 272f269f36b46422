"""The consumer of access requests inside the worker: plain kombu, no Celery protocol, so that any language can send.

Stored and committed first, acknowledged after. What is not accepted is committed as a dead letter, copied to the dead
queue for those who watch queues, and then acknowledged.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from celery import bootsteps
from kombu import Connection, Consumer, Message, Producer, Queue
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from store.unit_of_work import Unavailable
from tasks.intake import Arrival, Intake, Rejected, Taken
from worker.app import ANSWERS_WITHIN_SECONDS, RETRY_POLICY
from worker.queues import Queues

#: How long intake waits for a database that is away before it lets the worker end; the broker keeps what is unacknowledged.
_PATIENCE_SECONDS = 60.0


class IntakeConsumer:
    """Takes messages from the broker into the store: those that are there already together, in one commit."""

    def __init__(self, intake: Intake, queues: Queues, *, prefetch: int) -> None:
        self._intake = intake
        self._queues = queues
        self._prefetch = prefetch
        self._gathers = False
        self._waiting: list[Message] = []

    def consumers(self, channel: Any, *, gathers: bool) -> list[Consumer]:
        """Consumers of the intake queue and of what the broker returned.

        ``gathers`` is whether ``take_waiting`` will be called after messages came; else each is taken in as it comes.
        """
        self._gathers = gathers
        self._waiting = []  # What came over an earlier connection comes again.
        self._queues.dead.bind(channel).declare()
        return [
            self._consumer(channel, self._queues.intake, self._take),
            self._consumer(channel, self._queues.returned, self._take_returned),
        ]

    def _consumer(self, channel: Any, queue: Queue, take: Any) -> Consumer:
        # Undecoded: what is not JSON, or claims another content type, must reach us to be refused.
        return Consumer(channel, queues=[queue], on_message=take, prefetch_count=self._prefetch, auto_declare=True)

    def _take(self, message: Message) -> None:
        self._waiting.append(message)
        if not self._gathers:
            self._store_waiting()

    def take_waiting(self) -> None:
        """Take in what came, and what else the broker has sent by now: at most as much as it sends unacknowledged."""
        if not self._waiting:
            return
        channel: Any = self._waiting[0].channel
        while len(self._waiting) < self._prefetch and _delivers(channel.connection):
            pass
        self._store_waiting()

    def _store_waiting(self) -> None:
        messages, self._waiting = self._waiting, []
        arrivals = [Arrival(_bytes(message.body), message.content_type, "queue") for message in messages]
        for message, taken in zip(messages, self._take_patiently(arrivals), strict=True):
            if isinstance(taken, Rejected):
                self._copy_to_dead(message, taken.reason, taken.number)
            message.ack()

    def _take_patiently(self, arrivals: Sequence[Arrival]) -> Sequence[Taken]:
        retry_policy = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_delay(_PATIENCE_SECONDS),
            wait=wait_exponential(max=5),
            reraise=True,
        )
        return retry_policy(self._intake.take_all, arrivals)

    def _take_returned(self, message: Message) -> None:
        body, content_type = _bytes(message.body), message.content_type
        reason = "Workers ended while taking this message in, as often as the broker allows. Read their logs first."
        rejected = self._intake.reject(body, content_type=content_type, source="broker", reason=reason)
        self._copy_to_dead(message, rejected.reason, rejected.number)
        message.ack()

    def _copy_to_dead(self, message: Message, reason: str, number: int) -> None:
        channel: Any = message.channel
        Producer(channel).publish(
            _bytes(message.body),
            routing_key=self._queues.dead.name,
            exchange="",
            content_type=message.content_type or "application/octet-stream",
            content_encoding="binary",
            headers={"x-provisor-reason": reason, "x-provisor-dead-letter": number},
            delivery_mode=2,
            retry=True,
            retry_policy=RETRY_POLICY,
            confirm_timeout=ANSWERS_WITHIN_SECONDS,
        )


def intake_step(desk: IntakeConsumer, *, amqp: bool) -> type[bootsteps.ConsumerStep]:
    """The step that Celery's worker runs the desk in; ``amqp`` is whether the broker is RabbitMQ."""

    class IntakeStep(bootsteps.ConsumerStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, c: Any) -> None:
            self._gathers = amqp and c.hub is not None
            super().start(c)
            if self._gathers:
                # Called between two looks of the worker's loop at its connections; what it raises ends the loop.
                c.hub.on_tick.add(desk.take_waiting)

        def stop(self, c: Any) -> None:
            if c.hub is not None:
                c.hub.on_tick.discard(desk.take_waiting)
            super().stop(c)

        def get_consumers(self, channel: Any) -> list[Consumer]:
            return desk.consumers(channel, gathers=self._gathers)

    return IntakeStep


def _delivers(connection: Any) -> bool:
    """Have RabbitMQ's connection deliver one thing that is there already; whether there was one."""
    try:
        connection.drain_events(timeout=0)
    except TimeoutError:
        return False
    except OSError as exc:
        if exc.errno in (errno.EAGAIN, errno.EINTR):
            return False
        raise
    return True


def publish(connection: Connection, queues: Queues, bodies: Sequence[bytes]) -> None:
    """Put messages on the intake queue, as any producer would. Raises ``OperationalError`` and ``OSError``."""
    with connection.Producer(serializer=None) as producer:
        for body in bodies:
            producer.publish(
                body,
                exchange="",
                routing_key=queues.intake.name,
                declare=[queues.intake],
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=2,
                retry=True,
                retry_policy=RETRY_POLICY,
                confirm_timeout=ANSWERS_WITHIN_SECONDS,
            )


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
