"""A worker in a thread of this process: for the demonstration, for tests and for benchmarks.

Celery's own ``celery.contrib.testing.worker.start_worker`` does not serve: it ends a worker by ``should_terminate``, which
leaves the pool's threads at work on a store that is being closed [Celery 5.7].
"""

from __future__ import annotations

import threading
from typing import Any

import structlog
from celery import bootsteps
from celery.worker import WorkController, state

from access.operations import Lane
from demo.patience import Patience
from store.outbox import Topic, WakeUp
from worker.process import WorkerProcess, announce, worker_options

_log = structlog.get_logger(__name__)

#: In seconds of a quiet machine.
_START_SECONDS = 15.0
_STOP_SECONDS = 15.0

_LOOK_SECONDS = 1.0


class WorkerThread:
    """One worker in a thread. Only one at a time: Celery's threads find the tasks of the process's default application."""

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self._ready = threading.Event()
        process.app.steps["consumer"].add(_ready_step(self._ready))
        options = worker_options(process.provisor.settings)
        self._controller = WorkController(app=process.app, pool="threads", **options)
        self._thread = threading.Thread(target=self._controller.start, name="worker", daemon=True)

    def start(self) -> None:
        """Start, and wait until the worker takes messages. Raises ``TimeoutError``."""
        self._process.app.set_default()
        announce(self._process)
        self._thread.start()
        patience = Patience(_START_SECONDS)
        while not self._ready.wait(_LOOK_SECONDS):
            if not patience.lasts():
                raise TimeoutError("The worker did not start in time. Look at its log.")

    def stop(self) -> None:
        """Stop, once the work under way is finished."""
        if not self._thread.is_alive():
            return
        state.should_stop = 0  # type: ignore[assignment] # the stubs know only None
        # The worker looks at the switch after each message, or every two seconds: a wake-up for no row is a message.
        self._process.publisher.send([WakeUp(Topic.TICKETS, "", Lane.TICKET)])
        try:
            patience = Patience(_STOP_SECONDS)
            while self._thread.is_alive() and patience.lasts():
                self._thread.join(_LOOK_SECONDS)
        finally:
            state.should_stop = None
        if self._thread.is_alive():
            _log.error("worker.did_not_stop", why="work is still under way; its leases will run out")


def _ready_step(ready: threading.Event) -> type[bootsteps.StartStopStep]:
    class ReadyStep(bootsteps.StartStopStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, parent: Any) -> None:
            del parent
            ready.set()

    return ReadyStep
