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
from kombu.exceptions import OperationalError

from store.unit_of_work import OtherRevision, Unavailable
from tasks.intake import Arrival, Intake, Rejected
from worker.app import ANSWERS_WITHIN_SECONDS, RETRY_POLICY
from worker.queues import Queues
from worker.revision_check import RevisionCheck

_log = structlog.get_logger(__name__)

_DIED_ON_IT = "Workers ended while taking this message in, as often as the broker allows. Read their logs first."

#: Messages that come within this time of the first are stored in one commit. A commit for each would make a worker on
#: PostgreSQL and RabbitMQ three times slower, since the thread that consumes waits for each [measured].
_LINGER_SECONDS = 0.005

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
        self._lingers = False
        self._arrived: list[Message] = []
        self._returned: list[Message] = []
        self._scheduled = False
        self._wait = 0.0

    def consumers(self, channel: Any, call_later: CallLater, *, lingers: bool) -> list[Consumer]:
        """Consumers of the intake queue and of the returned messages.

        ``lingers`` gathers messages for one commit; without it each is stored as it comes.
        """
        self._call_later, self._lingers = call_later, lingers
        self._arrived, self._returned = [], []  # The broker delivers messages of an earlier connection again.
        self._scheduled, self._wait = False, 0.0
        self._queues.dead.bind(channel).declare()
        return [
            self._consumer(channel, self._queues.intake, self._arrived),
            self._consumer(channel, self._queues.returned, self._returned),
        ]

    def _consumer(self, channel: Any, queue: Queue, waiting: list[Message]) -> Consumer:
        def on_message(message: Message) -> None:
            waiting.append(message)
            if self._scheduled:
                return
            if self._lingers:
                self._schedule(_LINGER_SECONDS)
            else:
                self._take_waiting()

        # Undecoded: a message that is not JSON, or claims another content type, must reach us to be refused.
        return Consumer(
            channel, queues=[queue], on_message=on_message, prefetch_count=self._prefetch, auto_declare=True
        )

    def _schedule(self, seconds: float) -> None:
        assert self._call_later is not None, "messages come after consumers"
        self._scheduled = True
        self._call_later(seconds, self._take_waiting)

    def _take_waiting(self) -> None:
        self._scheduled = False
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
            self._schedule(self._wait)
        else:
            self._wait = 0.0

    def _take_arrived(self) -> None:
        if not self._arrived:
            return
        taken = self._intake.take_all(
            [Arrival(_bytes(message.body), message.content_type, "queue") for message in self._arrived]
        )
        messages = self._arrived[:]
        self._arrived.clear()
        for message, one in zip(messages, taken, strict=True):
            if isinstance(one, Rejected):
                self._copy_to_dead(message, one)
            message.ack()

    def _take_returned(self) -> None:
        while self._returned:
            message = self._returned[0]
            rejected = self._intake.reject(
                _bytes(message.body), content_type=message.content_type, source="broker", reason=_DIED_ON_IT
            )
            del self._returned[0]
            self._copy_to_dead(message, rejected)
            message.ack()

    def _copy_to_dead(self, message: Message, rejected: Rejected) -> None:
        """A copy that the broker refuses is only logged: the dead letter is in the store."""
        channel: Any = message.channel
        try:
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
        except OperationalError as exc:
            _log.warning("dead_letter.not_copied", dead_letter=rejected.number, why=str(exc))


def intake_step(consumer: IntakeConsumer, revision_check: RevisionCheck) -> type[bootsteps.ConsumerStep]:
    """The step that Celery's worker runs the consumer in."""

    class IntakeStep(bootsteps.ConsumerStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def get_consumers(self, channel: Any) -> list[Consumer]:
            if revision_check.failed:
                return []
            return consumer.consumers(channel, self._call_later, lingers=self._parent.hub is not None)

        def start(self, c: Any) -> None:
            self._parent = c
            super().start(c)

        def _call_later(self, seconds: float, function: Callable[[], None]) -> None:
            timer, call_soon = self._parent.timer, self._parent.call_soon
            if self._parent.hub is not None:
                timer.call_after(seconds, function)  # By the loop itself, between two looks at its connections.
            else:
                timer.call_after(seconds, call_soon, (function,))  # That timer is a thread, and does not consume.

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
