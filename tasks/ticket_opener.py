"""Opening tickets: one for each operation that needs a person, whatever happens on the way.

The intent and its marker are committed before the call that makes the issue. Whoever comes back to an intent without an
issue looks for the marker first, past the search index and through it, and only makes the issue again once neither has
shown it for a set time.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from access.failures import CredentialRefused, Failure, Permanent, Transient
from access.lifecycle import OperationState, TicketState
from access.operations import Operation, Ticket
from access.retry import GiveUp, RetryAt, RetryLimits, decide, was_tried
from connectors.ports import Holdings, Observation
from store.unit_of_work import UnitOfWork
from tasks import settlement
from tasks.faults import fault
from tasks.preconditions import NotWanted, NotYet, objection
from tasks.services import Services, new_id
from tasks.targets import target_of
from tasks.ticket_text import TicketWriter
from ticketing.ports import TicketProvider, TicketRef

_log = structlog.get_logger(__name__)

#: Tries of making a ticket are bounded by the deadline alone.
_AS_OFTEN_AS_IT_TAKES = sys.maxsize


@dataclass(frozen=True, slots=True)
class TicketOptions:
    """The times and bounds of tickets.

    ``poll``: how often an open ticket is looked at. ``look_for``: how long an issue whose creation was not answered is
    looked for before another is made. ``believe_within``: how long after a ticket was closed the system may take to show
    it. ``closings``: how often a ticket may be closed without being done, and how many tickets an operation may use up,
    before it is handed to the operator.
    """

    poll: timedelta = timedelta(seconds=30)
    look_for: timedelta = timedelta(minutes=2)
    believe_within: timedelta = timedelta(seconds=30)
    closings: int = 3


class TicketOpener:
    """Opens tickets."""

    def __init__(
        self, services: Services, provider: TicketProvider, writer: TicketWriter, options: TicketOptions
    ) -> None:
        self._services = services
        self._provider = provider
        self._writer = writer
        self._options = options

    def open(self, operation: Operation) -> str | None:
        """See that the operation, leased to us, has its one ticket.

        Returns the id of the next operation when this one turns out to be done already. Raises ``LeaseLost``.
        """
        try:
            seen = self._look(operation)
        except Failure as failure:
            self.put_back(operation, failure)
            return None
        if seen is not None and seen.present is operation.direction.wants_present:
            return self._already_so(operation, seen)
        ticket = self._intend(operation)
        if ticket is None:
            return None
        try:
            found = self._find(operation, ticket)
            if not found and self._may_still_appear(ticket):
                self._wait_for(operation, ticket)
                return None
            ref = found[0] if found else self._make(operation, ticket)
        except Failure as failure:
            self.put_back(operation, failure)
            return None
        if ref is None:
            return None
        self._opened(operation, ticket, ref)
        self._close_twins(operation, ref, found[1:])
        return None

    def _look(self, operation: Operation) -> Observation | None:
        """What the system shows now. None when it cannot be read and will not be: a person is asked all the same."""
        try:
            return self._services.connector(operation.system, operation.lane).observe(target_of(operation))
        except Failure as exc:
            failure = exc
        except Exception as exc:  # noqa: BLE001 - a person is asked whatever keeps us from looking
            _log.exception("operation.broke")
            failure = fault(exc)
        if isinstance(self._verdict(operation, failure, limits=self._services.options.retry), GiveUp):
            return None
        raise failure

    def _already_so(self, operation: Operation, seen: Observation) -> str | None:
        """Done without a ticket, or before we knew of ours: an issue that was made all the same is then closed."""
        with self._services.store.read() as work:
            tickets = work.tickets.of_operation(operation.id)
            intended = next((ticket for ticket in tickets if ticket.state is TicketState.INTENDED), None)
        try:
            found = self._find(operation, intended) if intended else ()
        except Failure as failure:
            self.put_back(operation, failure)
            return None
        now = self._services.clock.now()
        was_there = operation.before is None and not any(ticket.tries for ticket in tickets)
        with self._services.store.write(holding=operation.access_key) as work:
            if intended and found:
                self._step_to_open(work, intended, found[0], now=now, due_at=now)
            elif intended:
                self._step_to_withdrawn(work, intended, now=now)
            return settlement.done(work, operation, seen, was_there=was_there, now=now)

    def _intend(self, operation: Operation) -> Ticket | None:
        """The operation's ticket, committed to before anything is made; None when none is to be made."""
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            living = work.tickets.living_of(operation.id)
            if living is not None:
                return living  # It may exist already: what is not wanted any more is withdrawn once we know.
            match objection(work, operation):
                case NotWanted(why=why):
                    settlement.dropped(work, operation, why, now=now)
                    return None
                case NotYet():
                    until = now + self._services.options.look_again
                    work.operations.settle(
                        operation.id, fence=operation.fence, state=str(OperationState.READY), due_at=until
                    )
                    return None
            earlier = work.tickets.of_operation(operation.id)
            if len(earlier) > self._options.closings:
                reason = f"{len(earlier)} tickets were deleted or could not be reopened, the last was {earlier[-1].issue_key}"
                settlement.failed(work, operation, reason, now=now)
                return None
            ticket_id = new_id("tk")
            request = work.requests.get(operation.request_id)
            assert request is not None
            route = self._writer.route(operation)
            work.tickets.intend(
                ticket_id=ticket_id,
                operation_id=operation.id,
                provider=self._provider.name,
                marker=f"provisor-{operation.id}-{len(earlier) + 1}",
                project=route.project,
            )
            work.tickets.set(ticket_id, after_key=work.tickets.last_key(route.project))
            work.audit.record(
                "ticket.intended", "ticket", ticket_id, now=now, request_id=operation.request_id, why=operation.why
            )
            return work.tickets.get(ticket_id)

    def _find(self, operation: Operation, ticket: Ticket) -> Sequence[TicketRef]:
        """Issues that an earlier, unanswered try may have made."""
        if ticket.tries == 0:
            return ()
        provider = self._provider.in_lane(operation.lane)
        probed = provider.probe(ticket.marker, project=ticket.project, after_key=ticket.after_key)
        return probed or provider.find(ticket.marker, project=ticket.project)

    def _may_still_appear(self, ticket: Ticket) -> bool:
        tried = ticket.create_tried_at
        return tried is not None and self._services.clock.now() < tried + self._options.look_for

    def _make(self, operation: Operation, ticket: Ticket) -> TicketRef | None:
        """Make the issue; that it is being made is committed before. None when it is not wanted any more."""
        now = self._services.clock.now()
        with self._services.store.read() as work:
            request = work.requests.get(operation.request_id)
            claim = work.claims.of_request(operation.request_id)
        assert request is not None
        draft = self._writer.draft(operation, request, ticket, claim, self._holdings(operation), now=now)
        with self._services.store.write(holding=operation.access_key) as work:
            against = objection(work, operation)
            if isinstance(against, NotWanted):
                self._step_to_withdrawn(work, ticket, now=now)
                settlement.dropped(work, operation, against.why, now=now)
                return None
            work.operations.settle(
                operation.id,
                fence=operation.fence,
                first_tried_at=operation.first_tried_at or now,
                lease_until=now + self._services.options.lease,
            )
            work.tickets.set(ticket.id, tries=ticket.tries + 1, create_tried_at=now)
        try:
            return self._provider.in_lane(operation.lane).create(draft)
        except (Transient, Permanent, CredentialRefused) as failure:
            # Known not to exist: the next try need not look for it as long, or not at all when nothing was sent.
            tries = ticket.tries + was_tried(failure)
            with self._services.store.write() as work:
                work.tickets.set(ticket.id, tries=tries, create_tried_at=None)
            raise

    def _holdings(self, operation: Operation) -> Holdings | None:
        """What an account holds, for the ticket that asks to deprovision it; the ticket does not wait for it."""
        if not self._writer.lists_holdings(operation) or operation.account_id is None:
            return None
        try:
            return self._services.connector(operation.system, operation.lane).holdings(operation.account_id)
        except Failure as failure:
            return Holdings(complete=False, note=f"What the account holds could not be read: {failure.message}")

    def _opened(self, operation: Operation, ticket: Ticket, ref: TicketRef) -> None:
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            against = objection(work, operation)
            if isinstance(against, NotWanted):
                # Called back while the issue was being made: the ticket_tracker finds it due, and closes it.
                settlement.dropped(work, operation, against.why, now=now)
            else:
                work.operations.settle(
                    operation.id,
                    fence=operation.fence,
                    state=str(OperationState.WITH_PERSON),
                    due_at=None,
                    error=operation.error,
                )
            due = now if isinstance(against, NotWanted) else now + self._options.poll
            self._step_to_open(work, ticket, ref, now=now, due_at=due)
            work.audit.record(
                "ticket.opened", "ticket", ticket.id, now=now, request_id=operation.request_id, key=ref.key, url=ref.url
            )
        _log.info("ticket.opened", ticket=ref.key, url=ref.url)

    @staticmethod
    def _step_to_withdrawn(work: UnitOfWork, ticket: Ticket, *, now: datetime) -> None:
        work.tickets.step(
            ticket.id, to=TicketState.WITHDRAWN, states=(TicketState.INTENDED,), closed_at=now, due_at=None
        )

    @staticmethod
    def _step_to_open(work: UnitOfWork, ticket: Ticket, ref: TicketRef, *, now: datetime, due_at: datetime) -> None:
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

    def _close_twins(self, operation: Operation, first: TicketRef, twins: Sequence[TicketRef]) -> None:
        """More than one issue carries the marker: the oldest is ours, the others say so and are closed."""
        provider = self._provider.in_lane(operation.lane)
        for twin in twins:
            try:
                provider.comment(
                    twin, f"This is a duplicate of {first.key}. Nothing is to be done here.", marker="twin"
                )
                provider.close(twin)
            except Failure as failure:
                _log.warning("ticket.twin_left", ticket=twin.key, first=first.key, why=str(failure))

    def _wait_for(self, operation: Operation, ticket: Ticket) -> None:
        due = self._services.clock.now() + self._services.options.look_again
        with self._services.store.write() as work:
            work.operations.settle(operation.id, fence=operation.fence, due_at=due)
        _log.info("ticket.looked_for", marker=ticket.marker, until=due)

    def put_back(self, operation: Operation, failure: Failure, *, ours: bool = False) -> None:
        """Try again later, or give up. ``ours`` is a fault of our own, which is tried no more often than a call out.

        What our own rate budget put off is not a try. A ticketing system that is away is waited for until the deadline:
        there is nobody else to hand the work to.
        """
        now = self._services.clock.now()
        limits = self._services.options.retry
        verdict = self._verdict(
            operation, failure, limits=limits if ours else replace(limits, attempts=_AS_OFTEN_AS_IT_TAKES)
        )
        if isinstance(verdict, GiveUp):
            self._give_up(operation, failure, now=now)
            return
        with self._services.store.write() as work:
            work.operations.settle(
                operation.id,
                fence=operation.fence,
                tries=operation.tries + was_tried(failure),
                first_tried_at=(operation.first_tried_at or now) if was_tried(failure) else operation.first_tried_at,
                due_at=verdict.at,
                error=str(failure),
            )
        level = _log.error if isinstance(failure, CredentialRefused) else _log.warning
        level("operation.retry", failure=failure.word, why=str(failure), until=verdict.at)

    def _give_up(self, operation: Operation, failure: Failure, *, now: datetime) -> None:
        with self._services.store.write(holding=operation.access_key) as work:
            ticket = work.tickets.living_of(operation.id)
            if ticket is not None:
                work.tickets.step(
                    ticket.id, to=TicketState.LOST, states=(TicketState.INTENDED,), error=str(failure), closed_at=now
                )
            settlement.failed(work, operation, f"No ticket could be made: {failure}", now=now)

    def _verdict(self, operation: Operation, failure: Failure, *, limits: RetryLimits) -> RetryAt | GiveUp:
        now: datetime = self._services.clock.now()
        return decide(
            failure,
            tries=operation.tries + 1,
            first_tried_at=operation.first_tried_at or now,
            now=now,
            limits=limits,
        )
