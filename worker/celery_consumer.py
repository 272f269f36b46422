"""Celery's consumer and three changes to it, each for a measured fault of Celery 5.7 (tests/worker/test_celery_internals.py).

Nothing waits in the broker (docs/adr/0014). Celery makes 28 quorum queues with their bindings for messages with an ETA,
wherever it sees quorum queues, and has no setting against it: they would cost a broker file descriptors, and a start time.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import structlog
from celery import bootsteps
from celery.worker.consumer import Consumer

from worker.revision_check import RevisionCheck

_BETWEEN_CONNECTIONS_SECONDS = 1.0

#: The same when the broker lets us in and refuses the virtual host: that is no matter of seconds.
_BETWEEN_REFUSALS_SECONDS = 3.0

#: A process that has to end has other things to wait for, too (``worker/process.py``).
_ANSWERS_AT_THE_END_WITHIN_SECONDS = 1.5

_log = structlog.get_logger(__name__)

_DELAYED_DELIVERY = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class LeanConsumer(Consumer):
    """A consumer without queues for delayed messages, which leaves a silent broker at once."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[valid-type,misc] # a class, which the stubs call a variable
        """The usual steps but one."""

        default_steps: ClassVar[list[str]] = [
            step for step in Consumer.Blueprint.default_steps if step != _DELAYED_DELIVERY
        ]

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Wait a second before the next connection: a broker that refuses each would be asked several times a second."""
        super().on_connection_error_after_connected(exc)
        threading.Event().wait(_BETWEEN_CONNECTIONS_SECONDS)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Wait longer where the broker refuses: Celery asks it five times a second."""
        super().on_connection_error_before_connected(exc)
        threading.Event().wait(_BETWEEN_REFUSALS_SECONDS)

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], None]:
        """Celery's function for each message, which drops what is no wake-up: the sweep finds the row of a lost one."""
        handle = super().create_task_handler(*arguments, **options)
        celery: Any = self
        passing = (*celery.connection_errors, *celery.channel_errors)

        def on_message(message: Any) -> None:
            try:
                handle(message)
            except passing:
                raise
            except Exception as exc:  # noqa: BLE001 - whatever lies on the queue
                self.on_decode_error(message, exc)

        return on_message

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Drop a message that is no wake-up. Its content is not logged: it may be anything."""
        _log.warning("wake_up.dropped", why=f"the message is no wake-up: {type(exc).__name__}")
        if not message.acknowledged:
            message.reject(requeue=False)

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """Drop a message that names no task."""
        del body
        self.on_decode_error(message, TypeError("no task"))

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Drop a message that names a task of others."""
        del body
        self.on_decode_error(message, exc)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Drop a message that Celery cannot read."""
        del body
        self.on_decode_error(message, exc)

    def stop(self) -> None:
        """Stop taking messages.

        Celery asks the broker half a dozen times while it stops, and waits for each answer. A broker that has fallen silent
        is asked once; when it does not answer soon, the connection is closed.
        """
        if self.connection is not None:
            _close_if_silent(self.connection)
        super().stop()


def _close_if_silent(connection: Any) -> None:
    if not connection.connected or connection.transport.driver_type != "amqp":
        return
    driver = connection.connection
    answered = threading.Event()

    def ask() -> None:
        with contextlib.suppress(Exception):  # the socket may be closed meanwhile
            driver.channel().close()
            answered.set()

    asking = threading.Thread(target=ask, name="ask-broker", daemon=True)
    asking.start()
    asking.join(_ANSWERS_AT_THE_END_WITHIN_SECONDS)
    if not answered.is_set():
        driver.collect()  # Closes the socket: every further question fails at once.


class PromptShutdown(bootsteps.StartStopStep):
    """Lets a signal end the wait for messages.

    Celery's handler of a signal sets a flag. The loop looks at the flag when a message or a timer comes: up to ten seconds
    later on a quiet RabbitMQ [measured], since Python resumes an interrupted wait (PEP 475). Here each signal makes a
    descriptor readable, and the loop waits for that descriptor too.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._ends: tuple[socket.socket, socket.socket] | None = None
        self._before = -1

    def include_if(self, parent: Any) -> bool:
        """Only where an event loop waits."""
        return parent.hub is not None

    def start(self, parent: Any) -> None:
        """Have signals write to the descriptor. Only the main thread may: it is the one that gets signals."""
        del parent
        if threading.current_thread() is not threading.main_thread():
            return
        _, writing = self._ends = socket.socketpair()
        for end in self._ends:
            end.settimeout(0)
        self._before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)

    def register_with_event_loop(self, parent: Any, hub: Any) -> None:
        """Have the loop wait for the descriptor; the loop forgets its descriptors when a connection is lost."""
        del parent
        if self._ends is not None:
            hub.add_reader(self._ends[0], self._read)

    def stop(self, parent: Any) -> None:
        """Leave signals as they were."""
        if self._ends is None:
            return
        signal.set_wakeup_fd(self._before)
        if parent.hub is not None:
            parent.hub.remove(self._ends[0])
        for end in self._ends:
            end.close()
        self._ends = None

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while self._ends is not None and self._ends[0].recv(64):
                pass


def stop_consuming_step(revision_check: RevisionCheck) -> type[bootsteps.StartStopStep]:
    """A step that cancels every consumer of messages when the revision check fails."""

    class StopConsuming(bootsteps.StartStopStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, parent: Any) -> None:
            revision_check.on_failure(lambda: parent.call_soon(_stop_consuming, parent))
            if revision_check.failed:
                _stop_consuming(parent)

    return StopConsuming


def _stop_consuming(consumer: Any) -> None:
    """Cancel all consumers; the broker hands to others what this process has not acknowledged."""
    for name in list(consumer.app.amqp.queues.consume_from):
        consumer.cancel_task_queue(name)
