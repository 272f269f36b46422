"""Sends wake-ups through Celery."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from access.operations import Lane
from store.outbox import WakeUp
from worker.app import ANSWERS_WITHIN_SECONDS, task_name
from worker.queues import Queues

_log = structlog.get_logger(__name__)


class CeleryPublisher:
    """Publishes wake-ups, and remembers which ones the broker has: the outbox relay forgets these.

    The application needs the use-cases, and the use-cases need a publisher: so the publisher is made first, and ``attach``
    gives it the application.
    """

    def __init__(self, queues: Queues) -> None:
        self._queue_names = {lane: queues.lane(lane).name for lane in Lane}
        self._app: Celery | None = None
        self._sent: deque[int] = deque()

    def attach(self, app: Celery) -> None:
        """Send through this application from now on."""
        self._app = app

    def send(self, wake_ups: Iterable[WakeUp]) -> None:
        """Hand wake-ups to the broker. A broker that is away loses none: the sweep finds their rows."""
        assert self._app is not None, "the publisher is attached by the composition root"
        wake_ups = list(wake_ups)
        if not wake_ups:
            return
        try:
            with self._app.producer_or_acquire() as producer:
                for wake_up in wake_ups:
                    self._app.send_task(
                        task_name(wake_up.topic),
                        args=(wake_up.ref,),
                        queue=self._queue_names[wake_up.lane],
                        producer=producer,
                        confirm_timeout=ANSWERS_WITHIN_SECONDS,
                    )
                    if wake_up.id is not None:
                        self._sent.append(wake_up.id)
        except (OperationalError, OSError) as exc:
            _log.warning("broker.unreachable", wake_ups=len(wake_ups), why=str(exc))

    def sent(self) -> Sequence[int]:
        """The outbox ids of wake-ups sent since the last call."""
        return [self._sent.popleft() for _ in range(len(self._sent))]
