"""The intake: takes access requests from the broker into the store, on a thread and a connection of its own.

A message is stored and committed first, and taken from the broker after. The thread that talks with the broker never waits for
the database: another stores, while this one says that the process lives. While the database is away nothing is held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from time import monotonic
from typing import Any, TypeVar

import structlog
from kombu import Connection

from store.unit_of_work import OtherRevision, Unavailable
from tasks.intake import Intake, Rejected, Taken
from worker.celery_app import ANSWERS_WITHIN_SECONDS, RETRY_POLICY
from worker.dead_letter_copies import DeadCopies
from worker.intake_sources import Batch, Session, Source
from worker.queues import Queues
from worker.revision_check import RevisionCheck

T = TypeVar("T")

_log = structlog.get_logger(__name__)

#: Waits between two looks at a database that is away.
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 5.0

#: Between two tries to reach a broker, or to become the process that takes messages.
_RETRY_SECONDS = 1.0

_HEARTBEAT_SECONDS = 1.0

#: How long a process that has to end waits for a batch to be stored.
_STORE_SECONDS = 2.5


class IntakeConsumer:
    """Takes messages from one source, in their order, until it is stopped."""

    def __init__(
        self,
        intake: Intake,
        source: Source,
        copies: DeadCopies,
        revision_check: RevisionCheck,
        *,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._beat = beat
        self._intake = intake
        self._source = source
        self._copies = copies
        self._revision_check = revision_check
        #: Whether the log says that the broker is away.
        self._unreachable = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._copies.start()
        self._thread.start()

    def stop(self) -> None:
        """End soon; what is not stored yet stays with the broker."""
        self._stop.set()

    def join(self, until: float) -> None:
        """Wait for the end until a moment of the monotonic clock."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, until - monotonic()))
        self._copies.stop()
        self._copies.join(until)

    @property
    def _over(self) -> bool:
        return self._stop.is_set() or self._revision_check.failed

    def _run(self) -> None:
        while not self._over:
            self._beat()
            try:
                self._take_while_connected()
            except OtherRevision as found:
                self._revision_check.fail(found)
            except Unavailable as exc:
                self._wait_for_database(exc)
            except self._source.errors as exc:
                if not self._unreachable:
                    _log.warning("intake.broker_unreachable", why=f"{type(exc).__name__}: {exc}")
                self._unreachable = True
            except Exception:  # noqa: BLE001 - nothing that comes may end the thread
                _log.exception("intake.error")
            self._stop.wait(_RETRY_SECONDS)

    def _take_while_connected(self) -> None:
        session = self._source.open()
        if session is None:
            return
        self._unreachable = False
        try:
            while not self._over:
                self._beat()
                if (batch := session.next_batch()) is None:
                    self._stop.wait(session.pause)
                elif (taken := self._store(batch, session)) is not None:
                    session.acknowledge(batch)
                    self._copies.owe([one.number for one in taken if isinstance(one, Rejected)])
        finally:
            session.close()

    def _store(self, batch: Batch, session: Session) -> Sequence[Taken] | None:
        """Store the messages on another thread, and speak with the broker meanwhile; None when the process is to end."""
        storing = _in_thread(lambda: self._intake.take_all(batch.arrivals, leased=batch.leased))
        ends_at: float | None = None
        while True:
            try:
                return storing.result(timeout=_HEARTBEAT_SECONDS)
            except TimeoutError:
                if storing.done():
                    raise
            session.keep_alive()
            if self._stop.is_set():
                ends_at = ends_at or monotonic() + _STORE_SECONDS
                if monotonic() > ends_at:
                    return None

    def _wait_for_database(self, exc: Unavailable) -> None:
        wait = _FIRST_WAIT_SECONDS
        while True:
            self._beat()
            _log.warning("intake.postponed", why=str(exc))
            if self._stop.wait(wait):
                return None
            wait = min(_LONGEST_WAIT_SECONDS, wait * 2)
            try:
                self._intake.rehearse()
            except OtherRevision as found:
                return self._revision_check.fail(found)
            except Unavailable as still:
                exc = still
            else:
                return None


def _in_thread(function: Callable[[], T]) -> Future[T]:
    """The result of a function on a thread of its own, which does not keep the process from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as exc:  # noqa: BLE001 - for whoever waits
            future.set_exception(exc)

    threading.Thread(target=run, name="intake-store", daemon=True).start()
    return future


def publish(connection: Connection, queues: Queues, bodies: Sequence[bytes]) -> None:
    """Put messages where producers put them. Raises kombu's ``OperationalError``, redis-py's errors, and ``OSError``."""
    if connection.transport.driver_type == "redis":
        channel: Any = connection.default_channel
        channel.client.lpush(queues.intake.name, *bodies)
        return
    queue = queues.intake
    with connection.Producer(serializer=None) as producer:
        for body in bodies:
            producer.publish(
                body,
                exchange=queue.exchange.name,
                routing_key=queue.name,
                declare=[queue],
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=2,
                # RabbitMQ checks it: so the intake knows who hands the message in.
                user_id=connection.userid,
                retry=True,
                retry_policy=RETRY_POLICY,
                confirm_timeout=ANSWERS_WITHIN_SECONDS,
            )
