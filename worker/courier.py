"""Sending wake-ups through Celery."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from access.operations import Lane
from store.outbox import Topic, Wake
from worker.app import ANSWERS_WITHIN_SECONDS, task_name
from worker.queues import Queues

_log = structlog.get_logger(__name__)


class CeleryCourier:
    """Publishes wake-ups; remembers which the broker has, for the relay to forget them in the outbox.

    Made before the application, which needs the use-cases, which need a courier: ``attach`` closes the circle.
    """

    def __init__(self, queues: Queues) -> None:
        self._queue_names = {lane: queues.lane(lane).name for lane in Lane}
        self._app: Celery | None = None
        self._sent: deque[int] = deque()

    def attach(self, app: Celery) -> None:
        """Send through this application from now on."""
        self._app = app

    def send(self, wakes: Iterable[Wake]) -> None:
        """Hand wake-ups to the broker; one that cannot be reached now loses nothing, since the sweep looks anyway."""
        for wake in wakes:
            try:
                self._publish(wake.topic, wake.ref, wake.lane)
            except (OperationalError, OSError) as exc:
                _log.warning("broker.unreachable", topic=str(wake.topic), ref=wake.ref, why=str(exc))
                return
            if wake.id is not None:
                self._sent.append(wake.id)

    def sent(self) -> Sequence[int]:
        """The outbox ids sent since the last call."""
        return [self._sent.popleft() for _ in range(len(self._sent))]

    def _publish(self, topic: Topic, ref: str, lane: Lane) -> None:
        assert self._app is not None, "the courier is attached by the composition root"
        self._app.send_task(
            task_name(topic),
            args=(ref,),
            queue=self._queue_names[lane],
            ignore_result=True,
            confirm_timeout=ANSWERS_WITHIN_SECONDS,
        )
