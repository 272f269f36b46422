"""Opening tickets: one for each operation that needs a person, whatever happens on the way.

The ticket and its marker are committed before the call that makes the issue. After a crash the issue may or may not exist:
read recent issues directly, then search by the marker. Make the issue again only if neither finds it within ``look_for``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import TypeVar

import structlog

from access.entitlements import ResourceKind
from access.failures import CredentialRefused, Failure, Permanent, Transient
from access.faults import Phase
from access.guard import Barred, ByPerson, Ruling
from access.ledger import Cause, cause_of
from access.lifecycle import OperationState, TicketState
from access.methods import Direction
from access.operations import Operation, Ticket
from access.proof import Verdict
from access.retry import GiveUp, RetryAt, was_tried
from connectors.ports import Holdings, Observation
from store.leases import LeaseLost
from store.unit_of_work import UnitOfWork
from tasks import ledger, settlement
from tasks.attempts import next_try
from tasks.faults import Row, scope_of
from tasks.guard import facts_now, rule_on, warnings_of
from tasks.lateness import raise_if_late
from tasks.looks import look, look_twice, verdict_on
from tasks.own_faults import own_fault
from tasks.postponement import put_back
from tasks.preconditions import NotWanted, NotYet, objection
from tasks.services import Services, new_id
from tasks.ticket_comments import TicketCommenter
from tasks.ticket_options import TicketOptions
from tasks.ticket_text import TicketWriter
from tasks.ticket_upkeep import FIELDS, STATE_NOW, UNTIL, WARNINGS, TicketUpkeep
from ticketing.ports import Phase as TicketPhase
from ticketing.ports import TicketProvider, TicketRef, TicketSnapshot

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class Later(Enum):
    """Stands for an observation that was not had: the system could not be read, and the operation is put back."""

    LATER = "later"


class TicketOpener:
    """Opens tickets."""

    def __init__(
        self, services: Services, provider: TicketProvider, writer: TicketWriter, options: TicketOptions
    ) -> None:
        self._services = services
        self._provider = provider
        self._writer = writer
        self._options = options
        self._upkeep = TicketUpkeep(services, provider, TicketCommenter(services, provider), writer)

    def open(self, operation: Operation) -> None:
        """See that the operation, leased to us, has its one ticket. Raises failure words and ``LeaseLost``."""
        self._adopt(operation)
        seen = self._look(operation)
        if seen is Later.LATER:
            return
        if seen is not None and (seen.gone or seen.shows(operation.direction)):
            if self._was_asked(operation) or verdict_on(self._services, operation, seen) is Verdict.DONE:
                self._already_done(operation, seen)
            else:
                look_twice(self._services, operation)
            return
        if seen is not None and seen.missing and self._nobody_could(operation):
            with self._services.store.write(holding=operation.access_key) as work:
                why = f"It cannot be seen: {seen.evidence}"
                settlement.blocked(work, operation, why, missing=seen.missing, now=self._services.clock.now())
            return
        if seen is not None and seen.present:
            operation = replace(operation, there_at=self._services.clock.now())
        ticket = self._intend(operation)
        if ticket is None:
            return
        found = self._find(operation, ticket)
        if not found and self._may_still_appear(ticket):
            self._wait_for(operation, ticket)
            return
        ref = found[0] if found else self._make(operation, ticket, seen)
        if ref is not None:
            self._services.faults.passed(self.row(operation), Phase.TICKET)
            try:
                self._opened(operation, ticket, ref)
            except LeaseLost:
                self._close_twin(operation, ticket, ref)
                raise
            self._upkeep.keep(ticket.id, TicketSnapshot(ref, TicketPhase.OPEN))
            self._close_duplicates(operation, ref, found[1:])

    def row(self, operation: Operation) -> Row:
        """The operation as faults see it: it calls the ticketing system."""
        project = self._writer.route(operation, self._services.policy_of(operation.request_id)).project
        return replace(Row.of_ticket(operation), project=project)

    def put_back(self, operation: Operation, failure: Failure) -> None:
        """Try to open the ticket again later: there is nobody else to hand the work to, whatever keeps us from making it."""
        tries = operation.tries + 1
        verdict = next_try(self._services, failure, tries=tries, first_tried_at=operation.first_tried_at, final=False)
        assert isinstance(verdict, RetryAt)
        row = self.row(operation)
        put_back(self._services, operation, failure, row, Phase.TICKET, tries=tries, until=verdict.at)

    def _adopt(self, operation: Operation) -> None:
        """Ask by the ticket that a restored database lost, where one asks for the same: its issue is looked for by its marker."""
        with self._services.store.read() as work:
            lost = work.restores.lost_ticket_of(operation)
        if lost is None:
            return
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            if work.tickets.of_operation(operation.id):
                return
            ticket = Ticket(
                id=new_id("tk"),
                operation_id=operation.id,
                provider=self._provider.name,
                marker=lost.marker,
                project=lost.project,
                state=TicketState.INTENDED,
                after_key=work.tickets.last_key(lost.project),
                tries=1,
            )
            work.tickets.add(ticket)
            why = f"a restored database did not know {lost.issue_key}"
            work.audit.record("ticket.intended", "ticket", ticket.id, now=now, request_id=operation.request_id, why=why)

    def _nobody_could(self, operation: Operation) -> bool:
        """Whether a person could take nothing away either, of a thing that is missing. An account may be shown to a person."""
        taking = operation.direction is Direction.TAKE and operation.entitlement.kind is not ResourceKind.ACCOUNT
        return taking and not self._was_asked(operation)

    def _was_asked(self, operation: Operation) -> bool:
        """Whether an issue may exist that asks a person for the operation."""
        with self._services.store.read() as work:
            return any(ticket.tries for ticket in work.tickets.of_operation(operation.id))

    def _look(self, operation: Operation) -> Observation | Later | None:
        """What the system shows now; None when the system cannot be read for good: a person is asked all the same."""
        return self._read(
            operation, lambda: look(self._services.connector(operation.system, operation.lane), operation)
        )

    def _read(self, operation: Operation, read: Callable[[], T]) -> T | Later | None:
        """What is read of the system; None when that fails for good. Before that the operation is put back."""
        try:
            found = read()
        except Failure as exc:
            failure = exc
        except Exception as exc:  # noqa: BLE001 - a person is asked whatever keeps us from looking
            _log.exception("operation.error")
            failure = own_fault(exc)
        else:
            self._services.faults.passed(Row.of_operation(operation), Phase.READ)
            return found
        tries = operation.tries + 1
        verdict = next_try(self._services, failure, tries=tries, first_tried_at=operation.first_tried_at, bounded=True)
        if isinstance(verdict, GiveUp):
            return None
        # It does not stand in the system's line: soon a person is asked without a look.
        with self._services.store.write() as work:
            now = self._services.clock.now()
            settlement.postponed(work, operation, failure, tries=tries, until=verdict.at, now=now)
            ledger.waits_for(work, operation, cause_of(scope_of(failure, Phase.READ)), now=now)
            raise_if_late(self._services, work, operation, why=failure.what)
        return Later.LATER

    def _already_done(self, operation: Operation, seen: Observation) -> None:
        """The access is as asked for. An issue that was made before we knew of it is followed, and closed by the tracker."""
        with self._services.store.read() as work:
            tickets = work.tickets.of_operation(operation.id)
        intended = next((ticket for ticket in tickets if ticket.state is TicketState.INTENDED), None)
        found = self._find(operation, intended) if intended else ()
        was_there = operation.before is None and not any(ticket.tries for ticket in tickets)
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            if intended and found:
                self._record_opened(work, operation, intended, found[0], now=now, due_at=now)
            elif intended:
                self._record_ended(work, operation, intended, TicketState.WITHDRAWN, now=now)
            wake_ups = settlement.done(work, operation, seen, was_there=was_there, now=now)
        self._services.publisher.send(wake_ups)

    def _intend(self, operation: Operation) -> Ticket | None:
        """The operation's ticket, committed before the issue is made; None when there is to be none now."""
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            living = work.tickets.living_of(operation.id)
            if living is not None:
                return living  # Its issue may exist. Once we know, one that is not wanted is withdrawn.
            match objection(work, operation):
                case NotWanted(why=why):
                    settlement.dropped(work, operation, why, now=now)
                    return None
                case Barred(why=why):
                    settlement.given_up(work, operation, why, now=now)
                    return None
                case NotYet():
                    until = now + self._services.options.look_again
                    work.operations.settle(
                        operation.id, fence=operation.fence, state=str(OperationState.READY), due_at=until
                    )
                    return None
            earlier = work.tickets.of_operation(operation.id)
            since = operation.retried_at
            used = [each for each in earlier if since is None or (each.closed_at or now) > since]
            if len(used) > self._options.closings:
                reason = (
                    f"{len(used)} tickets were deleted or hidden, or could not be reopened, "
                    f"the last was {earlier[-1].issue_key}"
                )
                settlement.given_up(work, operation, reason, now=now)
                return None
            project = self._writer.route(operation, self._services.policy_of(operation.request_id, within=work)).project
            ticket = Ticket(
                id=new_id("tk"),
                operation_id=operation.id,
                provider=self._provider.name,
                marker=f"provisor-{operation.id}-{len(earlier) + 1}",
                project=project,
                state=TicketState.INTENDED,
                after_key=work.tickets.last_key(project),
            )
            work.tickets.add(ticket)
            work.audit.record(
                "ticket.intended", "ticket", ticket.id, now=now, request_id=operation.request_id, why=operation.why
            )
            return ticket

    def _find(self, operation: Operation, ticket: Ticket) -> Sequence[TicketRef]:
        """Issues that an earlier try may have made without our hearing of it."""
        if ticket.tries == 0:
            return ()
        provider = self._provider.in_lane(operation.lane)
        probed = provider.probe(ticket.marker, project=ticket.project, after_key=ticket.after_key)
        return probed or provider.find(ticket.marker, project=ticket.project)

    def _may_still_appear(self, ticket: Ticket) -> bool:
        tried = ticket.create_tried_at
        return tried is not None and self._services.clock.now() < tried + self._options.look_for

    def _make(self, operation: Operation, ticket: Ticket, seen: Observation | None) -> TicketRef | None:
        """Make the issue, after a commit that says so; None when the issue is not wanted any more, or made later."""
        now = self._services.clock.now()
        with self._services.store.read() as work:
            request = work.requests.get(operation.request_id)
            claim = work.claims.of_request(operation.request_id)
            earlier = work.tickets.of_operation(operation.id)
        assert request is not None
        holdings = self._holdings(operation)
        asked = self._ask_guard(operation, holdings)
        if asked is Later.LATER:
            return None
        ruling, more = asked or (None, ())
        warnings = (*(ruling.warnings if isinstance(ruling, ByPerson) else ()), *more)
        earlier = [each for each in earlier if each.id != ticket.id]
        state_now = None if seen is None else seen.evidence
        draft = self._writer.draft(
            operation,
            request,
            ticket,
            claim,
            holdings,
            earlier=earlier,
            warnings=warnings,
            state_now=state_now,
            now=now,
        )
        shown = {
            UNTIL: claim.ends_at.isoformat() if claim and claim.ends_at else None,
            FIELDS: self._writer.templated(operation, request, draft),
            WARNINGS: warnings,
            STATE_NOW: state_now,
        }
        with self._services.store.write(holding=operation.access_key) as work:
            against = ruling if isinstance(ruling, Barred) else objection(work, operation)
            if isinstance(against, NotWanted | Barred):
                self._record_ended(work, operation, ticket, TicketState.WITHDRAWN, now=now)
                _end(work, operation, against, now=now)
                return None
            work.operations.settle(operation.id, fence=operation.fence, lease_until=now + self._services.options.lease)
            work.tickets.set(ticket.id, tries=ticket.tries + 1, create_tried_at=now, due_on=draft.due, shown=shown)
        try:
            return self._provider.in_lane(operation.lane).create(draft)
        except (Transient, Permanent, CredentialRefused) as failure:
            # The issue is known not to exist: the next try need not wait for it to appear, nor look for it if nothing was sent.
            tries = ticket.tries + was_tried(failure)
            with self._services.store.write() as work:
                work.tickets.set(ticket.id, tries=tries, create_tried_at=None)
            raise

    def _ask_guard(
        self, operation: Operation, holdings: Holdings | None
    ) -> tuple[Ruling, tuple[str, ...]] | Later | None:
        """What the guard says of the operation today, and further warnings; None where the system cannot be read for good."""

        def ask() -> tuple[Ruling, tuple[str, ...]]:
            connector = self._services.connector(operation.system, operation.lane)
            ruling = rule_on(self._services, operation, facts_now(self._services, connector, operation))
            return ruling, tuple(warnings_of(connector, self._services, operation, holdings))

        return self._read(operation, ask)

    def _holdings(self, operation: Operation) -> Holdings | None:
        """What an account holds, for the ticket that asks to deprovision it. The ticket does not wait for the list."""
        if not self._writer.lists_holdings(operation) or operation.account_id is None:
            return None
        try:
            return self._services.connector(operation.system, operation.lane).holdings(operation.account_id)
        except Failure as failure:
            return Holdings(complete=False, note=f"What the account holds could not be read: {failure.what}")

    def _opened(self, operation: Operation, ticket: Ticket, ref: TicketRef) -> None:
        now = self._services.clock.now()
        due = now + self._options.poll
        with self._services.store.write(holding=operation.access_key) as work:
            against = objection(work, operation)
            if isinstance(against, NotWanted | Barred):
                # Called back while the issue was being made: the ticket is due at once, and the tracker closes it.
                _end(work, operation, against, now=now)
                due = now
            else:
                work.operations.settle(
                    operation.id,
                    fence=operation.fence,
                    state=str(OperationState.WITH_PERSON),
                    due_at=None,
                    there_at=operation.there_at,
                    error=operation.error,
                )
                ledger.waits_for(work, operation, Cause.TICKET, now=now)
            self._record_opened(work, operation, ticket, ref, now=now, due_at=due)
        _log.info("ticket.opened", ticket=ref.key, url=ref.url)

    @staticmethod
    def _record_opened(
        work: UnitOfWork, operation: Operation, ticket: Ticket, ref: TicketRef, *, now: datetime, due_at: datetime
    ) -> None:
        work.tickets.step(
            ticket.id,
            to=TicketState.OPEN,
            states=(TicketState.INTENDED,),
            issue_id=ref.id,
            issue_key=ref.key,
            url=ref.url,
            opened_at=now,
            due_at=due_at,
            error=None,
        )
        work.audit.record(
            "ticket.opened", "ticket", ticket.id, now=now, request_id=operation.request_id, key=ref.key, url=ref.url
        )

    @staticmethod
    def _record_ended(
        work: UnitOfWork,
        operation: Operation,
        ticket: Ticket,
        end: TicketState,
        *,
        now: datetime,
        why: str | None = None,
    ) -> None:
        """End a ticket that never had an issue."""
        intended = (TicketState.INTENDED,)
        if work.tickets.step(ticket.id, to=end, states=intended, closed_at=now, due_at=None, error=why):
            work.audit.record(f"ticket.{end}", "ticket", ticket.id, now=now, request_id=operation.request_id, why=why)

    def _close_twin(self, operation: Operation, ticket: Ticket, ref: TicketRef) -> None:
        """This worker was frozen before it made its issue, and another made the ticket's meanwhile: close the one made last."""
        with self._services.store.read() as work:
            current = work.tickets.get(ticket.id)
        if current is not None and current.issue_id not in (None, ref.id):
            first = TicketRef(current.issue_id or "", current.issue_key or "", current.url or "")
            self._close_duplicates(operation, first, [ref])

    def _close_duplicates(self, operation: Operation, first: TicketRef, duplicates: Sequence[TicketRef]) -> None:
        """More than one issue carries the marker: the oldest is the ticket, the others get a comment and are closed."""
        provider = self._provider.in_lane(operation.lane)
        for duplicate in duplicates:
            try:
                provider.comment(
                    duplicate, f"This is a duplicate of {first.key}. Nothing is to be done here.", marker="twin"
                )
                provider.transition(duplicate, TicketPhase.DECLINED)
            except Failure as failure:
                _log.warning("ticket.duplicate_left", ticket=duplicate.key, first=first.key, why=str(failure))

    def _wait_for(self, operation: Operation, ticket: Ticket) -> None:
        due = self._services.clock.now() + self._services.options.look_again
        with self._services.store.write() as work:
            work.operations.settle(operation.id, fence=operation.fence, due_at=due)
        _log.info("ticket.looked_for", marker=ticket.marker, until=due)


def _end(work: UnitOfWork, operation: Operation, against: NotWanted | Barred, *, now: datetime) -> None:
    """An operation that is not wanted any more is dropped; one that the guard bars has failed."""
    if isinstance(against, Barred):
        settlement.given_up(work, operation, against.why, now=now)
    else:
        settlement.dropped(work, operation, against.why, now=now)
