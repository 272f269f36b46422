"""Following tickets: what people did with them, and whether it is true.

A closed ticket is an answer, not a fact. The system is read; if it shows what was asked for, the operation is done. If it
does not within a set time, a comment says what is still wrong and the same ticket is reopened; after a set number of such
answers it is handed to the operator. One call reads up to a hundred tickets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from access.failures import Failure, Permanent, Transient
from access.lifecycle import OperationState, TicketState
from access.operations import Lane, Operation, Request, Ticket
from connectors.ports import Observation
from store.leases import LeaseLost
from store.outbox import Topic, WakeUp
from store.unit_of_work import Conflict, Unavailable, UnitOfWork
from tasks import settlement
from tasks.faults import fault
from tasks.services import Services
from tasks.targets import target_of
from tasks.ticket_opener import TicketOptions
from tasks.ticket_text import TicketWriter
from ticketing.ports import Phase, TicketProvider, TicketSnapshot

_log = structlog.get_logger(__name__)

#: How many tickets one call reads (the largest bulk fetch of Jira [spec]).
BATCH = 100


class TicketTracker:
    """Follows open tickets to a verified end."""

    def __init__(
        self, services: Services, provider: TicketProvider, writer: TicketWriter, options: TicketOptions
    ) -> None:
        self._services = services
        self._provider = provider
        self._writer = writer
        self._options = options

    def follow(self) -> None:
        """Look at the tickets that are due, as many at a time as one call reads."""
        due = self._due()
        while due:
            self._follow_these(due)
            # Each that was looked at is due later, or leased: this ends.
            due = self._due() if len(due) == BATCH else ()

    def _due(self) -> Sequence[Ticket]:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            return work.tickets.lease_due(now=now, lasting=self._services.options.lease, limit=BATCH)

    def _follow_these(self, due: Sequence[Ticket]) -> None:
        """Look at tickets, in the lane of their operations: those that take access away do not wait for the others' budget."""
        with self._services.store.read() as work:
            lanes = {ticket.id: self._operation_of(work, ticket).lane for ticket in due}
        for lane in (Lane.REVOKE, Lane.GRANT):
            if together := [ticket for ticket in due if lanes[ticket.id] is lane]:
                self._follow_together(together, lane)

    def _follow_together(self, due: Sequence[Ticket], lane: Lane) -> None:
        try:
            states = self._provider.in_lane(lane).read([ticket.issue_id for ticket in due if ticket.issue_id])
        except Failure as failure:
            for ticket in due:
                self._later(ticket, failure)
            return
        for ticket in due:
            self._follow_one(ticket, states[ticket.issue_id or ""])

    @staticmethod
    def _operation_of(work: UnitOfWork, ticket: Ticket) -> Operation:
        operation = work.operations.get(ticket.operation_id)
        assert operation is not None
        return operation

    def _follow_one(self, ticket: Ticket, state: TicketSnapshot) -> None:
        with self._services.store.read() as work:
            operation = self._operation_of(work, ticket)
            request = work.requests.get(operation.request_id)
        assert request is not None
        with structlog.contextvars.bound_contextvars(
            request_id=request.id, operation_id=operation.id, ticket=state.ref.key
        ):
            try:
                self._judge(ticket, state, operation, request)
            except LeaseLost:
                _log.warning("ticket.taken_over", why="its lease ran out and another worker has it now")
            except Failure as failure:
                self._later(ticket, failure)
            except Unavailable:
                raise
            except Conflict:
                # The operation was called back between our look and our commit: next time it is seen so.
                self._later(ticket, Transient("The operation changed while its ticket was looked at."))
            except Exception as exc:  # noqa: BLE001 - one ticket that breaks us must not keep us from the others
                _log.exception("ticket.broke")
                self._later(ticket, fault(exc))

    def _judge(self, ticket: Ticket, state: TicketSnapshot, operation: Operation, request: Request) -> None:
        if operation.state is not OperationState.WITH_PERSON:
            self._withdraw(ticket, state, operation, request)
        elif state.phase is Phase.OPEN:
            self._still_open(ticket, state)
        else:
            try:
                seen = self._services.connector(operation.system, operation.lane).observe(target_of(operation))
            except Permanent as failure:
                # What the API does not show, or will not show us: a person's word is no proof, and waiting makes it none.
                seen = Observation(
                    present=not operation.direction.wants_present, evidence=f"it cannot be seen: {failure}"
                )
            if seen.present is operation.direction.wants_present:
                self._true(ticket, state, operation, request, seen)
            elif state.phase is Phase.DECLINED:
                self._declined(ticket, state, operation)
            elif state.phase is Phase.GONE:
                self._gone(ticket, operation)
            else:
                self._not_true(ticket, state, operation, request, seen)

    def _provider_for(self, operation: Operation) -> TicketProvider:
        return self._provider.in_lane(operation.lane)

    def _still_open(self, ticket: Ticket, state: TicketSnapshot) -> None:
        self._settle(ticket, state, to=TicketState.OPEN, answered_at=None)

    def _true(
        self, ticket: Ticket, state: TicketSnapshot, operation: Operation, request: Request, seen: Observation
    ) -> None:
        now = self._services.clock.now()
        end = TicketState.LOST if state.phase is Phase.GONE else TicketState.VERIFIED
        with self._services.store.write(holding=operation.access_key) as work:
            self._end(work.tickets.settle, ticket, state, end, now=now)
            following = settlement.done(work, operation, seen, was_there=False, now=now)
            claim = work.claims.get(operation.claim_id) if operation.claim_id else None
            work.audit.record(
                f"ticket.{end}",
                "ticket",
                ticket.id,
                now=now,
                request_id=request.id,
                key=state.ref.key,
                status=state.status,
            )
        _log.info("ticket.verified", status=state.status)
        if following is not None:
            self._services.publisher.send([WakeUp(Topic.OPERATION, following, operation.lane)])
        if end is TicketState.VERIFIED:
            words = self._writer.verified(operation, request, claim)
            self._say(lambda: self._provider_for(operation).comment(state.ref, words, marker=f"{ticket.id}-verified"))

    def _not_true(
        self, ticket: Ticket, state: TicketSnapshot, operation: Operation, request: Request, seen: Observation
    ) -> None:
        """Closed, and not so: wait for it to show, then say what is wrong and reopen, or hand it to the operator."""
        now = self._services.clock.now()
        if ticket.state is TicketState.OPEN:
            self._settle(
                ticket,
                state,
                to=TicketState.ANSWERED,
                answers=ticket.answers + 1,
                answered_at=now,
                due_at=now + min(self._options.believe_within, self._services.options.look_again),
            )
            _log.info("ticket.answered", status=state.status, answers=ticket.answers + 1, seen=seen.evidence)
            return
        answered = ticket.answered_at or now
        if now < answered + self._options.believe_within:
            self._settle(
                ticket, state, due_at=now + min(self._options.believe_within, self._services.options.look_again)
            )
            return
        if ticket.answers > self._options.closings:
            self._escalate(ticket, state, operation, request, seen)
            return
        words = self._writer.still_wrong(operation, request, ticket, seen)
        try:
            self._provider_for(operation).comment(state.ref, words, marker=f"{ticket.id}-answer-{ticket.answers}")
        except Permanent as failure:
            _log.warning("ticket.comment_lost", why=str(failure))
        try:
            reopened = self._provider_for(operation).reopen(state.ref)
        except Permanent as failure:
            self._replace(ticket, state, operation, f"it cannot be reopened: {failure}")
            return
        with self._services.store.write() as work:
            self._settle_in(work, ticket, reopened, to=TicketState.OPEN, answered_at=None)
            work.audit.record(
                "ticket.reopened",
                "ticket",
                ticket.id,
                now=now,
                request_id=request.id,
                key=state.ref.key,
                wrong=seen.evidence,
            )
        _log.warning("ticket.reopened", answers=ticket.answers, wrong=seen.evidence)

    def _escalate(
        self, ticket: Ticket, state: TicketSnapshot, operation: Operation, request: Request, seen: Observation
    ) -> None:
        now = self._services.clock.now()
        words = self._writer.escalated(operation, request, ticket, seen)
        try:
            self._provider_for(operation).comment(state.ref, words, marker=f"{ticket.id}-escalated")
        except Permanent as failure:
            _log.warning("ticket.comment_lost", why=str(failure))
        reason = f"{state.ref.key} was closed {ticket.answers} times without being done: {seen.evidence}"
        with self._services.store.write(holding=operation.access_key) as work:
            self._end(work.tickets.settle, ticket, state, TicketState.ESCALATED, now=now)
            settlement.failed(work, operation, reason, now=now)

    def _declined(self, ticket: Ticket, state: TicketSnapshot, operation: Operation) -> None:
        now = self._services.clock.now()
        said = state.resolution or state.status
        reason = f"{state.ref.key} was closed as '{said}'" + (f" by {state.assignee}" if state.assignee else "")
        with self._services.store.write(holding=operation.access_key) as work:
            self._end(work.tickets.settle, ticket, state, TicketState.DECLINED, now=now)
            settlement.failed(work, operation, reason, now=now)

    def _gone(self, ticket: Ticket, operation: Operation) -> None:
        self._replace(ticket, None, operation, "it was deleted")

    def _replace(self, ticket: Ticket, state: TicketSnapshot | None, operation: Operation, why: str) -> None:
        """The ticket can do no more; the operation gets another one, as long as it has not used them up."""
        now = self._services.clock.now()
        end = TicketState.LOST
        with self._services.store.write(holding=operation.access_key) as work:
            self._end(work.tickets.settle, ticket, state, end, now=now)
            work.operations.step(
                operation.id,
                to=OperationState.READY,
                states=(OperationState.WITH_PERSON,),
                due_at=now,
                dispatched_until=None,
            )
            work.audit.record(
                "ticket.lost",
                "ticket",
                ticket.id,
                now=now,
                request_id=operation.request_id,
                key=ticket.issue_key,
                why=why,
            )
        _log.warning("ticket.lost", why=why)
        self._services.publisher.send([WakeUp(Topic.OPERATION, operation.id, operation.lane)])

    def _withdraw(self, ticket: Ticket, state: TicketSnapshot, operation: Operation, request: Request) -> None:
        now = self._services.clock.now()
        if state.phase is Phase.OPEN:
            words = self._writer.withdrawn(operation, request)
            try:
                self._provider_for(operation).comment(state.ref, words, marker=f"{ticket.id}-withdrawn")
                state = self._provider_for(operation).close(state.ref)
            except Permanent as failure:
                _log.warning("ticket.left_open", why=str(failure))
        with self._services.store.write() as work:
            self._end(work.tickets.settle, ticket, state, TicketState.WITHDRAWN, now=now)
            work.audit.record(
                "ticket.withdrawn", "ticket", ticket.id, now=now, request_id=request.id, key=state.ref.key
            )
        _log.info("ticket.withdrawn")

    def _settle(
        self, ticket: Ticket, shown: TicketSnapshot, *, to: TicketState | None = None, **columns: object
    ) -> None:
        """Keep what people see of it, and look again at the next poll unless ``columns`` say when."""
        with self._services.store.write() as work:
            self._settle_in(work, ticket, shown, to=to, **columns)

    def _settle_in(
        self,
        work: UnitOfWork,
        ticket: Ticket,
        shown: TicketSnapshot,
        *,
        to: TicketState | None = None,
        **columns: object,
    ) -> None:
        values = {"due_at": self._services.clock.now() + self._options.poll, "error": None} | _shown(shown) | columns
        values["state"] = str(to or ticket.state)
        work.tickets.settle(ticket.id, fence=ticket.fence, **values)

    @staticmethod
    def _end(
        settle: Callable[..., None], ticket: Ticket, state: TicketSnapshot | None, end: TicketState, *, now: datetime
    ) -> None:
        shown = {} if state is None else _shown(state)
        settle(ticket.id, fence=ticket.fence, state=str(end), closed_at=now, due_at=None, **shown)

    def _later(self, ticket: Ticket, failure: Failure) -> None:
        now = self._services.clock.now()
        wait = failure.retry_after if isinstance(failure, Transient) and failure.retry_after else self._options.poll
        try:
            with self._services.store.write() as work:
                work.tickets.settle(ticket.id, fence=ticket.fence, due_at=now + wait, error=str(failure))
        except LeaseLost:
            return
        _log.warning("ticket.later", ticket=ticket.issue_key, failure=failure.word, why=str(failure))

    @staticmethod
    def _say(comment: Callable[[], None]) -> None:
        """Thanks are worth one try: the operation is done whether or not the ticket says so."""
        try:
            comment()
        except Failure as failure:
            _log.warning("ticket.comment_lost", why=str(failure))


def _shown(state: TicketSnapshot) -> dict[str, object]:
    """What people see of the ticket, kept beside it; a moved issue has a new key and address, a deleted one has none."""
    if state.phase is Phase.GONE:
        return {}
    return {"status": state.status, "issue_key": state.ref.key, "url": state.ref.url}
