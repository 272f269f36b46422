"""One process: it takes requests in, carries them out and keeps the schedule, or any part of that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from celery import Celery, bootsteps
from celery.signals import setup_logging

from access.operations import Lane
from access.provisioning import Provisioning
from config.settings import Settings
from tasks.sync import Sync
from worker.app import make_app
from worker.composition import Provisor, compose, dispatched_for
from worker.consumer import PromptShutdown, stop_consuming_step
from worker.handlers import handlers_of
from worker.intake_consumer import IntakeConsumer, intake_step
from worker.outbox_relay import OutboxRelay
from worker.publisher import CeleryPublisher
from worker.queues import Queues, queues_from
from worker.revision_check import RevisionCheck
from worker.roles import ProcessRole
from worker.scheduler import Scheduler
from worker.sweep import Sweep

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """Everything one process runs, wired and not started."""

    provisor: Provisor
    app: Celery
    publisher: CeleryPublisher
    queues: Queues


def prepare(settings: Settings, *, roles: Iterable[ProcessRole] = tuple(ProcessRole)) -> WorkerProcess:
    """Wire everything for these roles, without starting anything. Raises ``SettingsError``."""
    wanted = frozenset(roles)
    queues = queues_from(settings)
    publisher = CeleryPublisher(queues)
    provisor = compose(settings, publisher)
    revision_check = RevisionCheck()
    app = make_app(settings, handlers_of(provisor, revision_check))
    publisher.attach(app)
    if ProcessRole.INTAKE in wanted:
        consumer = IntakeConsumer(provisor.intake, queues, revision_check, prefetch=settings.worker.intake_batch)
        app.steps["consumer"].add(intake_step(consumer, revision_check))
    scheduler = _scheduler(provisor, publisher, revision_check, sweeping=ProcessRole.SCHEDULER in wanted)
    app.steps["worker"].add(_scheduler_step(scheduler, provisor.syncing))
    app.steps["consumer"].update({PromptShutdown, stop_consuming_step(revision_check)})
    if ProcessRole.WORKER not in wanted:
        # Deselected, not removed: wake-ups are still sent there. Without any queue, Celery would make a default one.
        app.amqp.queues.deselect([queues.lane(lane).name for lane in Lane])
    return WorkerProcess(provisor, app, publisher, queues)


def run(process: WorkerProcess) -> int:
    """Run in the main thread until a signal ends it; the exit code."""
    setup_logging.connect(_keep_logging)
    worker = process.app.Worker(pool="threads", **worker_options(process.provisor.settings))
    announce(process)
    worker.start()
    code: int = worker.exitcode or 0
    return code


def worker_options(settings: Settings) -> dict[str, Any]:
    """Options of Celery's worker, but for the pool."""
    return {
        "concurrency": settings.worker.concurrency,
        "loglevel": "WARNING",
        "without_gossip": True,
        "without_mingle": True,
        # Monitors know workers by their heartbeats, which are events.
        "without_heartbeat": not settings.worker.task_events,
        "quiet": True,
    }


def announce(process: WorkerProcess) -> None:
    """Log what is odd in the settings; plan what is not final by the settings and the policy of today."""
    provisor = process.provisor
    for warning in provisor.warnings:
        _log.warning("settings.odd", why=warning)
    if provisor.services.mode is not Provisioning.OFF:
        with provisor.store.write() as work:
            work.requests.wake_planned(now=provisor.services.clock.now())
    _log.info("provisor.up", provisioning=str(provisor.services.mode))


def _keep_logging(**_: Any) -> None:
    """A listener to this signal keeps Celery from setting the level of the root logger."""


def _scheduler(
    provisor: Provisor, publisher: CeleryPublisher, revision_check: RevisionCheck, *, sweeping: bool
) -> Scheduler:
    store, clock, settings = provisor.store, provisor.services.clock, provisor.settings
    sweep = Sweep(store, clock, publisher, provisor.intake, dispatched_for=dispatched_for(settings))
    return Scheduler(
        store,
        clock,
        OutboxRelay(store, clock, publisher),
        sweep if sweeping else None,
        revision_check,
        poll=settings.worker.poll,
        periodic=(provisor.syncing.begin_due,),
    )


def _scheduler_step(scheduler: Scheduler, syncing: Sync) -> type[bootsteps.StartStopStep]:
    class SchedulerStep(bootsteps.StartStopStep):
        # Stopped before the pool, which waits for its threads.
        requires = ("celery.worker.components:Pool",)

        def start(self, parent: Any) -> None:
            del parent
            scheduler.start()

        def stop(self, parent: Any) -> None:
            del parent
            syncing.stop()
            scheduler.stop()

    return SchedulerStep
