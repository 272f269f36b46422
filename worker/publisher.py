"""Sends wake-ups through Celery."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

import structlog
from celery import Celery

from access.operations import Lane
from store.outbox import WakeUp
from worker.celery_app import ANSWERS_WITHIN_SECONDS, task_name
from worker.queues import Queues

_log = structlog.get_logger(__name__)

#: After a failed send nothing is sent for so long: the threads at work must not each wait for a silent broker.
_PAUSE_SECONDS = 3.0


class CeleryPublisher:
    """Publishes wake-ups, and remembers which ones the broker has: the outbox relay forgets these.

    The application needs the use-cases, and the use-cases need a publisher: so the publisher is made first, and ``attach``
    gives it the application, and what to do about wake-ups that could not be sent.
    """

    def __init__(self, queues: Queues) -> None:
        self._queue_names = {lane: queues.lane(lane).name for lane in Lane}
        self._app: Celery | None = None
        self._on_unsent: Callable[[Sequence[WakeUp]], None] = lambda _: None
        self._sent: deque[int] = deque()
        self._paused_until = 0.0

    def attach(self, app: Celery, *, on_unsent: Callable[[Sequence[WakeUp]], None] | None = None) -> None:
        """Send through this application from now on. ``on_unsent`` must not raise."""
        self._app = app
        self._on_unsent = on_unsent or self._on_unsent

    def send(self, wake_ups: Iterable[WakeUp]) -> None:
        """Hand wake-ups to the broker. A broker that is away loses none: their rows are given back, and found by a sweep."""
        waiting = deque(wake_ups)
        if waiting and monotonic() >= self._paused_until:
            try:
                self._send(waiting)
            except Exception as exc:  # noqa: BLE001 - transports raise errors of their own
                self._paused_until = monotonic() + _PAUSE_SECONDS
                _log.warning("broker.unreachable", wake_ups=len(waiting), why=str(exc))
        if waiting:
            self._on_unsent(list(waiting))

    def _send(self, waiting: deque[WakeUp]) -> None:
        """Send them one by one; those sent leave ``waiting``."""
        assert self._app is not None, "the publisher is attached by the composition root"
        with self._app.producer_or_acquire() as producer:
            while waiting:
                wake_up = waiting[0]
                self._app.send_task(
                    task_name(wake_up.topic),
                    args=(wake_up.ref,),
                    queue=self._queue_names[wake_up.lane],
                    producer=producer,
                    confirm_timeout=ANSWERS_WITHIN_SECONDS,
                )
                waiting.popleft()
                if wake_up.id is not None:
                    self._sent.append(wake_up.id)

    def sent(self) -> Sequence[int]:
        """The outbox ids of wake-ups sent since the last call."""
        return [self._sent.popleft() for _ in range(len(self._sent))]
