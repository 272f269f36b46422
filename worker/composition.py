"""The composition root: from settings to everything that runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from access.clock import Clock, MeasuredClock
from access.faults import Pauses
from access.fuse import FuseLimits, Limit
from access.policy import Policy
from access.retry import RetryLimits
from config.settings import Settings
from store.database import Database
from store.migrations import migrate
from store.rate_budgets import Allowance
from store.unit_of_work import Store
from tasks.credential_ends import CredentialEnds
from tasks.expiry import Expiry
from tasks.faults import TICKETING, Faults
from tasks.feeding import Feeding
from tasks.fulfilment import Fulfilment
from tasks.heartbeat import Heartbeat
from tasks.intake import DISPATCHED_FOR, Intake
from tasks.issue_watch import IssueWatch
from tasks.leavers import Leavers
from tasks.people import People
from tasks.plans import Plans
from tasks.publisher import Publisher
from tasks.reconciliation import Reconciliation
from tasks.sealing import Sealing
from tasks.services import FulfilmentOptions, Services
from tasks.sync import Sync
from tasks.ticket_opener import TicketOpener
from tasks.ticket_options import TicketOptions
from tasks.ticket_text import TicketWriter
from tasks.ticket_tracker import TicketTracker
from ticketing.ports import TicketProvider
from ticketing.templates import Templates
from worker.anchors import sealing_from
from worker.attribution import Logs
from worker.credential_ends import credential_ends_from
from worker.policy import policy_from
from worker.sync import sync_from
from worker.systems.connectors import allowance_of, connectors_from
from worker.systems.definition import Dependencies, Systems
from worker.systems.table import SYSTEMS
from worker.tenancy import tenancy_from
from worker.ticketing import provider_from, ticket_rate_limiter

#: How long an operation looks for its own write within the same call; no longer than ``limits.verification``.
_READ_BACK = timedelta(seconds=2)

#: The lease on what nobody renews while the work lasts: longer than the timeouts of its calls together.
UNATTENDED = timedelta(seconds=60)

#: The wait between two looks for a write that does not show yet, or for an issue whose creation got no answer.
_LOOK_AGAIN = timedelta(seconds=3)
_SHORTEST_LOOK = timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Provisor:
    """Everything that runs, wired."""

    settings: Settings
    services: Services
    intake: Intake
    fulfilment: Fulfilment
    ticket_tracker: TicketTracker
    issue_watch: IssueWatch
    expiry: Expiry
    syncing: Sync
    people: People
    leavers: Leavers
    feeding: Feeding
    plans: Plans
    reconciliation: Reconciliation
    heartbeat: Heartbeat
    provider: TicketProvider
    policy: Policy
    sealing: Sealing
    credential_ends: CredentialEnds
    warnings: tuple[str, ...] = ()

    @property
    def store(self) -> Store:
        """The durable state."""
        return self.services.store


def open_store(settings: Settings) -> Store:
    """The store, migrated to the schema of this version."""
    database = Database(
        settings.store.url.get_secret_value(),
        pool_size=settings.store.pool_size,
        to_work=True,
        silence_seconds=settings.store.silence.total_seconds(),
    )
    migrate(database)
    return Store(database)


def compose(
    settings: Settings,
    publisher: Publisher,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    systems: Systems = SYSTEMS,
) -> Provisor:
    """Wire everything. Raises ``SettingsError`` with what is missing or wrong."""
    policy, warnings = policy_from(settings)
    store = store or open_store(settings)
    clock = clock or MeasuredClock(store.now)
    dependencies = Dependencies(settings, store, clock)
    provider = provider_from(settings, clock, partial(ticket_rate_limiter, dependencies), policy)
    connectors = connectors_from(dependencies, systems)
    tenancy = tenancy_from(dependencies, systems)
    services = Services(
        store=store,
        clock=clock,
        publisher=publisher,
        connectors=connectors.usual,
        urgent=connectors.urgent,
        policy=policy,
        faults=Faults(store, clock, rates_of(settings), Pauses(first=settings.limits.first_wait)),
        mode=settings.provisioning,
        options=fulfilment_options(settings),
        fuse=fuse_limits(settings),
        check_tenant=tenancy.check,
    )
    ticket_options = TicketOptions(
        poll=settings.ticketing.poll,
        look_for=settings.ticketing.look_for,
        believe_within=settings.ticketing.believe_within,
        closings=settings.ticketing.reopen_limit,
        watch_ended=settings.ticketing.watch_ended,
    )
    writer = TicketWriter(Templates(settings.ticketing.templates_dir), policy, due_in_days=settings.ticketing.due_days)
    fulfilment = Fulfilment(services, TicketOpener(services, provider, writer, ticket_options))
    intake = Intake(store, clock, publisher, dispatched_for=dispatched_for(settings))
    return Provisor(
        settings=settings,
        services=services,
        intake=intake,
        fulfilment=fulfilment,
        ticket_tracker=TicketTracker(services, provider, writer, ticket_options),
        issue_watch=IssueWatch(services, provider, poll=settings.ticketing.poll),
        expiry=Expiry(services, fulfilment),
        syncing=sync_from(settings, store, clock, publisher, systems=systems, check_tenant=tenancy.check),
        leavers=Leavers(services),
        feeding=Feeding(services),
        people=People(store, clock, domains=settings.people.domains),
        plans=Plans(
            store,
            clock,
            intake,
            publisher,
            limits=services.fuse,
            self_approval=settings.plans.self_approval,
            mode=settings.provisioning,
        ),
        reconciliation=Reconciliation(store, clock, policy, attribution=Logs(dependencies, systems).read),
        heartbeat=Heartbeat(store, clock, services.fuse),
        provider=provider,
        policy=policy,
        sealing=sealing_from(settings, store, clock),
        credential_ends=credential_ends_from(settings, store, clock, systems),
        warnings=warnings,
    )


def fulfilment_options(settings: Settings) -> FulfilmentOptions:
    """The times and bounds of fulfilment, from the settings."""
    limits = settings.limits
    return FulfilmentOptions(
        retry=RetryLimits(attempts=limits.attempts, deadline=limits.deadline, first_wait=limits.first_wait),
        lease=settings.worker.lease,
        unattended=max(settings.worker.lease, UNATTENDED),
        propagation=limits.propagation,
        read_back=min(_READ_BACK, limits.verification),
        visible_within=limits.verification,
        # No longer than the whole time for verification, and never at once: a change needs time to show.
        look_again=max(_SHORTEST_LOOK, min(_LOOK_AGAIN, limits.verification)),
    )


def fuse_limits(settings: Settings) -> FuseLimits:
    """The limits of the fuse, from the settings."""
    fuse = settings.fuse
    return FuseLimits(
        grants=Limit(fuse.grants, fuse.grants_window, fuse.grants_share, fuse.grants_most),
        persons=Limit(fuse.persons, fuse.persons_window, fuse.persons_share),
        revokes=Limit(fuse.revokes, fuse.revokes_window),
        pace=fuse.revokes_pace,
        absence=fuse.absence,
    )


def rates_of(settings: Settings) -> dict[str, float]:
    """The calls a second that each place allows: the systems, and ticketing."""
    rates = {str(system): section.rate for system, section in settings.systems.items()}
    return rates | {TICKETING: settings.jira.rate}


def allowances_of(settings: Settings) -> dict[str, Allowance]:
    """The size of each system's rate budget."""
    return {str(system): allowance_of(section) for system, section in settings.systems.items()}


def dispatched_for(settings: Settings) -> timedelta:
    """How long the sweep waits for a wake-up that was sent before it sends another: at most the lease of a worker."""
    return min(DISPATCHED_FOR, settings.worker.lease)
