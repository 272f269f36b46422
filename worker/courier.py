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
from store.outbox import Wake
from worker.app import ANSWERS_WITHIN_SECONDS, RETRY_POLICY, task_name
from worker.queues import Queues

_log = structlog.get_logger(__name__)


class CeleryCourier:
    """Publishes wake-ups; remembers which the broker has, for the relay to forget them in the outbox.

    Made before the application, which needs the use-cases, which need a courier: ``attach`` closes the circle.
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

    def send(self, wakes: Iterable[Wake]) -> None:
        """Hand wake-ups to the broker; one that cannot be reached now loses nothing, since the sweep looks anyway."""
        assert self._app is not None, "the courier is attached by the composition root"
        wakes = list(wakes)
        if not wakes:
            return
        try:
            with self._app.producer_or_acquire() as producer:
                for wake in wakes:
                    self._publish(producer, wake)
                    if wake.id is not None:
                        self._sent.append(wake.id)
        except (OperationalError, OSError) as exc:
            self._declared.clear()
            _log.warning("broker.unreachable", wakes=len(wakes), why=str(exc))

    def sent(self) -> Sequence[int]:
        """The outbox ids sent since the last call."""
        return [self._sent.popleft() for _ in range(len(self._sent))]

    def _publish(self, producer: Producer, wake: Wake) -> None:
        """One message in the second version of Celery's protocol, with as much of it as its worker needs.

        ``send_task`` says more about a task than this one has to it, at three times the cost [measured].
        """
        number = token_hex(8)
        producer.publish(
            ([wake.ref], {}, {}),
            exchange="",
            routing_key=self._lanes[wake.lane].name,
            declare=() if wake.lane in self._declared else (self._lanes[wake.lane],),
            headers={"lang": "py", "task": task_name(wake.topic), "id": number, "root_id": number},
            correlation_id=number,
            serializer="json",
            delivery_mode=2,
            retry=True,
            retry_policy=RETRY_POLICY,
            confirm_timeout=ANSWERS_WITHIN_SECONDS,
        )
        self._declared.add(wake.lane)
