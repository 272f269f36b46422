"""Sending wake-ups through Celery."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from secrets import token_hex

import structlog
from celery import Celery
from kombu import Producer
from kombu.exceptions import OperationalError

from access.operations import Lane
from store.outbox import WakeUp
from worker.app import ANSWERS_WITHIN_SECONDS, RETRY_POLICY, task_name
from worker.queues import Queues

_log = structlog.get_logger(__name__)


class CeleryPublisher:
    """Publishes wake-ups; remembers which the broker has, for the relay to forget them in the outbox.

    Made before the application, which needs the use-cases, which need a publisher: ``attach`` closes the circle.
    """

    def __init__(self, queues: Queues) -> None:
        self._lanes = {lane: queues.lane(lane) for lane in Lane}
        self._app: Celery | None = None
        self._sent: deque[int] = deque()
        #: Lanes whose queue is known to be there.
        self._declared: set[Lane] = set()

    def attach(self, app: Celery) -> None:
        """Send through this application from now on."""
        self._app = app

    def send(self, wake_ups: Iterable[WakeUp]) -> None:
        """Hand wake-ups to the broker; one that cannot be reached now loses nothing, since the sweep looks anyway."""
        assert self._app is not None, "the publisher is attached by the composition root"
        wake_ups = list(wake_ups)
        if not wake_ups:
            return
        try:
            with self._app.producer_or_acquire() as producer:
                for wake_up in wake_ups:
                    self._publish(producer, wake_up)
                    if wake_up.id is not None:
                        self._sent.append(wake_up.id)
        except (OperationalError, OSError) as exc:
            self._declared.clear()
            _log.warning("broker.unreachable", wake_ups=len(wake_ups), why=str(exc))

    def sent(self) -> Sequence[int]:
        """The outbox ids sent since the last call."""
        return [self._sent.popleft() for _ in range(len(self._sent))]

    def _publish(self, producer: Producer, wake_up: WakeUp) -> None:
        """One message in the second version of Celery's protocol, with as much of it as its worker needs.

        ``send_task`` says more about a task than this one has to it, at three times the cost [measured].
        """
        number = token_hex(8)
        producer.publish(
            ([wake_up.ref], {}, {}),
            exchange="",
            routing_key=self._lanes[wake_up.lane].name,
            declare=() if wake_up.lane in self._declared else (self._lanes[wake_up.lane],),
            headers={"lang": "py", "task": task_name(wake_up.topic), "id": number, "root_id": number},
            correlation_id=number,
            serializer="json",
            delivery_mode=2,
            retry=True,
            retry_policy=RETRY_POLICY,
            confirm_timeout=ANSWERS_WITHIN_SECONDS,
        )
        self._declared.add(wake_up.lane)
