"""The composition root: makes every object that runs, from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from access.clock import Clock, SystemClock
from access.policy import Policy, TicketRoute
from access.retry import RetryLimits
from config.policy_file import load_policy
from config.settings import Settings
from store.database import Database
from store.migrations import migrate
from store.unit_of_work import Store
from tasks.expiry import Expiry
from tasks.fulfilment import Fulfilment
from tasks.intake import DISPATCHED_FOR, Intake
from tasks.publisher import Publisher
from tasks.services import FulfilmentOptions, Mode, Services
from tasks.sync import Sync
from tasks.ticket_opener import TicketOpener, TicketOptions
from tasks.ticket_text import TicketWriter
from tasks.ticket_tracker import TicketTracker
from ticketing.ports import TicketProvider
from ticketing.templates import Templates
from worker.readers import syncing_from
from worker.upstreams import connectors_from, provider_from

#: The longest time that one call waits for its write to show.
_READ_BACK = timedelta(seconds=2)

#: Bounds of the wait between two looks for a write that does not show yet, or for an issue whose creation was not answered.
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
    expiry: Expiry
    syncing: Sync
    provider: TicketProvider
    warnings: tuple[str, ...] = ()

    @property
    def store(self) -> Store:
        """The durable state."""
        return self.services.store


def open_store(settings: Settings) -> Store:
    """The store, migrated to the revision that this version needs."""
    database = Database(settings.store.url.get_secret_value(), pool_size=settings.store.pool_size)
    migrate(database)
    return Store(database)


def compose(
    settings: Settings, publisher: Publisher, *, clock: Clock | None = None, store: Store | None = None
) -> Provisor:
    """Wire everything. Raises ``SettingsError`` with what is missing or wrong."""
    clock = clock or SystemClock()
    policy, warnings = policy_from(settings)
    store = store or open_store(settings)
    provider = provider_from(settings, clock)
    connectors = connectors_from(settings, store, clock)
    services = Services(
        store=store,
        clock=clock,
        publisher=publisher,
        connectors=connectors.usual,
        urgent=connectors.urgent,
        policy=policy,
        mode=Mode(settings.provisioning.value),
        options=fulfilment_options(settings),
    )
    ticket_terms = TicketOptions(
        poll=settings.ticketing.poll,
        look_for=settings.ticketing.look_for,
        believe_within=settings.ticketing.believe_within,
        closings=settings.ticketing.reopen_limit,
    )
    writer = TicketWriter(Templates(settings.ticketing.templates_dir), policy, due_in_days=settings.ticketing.due_days)
    fulfilment = Fulfilment(services, TicketOpener(services, provider, writer, ticket_terms))
    return Provisor(
        settings=settings,
        services=services,
        intake=Intake(store, clock, publisher, dispatched_for=dispatched_for(settings)),
        fulfilment=fulfilment,
        ticket_tracker=TicketTracker(services, provider, writer, ticket_terms),
        expiry=Expiry(services, fulfilment),
        syncing=syncing_from(settings, store, clock, publisher),
        provider=provider,
        warnings=warnings,
    )


def policy_from(settings: Settings) -> tuple[Policy, tuple[str, ...]]:
    """The policy with its warnings. Without a policy file every request is refused, and a warning says so."""
    ticketing = settings.ticketing
    route = TicketRoute(project=ticketing.project, issue_type=ticketing.issue_type) if ticketing.project else None
    if settings.policy is None:
        return Policy(rules=(), ticket=route or TicketRoute(project="")), (
            "No policy file is set, so every request is refused; set policy to the path of one.",
        )
    file = load_policy(settings.policy, ticket=route)
    return file.policy, file.warnings


def fulfilment_options(settings: Settings) -> FulfilmentOptions:
    """The times and bounds of fulfilment."""
    limits = settings.limits
    return FulfilmentOptions(
        retry=RetryLimits(attempts=limits.attempts, deadline=limits.deadline, first_wait=limits.first_wait),
        lease=settings.worker.lease,
        read_back=min(_READ_BACK, limits.verification),
        visible_within=limits.verification,
        # Never at once, since a write needs time to show; never after the time that it is given.
        look_again=max(_SHORTEST_LOOK, min(_LOOK_AGAIN, limits.verification)),
    )


def dispatched_for(settings: Settings) -> timedelta:
    """How long the sweep waits for a wake-up before it sends another: at most the lease of an operation."""
    return min(DISPATCHED_FOR, settings.worker.lease)
