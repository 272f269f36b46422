"""The consumer of access requests inside the worker: plain kombu without Celery's protocol, so that any language can send.

A message is stored and committed first, and acknowledged after. A refused message is committed as a dead letter, copied to
the dead queue for people who watch queues, and then acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from celery import bootsteps
from kombu import Connection, Consumer, Message, Producer, Queue

from store.unit_of_work import OtherRevision, Unavailable
from tasks.intake import Arrival, Intake, Rejected
from worker.app import ANSWERS_WITHIN_SECONDS, RETRY_POLICY
from worker.queues import Queues
from worker.revision_check import RevisionCheck

_log = structlog.get_logger(__name__)

_DIED_ON_IT = "Workers ended while taking this message in, as often as the broker allows. Read their logs first."

#: Waits between two tries while the database cannot take messages in.
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 5.0

#: Has a function called after so many seconds, by the thread that consumes.
CallLater = Callable[[float, Callable[[], None]], None]


class IntakeConsumer:
    """Takes messages from the broker into the store.

    Messages wait unacknowledged while the database cannot take them in. Meanwhile the thread goes on: heartbeats are
    answered, and signals end the process.
    """

    def __init__(self, intake: Intake, queues: Queues, revision_check: RevisionCheck, *, prefetch: int) -> None:
        self._intake = intake
        self._queues = queues
        self._revision_check = revision_check
        self._prefetch = prefetch
        self._call_later: CallLater | None = None
        self._arrived: list[Message] = []
        self._returned: list[Message] = []
        self._wait = 0.0

    def consumers(self, channel: Any, call_later: CallLater) -> list[Consumer]:
        """Consumers of the intake queue and of the returned messages."""
        self._call_later = call_later
        self._arrived, self._returned = [], []  # The broker delivers messages of an earlier connection again.
        self._wait = 0.0
        self._queues.dead.bind(channel).declare()
        return [
            self._consumer(channel, self._queues.intake, self._on_message),
            self._consumer(channel, self._queues.returned, self._on_returned),
        ]

    def _consumer(self, channel: Any, queue: Queue, on_message: Callable[[Message], None]) -> Consumer:
        # Undecoded: a message that is not JSON, or claims another content type, must reach us to be refused.
        return Consumer(
            channel, queues=[queue], on_message=on_message, prefetch_count=self._prefetch, auto_declare=True
        )

    def _on_message(self, message: Message) -> None:
        self._arrived.append(message)
        if not self._wait:
            self._take_waiting()

    def _on_returned(self, message: Message) -> None:
        self._returned.append(message)
        if not self._wait:
            self._take_waiting()

    def _take_waiting(self) -> None:
        if self._revision_check.failed:
            return  # The channel is closed soon, and the broker has the messages back.
        try:
            self._take_arrived()
            self._take_returned()
        except OtherRevision as found:
            self._revision_check.fail(found)
        except Unavailable as exc:
            self._wait = min(_LONGEST_WAIT_SECONDS, self._wait * 2 or _FIRST_WAIT_SECONDS)
            _log.warning("intake.postponed", messages=len(self._arrived) + len(self._returned), why=str(exc))
            assert self._call_later is not None, "messages come after consumers"
            self._call_later(self._wait, self._take_waiting)
        else:
            self._wait = 0.0

    def _take_arrived(self) -> None:
        if not self._arrived:
            return
        taken = self._intake.take_all(
            [Arrival(_bytes(message.body), message.content_type, "queue") for message in self._arrived]
        )
        messages, self._arrived = self._arrived, []
        for message, one in zip(messages, taken, strict=True):
            if isinstance(one, Rejected):
                self._copy_to_dead(message, one)
            message.ack()

    def _take_returned(self) -> None:
        while self._returned:
            message = self._returned[0]
            rejected = self._intake.bury(
                _bytes(message.body), content_type=message.content_type, source="broker", reason=_DIED_ON_IT
            )
            del self._returned[0]
            self._copy_to_dead(message, rejected)
            message.ack()

    def _copy_to_dead(self, message: Message, rejected: Rejected) -> None:
        channel: Any = message.channel
        Producer(channel).publish(
            _bytes(message.body),
            routing_key=self._queues.dead.name,
            exchange="",
            content_type=message.content_type or "application/octet-stream",
            content_encoding="binary",
            headers={"x-provisor-reason": rejected.reason, "x-provisor-dead-letter": rejected.number},
            delivery_mode=2,
            retry=True,
            retry_policy=RETRY_POLICY,
            confirm_timeout=ANSWERS_WITHIN_SECONDS,
        )


def intake_step(consumer: IntakeConsumer, revision_check: RevisionCheck) -> type[bootsteps.ConsumerStep]:
    """The step that Celery's worker runs the consumer in."""

    class IntakeStep(bootsteps.ConsumerStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def get_consumers(self, channel: Any) -> list[Consumer]:
            if revision_check.failed:
                return []
            return consumer.consumers(channel, self._call_later)

        def start(self, c: Any) -> None:
            self._parent = c
            super().start(c)

        def _call_later(self, seconds: float, function: Callable[[], None]) -> None:
            # Through call_soon: the thread that consumes makes the call, where Celery's timer has a thread of its own.
            self._parent.timer.call_after(seconds, self._parent.call_soon, (function,))

    return IntakeStep


def publish(connection: Connection, queues: Queues, bodies: Sequence[bytes]) -> None:
    """Put messages on the intake queue, as any producer would. Raises kombu's ``OperationalError``, and ``OSError``."""
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
