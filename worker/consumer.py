"""Celery's consumer without what Provisor never uses, and ending when it is told to.

Nothing waits in the broker (docs/adr/0014), so the 28 quorum queues and their bindings that Celery makes for messages with
an ETA, wherever it sees quorum queues, would only cost a broker its file descriptors and a start its time.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import Any, ClassVar

from celery import bootsteps
from celery.worker.consumer import Consumer

_DELAYED_DELIVERY = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class LeanConsumer(Consumer):
    """A consumer that leaves no queues of its own behind, and does not part from a broker that no longer answers."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[valid-type,misc] # a class, which the stubs call a variable
        """The usual steps but one."""

        default_steps: ClassVar[list[str]] = [
            step for step in Consumer.Blueprint.default_steps if step != _DELAYED_DELIVERY
        ]

    def stop(self) -> None:
        """Stop taking messages.

        Parting takes half a dozen answers of the broker, and each would be waited for in vain from one that has fallen
        silent: it is asked once, and left without a word when it says nothing.
        """
        if self.connection is not None:
            _part_if_silent(self.connection)
        super().stop()


def _part_if_silent(connection: Any) -> None:
    if not connection.connected or connection.transport.driver_type != "amqp":
        return
    driver = connection.connection
    try:
        driver.channel().close()
    except connection.recoverable_connection_errors:
        driver.collect()  # Closes the socket, and whatever is asked after that fails at once.


class SignalsWake(bootsteps.StartStopStep):
    """Lets a signal end the wait for messages.

    The library's handler only sets a flag, which its loop looks at when a message or a timer comes: up to ten seconds later
    on a quiet RabbitMQ [measured], and Python goes on with an interrupted wait by itself (PEP 475). A descriptor that each
    signal makes readable is one more thing the loop waits for.
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
        """Have signals write to a descriptor, where the loop will wait in the main thread: the one that gets signals."""
        del parent
        if threading.current_thread() is not threading.main_thread():
            return
        _, writing = self._ends = socket.socketpair()
        for end in self._ends:
            end.settimeout(0)
        self._before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)

    def register_with_event_loop(self, parent: Any, hub: Any) -> None:
        """Have the loop wait for that descriptor too; it forgets its descriptors when a connection is lost."""
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
