"""Running: one process that takes requests in, carries them out and keeps the schedule, or any part of that."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from celery import Celery, bootsteps
from celery.signals import setup_logging
from celery.worker import WorkController

from access.operations import Lane
from access.provisioning import Provisioning
from config.settings import Settings
from store.outbox import Topic, WakeUp
from tasks.sync import Sync
from worker.app import Handlers, make_app
from worker.composition import Provisor, compose, dispatched_for
from worker.consumer import SignalsWake
from worker.intake_consumer import IntakeConsumer, intake_step
from worker.outbox_relay import OutboxRelay
from worker.publisher import CeleryPublisher
from worker.queues import Queues
from worker.roles import Role
from worker.threads import Threads

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A wired Provisor with its Celery application and relay."""

    provisor: Provisor
    app: Celery
    publisher: CeleryPublisher
    relay: OutboxRelay
    queues: Queues


def prepare(settings: Settings, *, roles: Iterable[Role] = tuple(Role)) -> Running:
    """Wire everything for these roles, without starting anything. Raises ``SettingsError``."""
    wanted = frozenset(roles)
    broker_url = settings.broker.url.get_secret_value()
    queues = Queues(prefix=settings.broker.prefix, amqp=broker_url.startswith(("amqp", "pyamqp")))
    publisher = CeleryPublisher(queues)
    provisor = compose(settings, publisher)
    app = make_app(broker_url, queues, _handlers(provisor), visibility_timeout=settings.broker.visibility_timeout)
    publisher.attach(app)
    if Role.INTAKE in wanted:
        desk = IntakeConsumer(provisor.intake, queues, prefetch=settings.worker.intake_batch)
        app.steps["consumer"].add(intake_step(desk, amqp=queues.amqp))
    relay = OutboxRelay(
        provisor.store,
        provisor.services.clock,
        publisher,
        provisor.intake,
        poll=settings.worker.poll,
        dispatched_for=dispatched_for(settings),
        sweeping=Role.SCHEDULER in wanted,
        periodic=(provisor.syncing.begin_due,),
    )
    app.steps["worker"].add(_relay_step(relay, provisor.syncing))
    app.steps["consumer"].add(SignalsWake)
    if Role.WORKER not in wanted:
        # Left known, so that wake-ups can be sent: without any, Celery would make and read a default queue of its own.
        app.amqp.queues.deselect([queues.lane(lane).name for lane in Lane])
    return Running(provisor, app, publisher, relay, queues)


def run(running: Running) -> int:
    """Run in the main thread until a signal ends it; the exit code."""
    setup_logging.connect(_keep_logging)
    worker = running.app.Worker(**_worker_options(running.provisor.settings))
    _announce(running)
    worker.start()
    code: int = worker.exitcode or 0
    return code


def _keep_logging(**_: Any) -> None:
    """Somebody who listens to this signal keeps Celery from setting the root logger to its own level."""


class Hosted:
    """A worker that runs in a thread of this process, for the demonstration and for tests."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._ready = threading.Event()
        running.app.steps["consumer"].add(_ready_step(self._ready))
        self._controller = WorkController(app=running.app, **_worker_options(running.provisor.settings))
        self._thread = threading.Thread(target=self._controller.start, name="worker", daemon=True)

    def start(self, *, timeout: float = 15.0) -> None:
        """Start, and wait until it takes messages. ``timeout`` in seconds; raises ``TimeoutError``."""
        _announce(self._running)
        self._thread.start()
        if not self._ready.wait(timeout):
            raise TimeoutError(f"The worker did not start within {timeout} seconds. Look at its log.")

    def stop(self) -> None:
        """Stop, finishing what is under way. All workers hosted in this process stop: the switch is the library's own."""
        if not self._thread.is_alive():
            return
        from celery.worker import state  # noqa: PLC0415 - process-wide switches of the library, touched nowhere else

        state.should_stop = 0  # type: ignore[assignment] # the stubs know only None
        # It looks at the switch after each message, or every two seconds: a wake-up that wakes nobody for nothing.
        self._running.publisher.send([WakeUp(Topic.TICKETS, "", Lane.TICKET)])
        try:
            self._thread.join(15.0)
        finally:
            state.should_stop = None
        if self._thread.is_alive():
            _log.error("worker.did_not_stop", why="work is still under way; its leases will run out")


def _handlers(provisor: Provisor) -> Handlers:
    return {
        Topic.REQUEST: provisor.fulfilment.fulfil,
        Topic.OPERATION: provisor.fulfilment.operate,
        Topic.CLAIM: provisor.expiry.end,
        Topic.TICKETS: lambda _ref: provisor.ticket_tracker.follow(),
        Topic.SYNC: provisor.syncing.work,
    }


def _worker_options(settings: Settings) -> dict[str, Any]:
    return {
        "pool": Threads,
        "concurrency": settings.worker.concurrency,
        "loglevel": "WARNING",
        "without_gossip": True,
        "without_mingle": True,
        "without_heartbeat": True,
        "quiet": True,
    }


def _relay_step(relay: OutboxRelay, syncing: Sync) -> type[bootsteps.StartStopStep]:
    class RelayStep(bootsteps.StartStopStep):
        # So it is stopped before the pool is, which waits for its threads.
        requires = ("celery.worker.components:Pool",)

        def start(self, parent: Any) -> None:
            del parent
            relay.start()

        def stop(self, parent: Any) -> None:
            del parent
            syncing.stop()
            relay.stop()

    return RelayStep


def _ready_step(ready: threading.Event) -> type[bootsteps.StartStopStep]:
    class ReadyStep(bootsteps.StartStopStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, parent: Any) -> None:
            del parent
            ready.set()

    return ReadyStep


def _announce(running: Running) -> None:
    provisor = running.provisor
    for warning in provisor.warnings:
        _log.warning("settings.odd", why=warning)
    if provisor.services.mode is Provisioning.ON:
        with provisor.store.write() as work:
            work.requests.wake_planned(now=provisor.services.clock.now())
    _log.info("provisor.up", provisioning=str(provisor.services.mode))
