"""One process: it takes requests in, carries them out and keeps the schedule, or any part of that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import structlog
from celery import Celery, bootsteps
from celery.signals import setup_logging

from access.clock import MeasuredClock
from access.operations import Lane
from config.errors import SettingsError
from config.settings import Settings
from store.outbox import Topic
from tasks.events import Notices, forget, place
from tasks.ledger_snapshots import SnapshotLooks
from worker.amqp_intake import AmqpSource
from worker.celery_app import ANSWERS_WITHIN_SECONDS, broker_url, make_app
from worker.celery_consumer import PromptShutdown, stop_consuming_step
from worker.clock_check import ClockCheck
from worker.composition import Provisor, allowances_of, compose, dispatched_for
from worker.dead_letter_copies import DeadCopies
from worker.dispatcher import Dispatcher
from worker.handlers import use_cases_of
from worker.heartbeats import Heartbeats
from worker.intake_consumer import IntakeConsumer
from worker.intake_sources import Source
from worker.lease_keeper import LeaseKeeper
from worker.memory_intake import MemorySource
from worker.outbox_relay import OutboxRelay
from worker.publisher import CeleryPublisher
from worker.queues import Queues, queues_from
from worker.rate_limiter import removals_let_in
from worker.reconciling import Reconciling
from worker.revision_check import RevisionCheck
from worker.roles import ProcessRole
from worker.scheduler import Scheduler
from worker.sealer import Sealer
from worker.settings_watch import Following, Part, SettingsWatch, plan_anew

_log = structlog.get_logger(__name__)

#: How long everything under way may take when the process has to end, after the goodbye to the broker.
_STOP_SECONDS = 7.0


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """Everything one process runs, wired and not started."""

    provisor: Provisor
    app: Celery
    publisher: CeleryPublisher
    queues: Queues


def prepare(
    settings: Settings, *, roles: Iterable[ProcessRole] = tuple(ProcessRole), version: str = ""
) -> WorkerProcess:
    """Wire everything for these roles, without starting anything. Raises ``SettingsError``.

    ``version`` is what monitoring is told.
    """
    wanted = frozenset(roles)
    queues = queues_from(settings)
    publisher = CeleryPublisher(queues)
    provisor = compose(settings, publisher)
    revision_check = RevisionCheck()
    heartbeats = Heartbeats()
    relay = OutboxRelay(provisor.store, provisor.services.clock, publisher)
    following = partial(_following, relay=relay, revision_check=revision_check, heartbeats=heartbeats, roles=wanted)
    store, clock = provisor.store, provisor.services.clock
    watch = SettingsWatch(
        following(provisor), lambda found: following(compose(found, publisher, clock=clock, store=store))
    )
    app = make_app(settings, {topic: partial(watch.wake, topic) for topic in Topic})
    publisher.attach(app, on_unsent=relay.give_back)
    parts: list[Part] = [watch]
    if ProcessRole.INTAKE in wanted:
        parts.append(_intake_consumer(provisor, queues, revision_check, heartbeats))
    if settings.telemetry.listen is not None:
        parts.append(_monitoring(watch, settings.telemetry.listen, heartbeats, version=version))
    app.steps["worker"].add(_parts_step(parts))
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
        # Wake-ups that a process takes from the broker at once. Work is done by the dispatcher's threads.
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
    with provisor.store.read() as work:
        if work.restores.under_way():
            _log.warning("restore.under_way", why="no access is changed until 'provisor restore end'")
    plan_anew(provisor)
    _log.info("provisor.up", provisioning=str(provisor.services.mode))


def _following(
    provisor: Provisor,
    *,
    relay: OutboxRelay,
    revision_check: RevisionCheck,
    heartbeats: Heartbeats,
    roles: frozenset[ProcessRole],
) -> Following:
    """Everything that is made anew when the settings change."""
    dispatcher = _dispatcher(provisor, revision_check, heartbeats)
    scheduling = ProcessRole.SCHEDULER in roles
    parts: list[Part] = [_scheduler(provisor, relay, revision_check, heartbeats, scheduling=scheduling)]
    if scheduling:
        parts.append(Sealer(provisor.store, provisor.sealing, revision_check, credential_ends=provisor.credential_ends))
    if ProcessRole.WORKER in roles:
        parts.append(dispatcher)
        parts.append(_lease_keeper(provisor, dispatcher, revision_check))
    return Following(provisor, parts, dispatcher.wake)


def _keep_logging(**_: Any) -> None:
    """A listener to this signal keeps Celery from setting the level of the root logger."""


def _monitoring(watch: SettingsWatch, address: str, heartbeats: Heartbeats, *, version: str) -> Part:
    """The door for monitoring, which listens from now on. Raises ``SettingsError``."""
    from worker.metrics import Figures, as_text, registry_of, why_not_ready  # noqa: PLC0415 - 10 MB, where nobody listens
    from worker.monitoring_server import MonitoringServer  # noqa: PLC0415 - the same

    services = watch.current.provisor.services
    collector = Figures(
        services.store,
        services.clock,
        heartbeats,
        version=version,
        provisioning=lambda: str(watch.current.provisor.services.mode),
    )
    metrics, not_ready = partial(as_text, registry_of(collector)), partial(why_not_ready, services.store)
    try:
        return MonitoringServer(address, heartbeats, metrics=metrics, not_ready=not_ready)
    except OSError as exc:
        problem = (
            f"telemetry.listen: {address} cannot be listened at ({exc.strerror}); choose another, or end what has it."
        )
        raise SettingsError([problem]) from exc


def _intake_consumer(
    provisor: Provisor, queues: Queues, revision_check: RevisionCheck, heartbeats: Heartbeats
) -> IntakeConsumer:
    settings = provisor.settings
    url, most = broker_url(settings), settings.worker.intake_batch
    source: Source
    if queues.amqp:
        source = AmqpSource(url, queues, most=most, timeout=ANSWERS_WITHIN_SECONDS)
    elif url.startswith("redis"):
        from worker.redis_intake import RedisSource  # noqa: PLC0415 - 5 MB, where there is no Redis

        source = RedisSource(url, queues, provisor.intake, most=most, timeout=ANSWERS_WITHIN_SECONDS)
    else:
        source = MemorySource(url, queues, most=most)
    copies = DeadCopies(provisor.store, url, queues, timeout=ANSWERS_WITHIN_SECONDS)
    return IntakeConsumer(provisor.intake, source, copies, revision_check, beat=partial(heartbeats.beat, "intake"))


def _dispatcher(provisor: Provisor, revision_check: RevisionCheck, heartbeats: Heartbeats) -> Dispatcher:
    worker, clock = provisor.settings.worker, provisor.services.clock
    return Dispatcher(
        provisor.store,
        clock,
        use_cases_of(provisor),
        revision_check,
        concurrency=worker.concurrency,
        removal_threads=worker.removal_threads,
        poll=worker.poll,
        dispatched_for=dispatched_for(provisor.settings),
        let_in=removals_let_in(provisor.store, clock, allowances_of(provisor.settings)),
        may_end=lambda: not isinstance(clock, MeasuredClock) or clock.steady,
        beat=partial(heartbeats.beat, "dispatcher"),
    )


def _lease_keeper(provisor: Provisor, dispatcher: Dispatcher, revision_check: RevisionCheck) -> LeaseKeeper:
    services = provisor.services
    return LeaseKeeper(
        provisor.store,
        services.clock,
        revision_check,
        under_way=lambda: [*dispatcher.under_way(), *services.under_way.rows()],
        lease=services.options.lease,
    )


def _scheduler(
    provisor: Provisor, relay: OutboxRelay, revision_check: RevisionCheck, heartbeats: Heartbeats, *, scheduling: bool
) -> Scheduler:
    clock = provisor.services.clock
    return Scheduler(
        provisor.store,
        clock,
        relay,
        provisor.intake if scheduling else None,
        revision_check,
        clock_check=ClockCheck(clock) if isinstance(clock, MeasuredClock) else None,
        poll=provisor.settings.worker.poll,
        beat=partial(heartbeats.beat, "scheduler"),
        periodic=(
            provisor.syncing.begin_due,
            provisor.services.faults.tidy,
            provisor.heartbeat.beat,
            Reconciling(provisor.reconciliation).begin_due,
            _forgetting_dead_letters(provisor),
            *_telling(provisor),
            provisor.people.refresh,
            provisor.leavers.advance,
            provisor.feeding.end_orphans,
            provisor.plans.run_due,
        ),
    )


def _forgetting_dead_letters(provisor: Provisor) -> Callable[[], object]:
    return partial(provisor.intake.forget_dead_letters, older_than=provisor.settings.store.dead_letters_kept)


def _telling(provisor: Provisor) -> Sequence[Callable[[], object]]:
    services, kept = provisor.services, provisor.settings.store.events_kept
    return (
        SnapshotLooks(provisor.store, visible_within=services.options.visible_within).turn,
        Notices(provisor.store, services.clock, provisor.policy).turn,
        partial(place, provisor.store),
        partial(forget, provisor.store, services.clock, older_than=kept),
    )


def _parts_step(parts: Sequence[Part]) -> type[bootsteps.StartStopStep]:
    """The step that runs all parts. They need no broker, and start before the worker has found one."""

    class PartsStep(bootsteps.StartStopStep):
        # Stopped before the pool, which waits for its threads.
        requires = ("celery.worker.components:Pool",)

        def start(self, parent: Any) -> None:
            del parent
            for part in parts:
                part.start()

        def stop(self, parent: Any) -> None:
            """Tell all parts, and then wait for all: each may wait for a server that is silent."""
            del parent
            until = monotonic() + _STOP_SECONDS
            for part in parts:
                part.stop()
            for part in parts:
                part.join(until)

    return PartsStep
