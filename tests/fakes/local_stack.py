"""Everything of the tasks over doubles of the outside: no broker, no network, time that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from access.clock import ManualClock
from access.entitlements import System
from access.faults import Pauses
from access.findings import ProfileRule
from access.fuse import FuseLimits, Limit
from access.methods import Method
from access.operations import Claim, Operation, Purpose, Request, Ticket
from access.policy import OwnerRule, Policy, Rule
from access.provisioning import Provisioning
from access.retry import RetryLimits
from access.ticket_routes import TicketRoute
from connectors.ports import Connector
from store.issue_tables import awaited_issues
from store.outbox import Topic, WakeUp
from store.tables import audit, claims, operations, requests, tickets
from store.unit_of_work import Store
from tasks.attribution import ReadLog, no_log
from tasks.expiry import Expiry
from tasks.faults import Faults
from tasks.fulfilment import Fulfilment
from tasks.intake import Intake
from tasks.issue_watch import IssueWatch
from tasks.plans import Plans
from tasks.publisher import RecordingPublisher
from tasks.reconciliation import Reconciliation
from tasks.services import FulfilmentOptions, Services
from tasks.ticket_opener import TicketOpener
from tasks.ticket_options import TicketOptions
from tasks.ticket_text import TicketWriter
from tasks.ticket_tracker import TicketTracker
from tests.fakes.faults import Killed
from tests.fakes.system import FakeSystem
from tests.fakes.tickets import FakeTickets
from ticketing.templates import Templates

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DISPATCHED_FOR = timedelta(seconds=5)
BEGUN = ("ready", "running", "blocked")
ADA = "u1"
GROUP = "jumpcloud:group:api:member"
BY_HAND = "jumpcloud:group:by-hand:member"

TERMS = FulfilmentOptions(
    retry=RetryLimits(
        attempts=3,
        deadline=timedelta(hours=4),
        first_wait=timedelta(seconds=2),
        longest_wait=timedelta(seconds=20),
        credential_wait=timedelta(seconds=10),
    ),
    lease=timedelta(seconds=30),
    unattended=timedelta(seconds=30),
    read_back=timedelta(0),
    visible_within=timedelta(seconds=20),
    look_again=timedelta(seconds=3),
    busy=timedelta(seconds=1),
)
TICKET_TERMS = TicketOptions(
    poll=timedelta(seconds=10), look_for=timedelta(seconds=40), believe_within=timedelta(seconds=6), closings=2
)
#: Examples that share a store are one producer's, within the same minutes.
UNBOUND = FuseLimits(revokes=Limit(1_000_000, timedelta(minutes=10)))
#: The states whose beginning is an audit row of the same name. Of the others the rows of operations and tickets tell.
RECORDED = {
    "request": ("received", "done", "refused", "failed", "withdrawn"),
    "operation": ("done", "failed", "dropped", "blocked"),
    "claim": ("active", "ending", "ended", "void"),
}

RULES = (
    Rule(pattern="jumpcloud:group:by-hand*:member", give=Method.TICKET, take=Method.TICKET),
    Rule(pattern="jumpcloud:*"),
)

TEMPLATES = Templates(None)
OPS = TicketRoute(project="OPS")


@dataclass
class LocalStack:
    """One Provisor, driven by hand."""

    store: Store
    clock: ManualClock
    publisher: RecordingPublisher
    system: FakeSystem
    tickets: FakeTickets
    services: Services
    intake: Intake
    plans: Plans
    reconciliation: Reconciliation
    handlers: Mapping[Topic, Callable[[str], object]]

    @classmethod
    def over(
        cls,
        store: Store,
        *,
        mode: Provisioning = Provisioning.ON,
        rules: Iterable[Rule] = RULES,
        like: LocalStack | None = None,
        ticket_terms: TicketOptions = TICKET_TERMS,
        options: FulfilmentOptions = TERMS,
        protected: Sequence[str] = (),
        check_tenant: Callable[[System], None] = lambda _: None,
        connectors: Mapping[System, Connector] | None = None,
        clock: ManualClock | None = None,
        fuse: FuseLimits | None = None,
        self_approval: bool = False,
        profiles: Sequence[ProfileRule] = (),
        route: TicketRoute = OPS,
        owners: Sequence[OwnerRule] = (),
        attribution: ReadLog = no_log,
        tickets: FakeTickets | None = None,
        publisher: RecordingPublisher | None = None,
    ) -> Self:
        """A stack over a store; ``like`` hands on clock, system and tickets, as a restart with other settings does.

        ``connectors`` and ``clock`` stand in place of the system in memory and its clock, ``tickets`` and ``publisher`` in
        place of those that are made here: several stacks may share them.
        """
        clock = like.clock if like else clock or ManualClock(START)
        accounts = {"u1": "ada@example.com", "u2": "bob@example.com"}
        system = like.system if like else FakeSystem(clock, accounts=accounts)
        tickets = like.tickets if like else tickets or FakeTickets()
        publisher = publisher or RecordingPublisher()
        policy = Policy(
            rules=tuple(rules),
            ticket=route,
            protected_accounts=protected,
            profiles=tuple(profiles),
            owners=tuple(owners),
        )
        services = Services(
            store=store,
            clock=clock,
            publisher=publisher,
            connectors=connectors or {System.JUMPCLOUD: system},
            policy=policy,
            faults=Faults(
                store,
                clock,
                pauses=Pauses(first=options.retry.first_wait, credential=options.retry.credential_wait),
            ),
            mode=mode,
            options=options,
            fuse=fuse or UNBOUND,
            check_tenant=check_tenant,
            jitter=lambda: 0.0,
        )
        writer = TicketWriter(TEMPLATES, policy)
        fulfilment = Fulfilment(services, TicketOpener(services, tickets, writer, ticket_terms))
        ticket_tracker = TicketTracker(services, tickets, writer, ticket_terms)
        issue_watch = IssueWatch(services, tickets, poll=ticket_terms.poll)
        intake = Intake(store, clock, publisher, dispatched_for=DISPATCHED_FOR)
        return cls(
            store=store,
            clock=clock,
            publisher=publisher,
            system=system,
            tickets=tickets,
            services=services,
            intake=intake,
            plans=Plans(store, clock, intake, publisher, limits=services.fuse, self_approval=self_approval, mode=mode),
            reconciliation=Reconciliation(store, clock, policy, attribution=attribution),
            handlers={
                Topic.REQUEST: fulfilment.fulfil,
                Topic.OPERATION: fulfilment.operate,
                Topic.CLAIM: Expiry(services, fulfilment).end,
                Topic.TICKETS: lambda _ref: [look() for look in (ticket_tracker.follow, issue_watch.follow)],
            },
        )

    def grant(self, request_id: str, *, seconds: int | None = None, group: str = GROUP, **more: Any) -> None:
        """Ask for access for Ada, for good or for a time."""
        duration = {} if seconds is None else {"duration": f"PT{seconds}S"}
        self.submit(
            **{"id": request_id, "action": "grant", "subject": {"id": ADA}, "entitlement": group} | duration | more
        )

    def revoke(self, request_id: str, *, group: str = GROUP, **more: Any) -> None:
        """Ask for Ada's access to be taken away."""
        self.submit(**{"id": request_id, "action": "revoke", "subject": {"id": ADA}, "entitlement": group} | more)

    def has(self, group: str = GROUP) -> bool:
        """Whether Ada has the access, in truth."""
        return self.system.has(ADA, group)

    def request(self, request_id: str) -> Request:
        """The request as stored."""
        with self.store.read() as work:
            found = work.requests.get(request_id)
        assert found is not None, request_id
        return found

    def claim(self, request_id: str) -> Claim:
        """The claim of a request."""
        with self.store.read() as work:
            found = work.claims.of_request(request_id)
        assert found is not None, request_id
        return found

    def operation(self, request_id: str, *, purpose: Purpose = Purpose.REQUEST) -> Operation:
        """The last operation of a request."""
        with self.store.read() as work:
            return work.operations.of_request(request_id, purpose=purpose)[-1]

    def tickets_of(self, request_id: str) -> list[Ticket]:
        """The tickets of a request's last operation."""
        with self.store.read() as work:
            return list(work.tickets.of_operation(work.operations.of_request(request_id)[-1].id))

    def submit(self, **message: Any) -> None:
        """Hand a request in; each comes in at a moment of its own."""
        self.clock.advance(timedelta(milliseconds=1))
        self.intake.take(json.dumps(message).encode(), content_type="application/json", source="test")

    def handle(self, wake_ups: Iterable[WakeUp]) -> None:
        """Do what a worker does about wake-ups; one that is killed leaves everything as it is."""
        for wake_up in wake_ups:
            try:
                self.handlers[wake_up.topic](wake_up.ref)
            except Killed:
                continue

    def sweep(self) -> list[WakeUp]:
        """What a relay would send now, and what was sent since."""
        sent, self.publisher.wake_ups = self.publisher.wake_ups, []
        with self.store.write() as work:
            return [*sent, *work.sweep.mark_due(now=self.clock.now(), dispatched_for=DISPATCHED_FOR, limit=500)]

    def run(self, lasting: timedelta = timedelta(0)) -> None:
        """Sweep and handle until nothing is due now; then jump to what is due next, for as long as it is to last."""
        end = self.clock.now() + lasting
        while True:
            while wake_ups := self.sweep():
                self.handle(wake_ups)
            due = self.next_due()
            if due is None or due > end:
                self.clock.advance(end - self.clock.now())
                return
            self.clock.advance(due - self.clock.now())

    def unrecorded(self) -> list[tuple[str, str]]:
        """The audit rows that are missing: of each request, operation, claim and ticket, the row of its present state."""
        with self.store.database.read() as connection:
            recorded = {(row.event, row.entity_id) for row in connection.execute(audit.select())}
            present = {
                (f"{entity}.{row.state}", row.id)
                for entity, table in (("request", requests), ("operation", operations), ("claim", claims))
                for row in connection.execute(table.select())
                if row.state in RECORDED[entity]
            }
            present |= {
                ("ticket.opened" if row.state == "open" else f"ticket.{row.state}", row.id)
                for row in connection.execute(tickets.select())
            }
        return sorted(present - recorded)

    def next_due(self) -> datetime | None:
        """When a sweep will find something; None when nothing is left to be found."""
        living = {requests: (), operations: BEGUN, claims: ("active",), tickets: ("open", "answered", "hidden")}
        living[awaited_issues] = ()
        moments: list[datetime] = []
        with self.store.read() as work:
            restore = work.restores.latest()
        if restore is not None and restore.ended_at is None:
            return None
        with self.store.database.read() as connection:
            for table, states in living.items():
                statement = table.select().where(table.c.due_at.is_not(None))
                if states:
                    statement = statement.where(table.c.state.in_(states))
                for row in connection.execute(statement).mappings():
                    times = (row["due_at"], row["dispatched_until"], row.get("lease_until"))
                    moments.append(max(moment for moment in times if moment is not None))
        return min(moments, default=None)
