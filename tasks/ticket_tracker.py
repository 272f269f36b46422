"""Following tickets: what people did with them, and whether the system shows it.

When a ticket is closed, the system is read: if the system shows what was asked for, the operation is done. If it does not
within a set time, a comment says what is still wrong and the same ticket is reopened. After a set number of such closings
the operation is handed to the operator. One call reads up to a hundred tickets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from access.failures import Failure, Permanent, Transient
from access.faults import Phase as FaultPhase
from access.lifecycle import OperationState, TicketState, is_final
from access.operations import Lane, Operation, Request, Ticket
from connectors.ports import Observation
from store.leases import LeaseLost
from store.outbox import Topic, WakeUp
from store.unit_of_work import UnitOfWork
from tasks import settlement
from tasks.attempts import attempt, log_postponed
from tasks.faults import Row
from tasks.lateness import raise_if_late
from tasks.looks import look
from tasks.services import Services
from tasks.ticket_opener import TicketOptions
from tasks.ticket_text import TicketWriter
from ticketing.ports import Phase, TicketProvider, TicketSnapshot

_log = structlog.get_logger(__name__)

#: States of a ticket that counts in place of another one for the same operation.
_IN_PLACE_OF_A_TWIN = (TicketState.OPEN, TicketState.ANSWERED, TicketState.VERIFIED)

#: How many tickets one call reads (the largest bulk fetch of Jira [spec]).
BATCH = 100


@dataclass(frozen=True, slots=True)
class _Followed:
    """A ticket as we last stored it, as its issue is now, and what it is for."""

    ticket: Ticket
    snapshot: TicketSnapshot
    operation: Operation
    request: Request

    @property
    def wants_a_look(self) -> bool:
        """Whether what becomes of it depends on what the system shows: somebody closed it, or it is gone."""
        phase = self.snapshot.phase
        if self.operation.state is not OperationState.WITH_PERSON or phase is Phase.OPEN:
            return False
        return self.ticket.state is not TicketState.HIDDEN or phase is Phase.DONE


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
        due = self._lease_due()
        while due:
            self._follow_these(due)
            # A ticket that was looked at is due later or leased, so this ends.
            due = self._lease_due() if len(due) == BATCH else ()

    def _lease_due(self) -> Sequence[Ticket]:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            if work.restores.under_way():
                return ()
            return work.tickets.lease_due(now=now, lasting=self._services.options.lease, limit=BATCH)

    def _follow_these(self, due: Sequence[Ticket]) -> None:
        """Look at tickets, in the lane of their operations: those that take access away do not wait for the others' budget."""
        with self._services.store.read() as work:
            both = [(ticket, self._operation_of(work, ticket)) for ticket in due]
        for lane in (Lane.REVOKE, Lane.GRANT):
            together = [
                (ticket, operation)
                for ticket, operation in both
                if operation.lane is lane and not self._is_held(ticket, operation, Row.of_ticket(operation))
            ]
            if together:
                self._follow_together(together, lane)

    def _follow_together(self, due: Sequence[tuple[Ticket, Operation]], lane: Lane) -> None:
        try:
            snapshots = self._provider.in_lane(lane).read([ticket.issue_id for ticket, _ in due if ticket.issue_id])
        except Failure as failure:
            for ticket, operation in due:
                self._put_off(ticket, operation, failure, Row.of_ticket(operation))
            return
        for ticket, operation in due:
            snapshot = snapshots[ticket.issue_id or ""]
            if isinstance(snapshot, Failure):
                self._put_off(ticket, operation, snapshot, Row.of_ticket(operation))
            else:
                self._services.faults.passed(Row.of_ticket(operation), FaultPhase.READ)
                self._follow_one(ticket, snapshot)

    def _is_held(self, ticket: Ticket, operation: Operation, row: Row) -> bool:
        """Have a ticket wait for the end of a shared fault; whether there is one that lasts."""
        if (fault := self._services.faults.held(row)) is None:
            return False
        with self._services.store.write() as work:
            until = self._services.faults.join(work, row, fault)
            if until is None:
                return False
            said = f"{fault.what} {fault.remedy}".rstrip()
            work.tickets.settle(ticket.id, fence=ticket.fence, due_at=until, error=said)
            raise_if_late(self._services, work, operation, why=fault.what)
        _log.info("ticket.held", key=ticket.issue_key, why=said, until=until)
        return True

    @staticmethod
    def _operation_of(work: UnitOfWork, ticket: Ticket) -> Operation:
        operation = work.operations.get(ticket.operation_id)
        assert operation is not None
        return operation

    def _follow_one(self, ticket: Ticket, snapshot: TicketSnapshot) -> None:
        with self._services.store.read() as work:
            operation = self._operation_of(work, ticket)
            request = work.requests.get(operation.request_id)
        assert request is not None
        followed = _Followed(ticket, snapshot, operation, request)
        with structlog.contextvars.bound_contextvars(
            request_id=request.id, operation_id=operation.id, ticket=snapshot.ref.key
        ):
            seen = None
            if followed.wants_a_look:
                system = Row.of_operation(operation)
                if self._is_held(ticket, operation, system):
                    return
                seen = attempt(
                    "ticket",
                    lambda: self._observe(operation),
                    lambda failure: self._put_off(ticket, operation, failure, system),
                )
                if seen is None:
                    return
            attempt(
                "ticket",
                lambda: self._judge(followed, seen),
                lambda failure: self._put_off(ticket, operation, failure, Row.of_ticket(operation)),
            )

    def _judge(self, followed: _Followed, seen: Observation | None) -> None:
        """Decide what becomes of a ticket; ``seen`` is what the system shows, where that counts."""
        operation, phase = followed.operation, followed.snapshot.phase
        if followed.ticket.state is TicketState.HIDDEN:
            self._judge_hidden(followed, seen)
        elif operation.state is not OperationState.WITH_PERSON:
            self._withdraw(followed)
        elif seen is None:
            with self._services.store.write() as work:
                self._settle_in(work, followed, to=TicketState.OPEN, answered_at=None)
                raise_if_late(self._services, work, operation, why=f"{followed.snapshot.ref.key} is open.")
        elif seen.gone or seen.shows(operation.direction):
            self._verified(followed, seen)
        elif phase is Phase.DECLINED:
            self._declined(followed)
        elif phase is Phase.GONE:
            self._replace(followed, "it was deleted or hidden from Provisor", end=TicketState.HIDDEN)
        else:
            self._closed_untrue(followed, seen)

    def _judge_hidden(self, followed: _Followed, seen: Observation | None) -> None:
        """A ticket that had vanished, for whose operation another was made: it is used, or closed, when it is seen again."""
        operation, phase = followed.operation, followed.snapshot.phase
        over = is_final("operation", operation.state)
        if phase is Phase.GONE:
            if over:
                self._forget(followed)
            else:
                self._settle(followed)
            return
        if seen is not None and (seen.gone or seen.shows(operation.direction)):
            self._verified(followed, seen)
            return
        if over or operation.state is OperationState.WITH_PERSON:
            self._withdraw(followed)
        else:
            self._settle(followed)  # The other ticket is not made yet, or nobody is asked again.

    def _forget(self, followed: _Followed) -> None:
        with self._services.store.write() as work:
            self._end(work, followed, TicketState.LOST, now=self._services.clock.now(), why="its operation is over")

    def _observe(self, operation: Operation) -> Observation:
        """What the system shows. What cannot be read for good counts as not done: a closed ticket is not proof."""
        try:
            seen = look(self._services.connector(operation.system, operation.lane), operation)
        except Permanent as failure:
            present = not operation.direction.wants_present
            return Observation(
                present=present, evidence=f"it cannot be seen: {failure}", missing=str(operation.entitlement)
            )
        self._services.faults.passed(Row.of_operation(operation), FaultPhase.READ)
        return seen

    def _verified(self, followed: _Followed, seen: Observation) -> None:
        ticket, snapshot, operation = followed.ticket, followed.snapshot, followed.operation
        end = TicketState.LOST if snapshot.phase is Phase.GONE else TicketState.VERIFIED
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            self._end(work, followed, end, now=now, status=snapshot.status)
            work.operations.set(operation.id, wrote_at=now)  # A person changed the access: see ``last_write_at``.
            wake_ups = settlement.done(work, operation, seen, was_there=False, now=now)
            claim = work.claims.get(operation.claim_id) if operation.claim_id else None
        self._services.publisher.send(wake_ups)
        if end is TicketState.VERIFIED:
            text = self._writer.verified(operation, followed.request, claim)
            try:
                self._provider.in_lane(operation.lane).comment(snapshot.ref, text, marker=f"{ticket.id}-verified")
            except Failure as failure:
                # One try is enough: the operation is done whether or not the ticket says so.
                _log.warning("ticket.comment_lost", why=str(failure))

    def _closed_untrue(self, followed: _Followed, seen: Observation) -> None:
        """Closed, and not done: wait for it to show, then say what is wrong and reopen, or hand it to the operator."""
        ticket = followed.ticket
        now = self._services.clock.now()
        look_at = now + min(self._options.believe_within, self._services.options.look_again)
        if ticket.state is TicketState.OPEN:
            answers, status = ticket.answers + 1, followed.snapshot.status
            with self._services.store.write() as work:
                self._settle_in(
                    work, followed, to=TicketState.ANSWERED, answers=answers, answered_at=now, due_at=look_at
                )
                _record(work, "answered", followed, now, status=status, seen=seen.evidence)
            _log.info("ticket.answered", status=status, answers=answers, seen=seen.evidence)
        elif now < (ticket.answered_at or now) + self._options.believe_within:
            self._settle(followed, due_at=look_at)
        elif ticket.answers > self._options.closings:
            self._escalate(followed, seen)
        else:
            self._reopen(followed, seen)

    def _reopen(self, followed: _Followed, seen: Observation) -> None:
        ticket, snapshot, operation = followed.ticket, followed.snapshot, followed.operation
        text = self._writer.still_wrong(operation, followed.request, ticket, seen)
        self._comment(followed, text, marker=f"{ticket.id}-answer-{ticket.answers}")
        try:
            reopened = self._provider.in_lane(operation.lane).reopen(snapshot.ref)
        except Permanent as failure:
            self._replace(followed, f"it cannot be reopened: {failure}")
            return
        now = self._services.clock.now()
        with self._services.store.write() as work:
            self._settle_in(work, replace(followed, snapshot=reopened), to=TicketState.OPEN, answered_at=None)
            _record(work, "reopened", followed, now, wrong=seen.evidence)
        _log.warning("ticket.reopened", answers=ticket.answers, wrong=seen.evidence)

    def _escalate(self, followed: _Followed, seen: Observation) -> None:
        ticket, ref, operation = followed.ticket, followed.snapshot.ref, followed.operation
        text = self._writer.escalated(operation, followed.request, ticket, seen)
        self._comment(followed, text, marker=f"{ticket.id}-escalated")
        reason = f"{ref.key} was closed {ticket.answers} times without being done: {seen.evidence}"
        self._fail(followed, TicketState.ESCALATED, reason, missing=seen.missing)

    def _declined(self, followed: _Followed) -> None:
        snapshot = followed.snapshot
        by = f" by {snapshot.assignee}" if snapshot.assignee else ""
        reason = f"{snapshot.ref.key} was closed as '{snapshot.resolution or snapshot.status}'{by}"
        self._fail(followed, TicketState.DECLINED, reason)

    def _fail(self, followed: _Followed, end: TicketState, reason: str, *, missing: str | None = None) -> None:
        """The ticket ends without its operation being done: giving has failed, taking is blocked."""
        now = self._services.clock.now()
        with self._services.store.write(holding=followed.operation.access_key) as work:
            self._end(work, followed, end, now=now, why=reason)
            settlement.given_up(work, followed.operation, reason, now=now, missing=missing)

    def _replace(self, followed: _Followed, why: str, *, end: TicketState = TicketState.LOST) -> None:
        """The ticket cannot be used any more; the operation gets another one, as long as it has not used them up."""
        operation = followed.operation
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            self._end(work, followed, end, now=now, why=why)
            if end is TicketState.HIDDEN:
                work.tickets.set(followed.ticket.id, due_at=now + self._options.poll)
            work.operations.step(
                operation.id,
                to=OperationState.READY,
                states=(OperationState.WITH_PERSON,),
                due_at=now,
                dispatched_until=None,
            )
        self._services.publisher.send([WakeUp(Topic.OPERATION, operation.id, operation.lane)])

    def _withdraw(self, followed: _Followed) -> None:
        """The operation is not wanted any more, or not by this ticket: say so on the ticket, and close it."""
        snapshot = followed.snapshot
        if snapshot.phase is Phase.OPEN:
            text = self._why_withdrawn(followed)
            provider = self._provider.in_lane(followed.operation.lane)
            try:
                provider.comment(snapshot.ref, text, marker=f"{followed.ticket.id}-withdrawn")
                followed = replace(followed, snapshot=provider.close(snapshot.ref))
            except Permanent as failure:
                _log.warning("ticket.left_open", why=str(failure))
        with self._services.store.write() as work:
            self._end(work, followed, TicketState.WITHDRAWN, now=self._services.clock.now())

    def _why_withdrawn(self, followed: _Followed) -> str:
        operation, request = followed.operation, followed.request
        with self._services.store.read() as work:
            tickets = work.tickets.of_operation(operation.id)
        instead = [each for each in tickets if each.id != followed.ticket.id and each.state in _IN_PLACE_OF_A_TWIN]
        if instead:
            return self._writer.duplicate(operation, request, instead[-1])
        return self._writer.withdrawn(operation, request)

    def _settle(self, followed: _Followed, *, due_at: datetime | None = None) -> None:
        with self._services.store.write() as work:
            self._settle_in(work, followed, due_at=due_at or self._services.clock.now() + self._options.poll)

    def _settle_in(
        self, work: UnitOfWork, followed: _Followed, *, to: TicketState | None = None, **columns: object
    ) -> None:
        """Keep what people see of the ticket, and look again at the next poll unless ``columns`` say when."""
        ticket = followed.ticket
        defaults = {"due_at": self._services.clock.now() + self._options.poll, "error": None}
        values = defaults | _visible(followed.snapshot) | columns | {"state": str(to or ticket.state)}
        work.tickets.settle(ticket.id, fence=ticket.fence, **values)

    @staticmethod
    def _end(work: UnitOfWork, followed: _Followed, end: TicketState, *, now: datetime, **detail: object) -> None:
        ticket = followed.ticket
        visible = _visible(followed.snapshot)
        work.tickets.settle(ticket.id, fence=ticket.fence, state=str(end), closed_at=now, due_at=None, **visible)
        _record(work, str(end), followed, now, **detail)
        _log.info(f"ticket.{end}", **detail)

    def _put_off(self, ticket: Ticket, operation: Operation, failure: Failure, row: Row) -> None:
        """Look at the ticket at the next poll, when the service asks for it, or when the fault that ``row`` met allows.

        Tickets stay together: one call reads all.
        """
        now = self._services.clock.now()
        wait = failure.retry_after if isinstance(failure, Transient) and failure.retry_after else self._options.poll
        try:
            with self._services.store.write() as work:
                until = self._services.faults.met(work, row, failure, FaultPhase.READ, otherwise=now + wait)
                work.tickets.settle(ticket.id, fence=ticket.fence, due_at=until, error=str(failure))
                raise_if_late(self._services, work, operation, why=failure.what)
        except LeaseLost:
            return
        log_postponed("ticket.postponed", failure, key=ticket.issue_key)

    def _comment(self, followed: _Followed, text: str, *, marker: str) -> None:
        """Comment on a ticket, where the provider lets us."""
        try:
            self._provider.in_lane(followed.operation.lane).comment(followed.snapshot.ref, text, marker=marker)
        except Permanent as failure:
            _log.warning("ticket.comment_lost", why=str(failure))


def _visible(snapshot: TicketSnapshot) -> dict[str, object]:
    """The columns that show what people see of the ticket. A moved issue has a new key and URL, a deleted one has none."""
    if snapshot.phase is Phase.GONE:
        return {}
    return {"status": snapshot.status, "issue_key": snapshot.ref.key, "url": snapshot.ref.url}


def _record(work: UnitOfWork, change: str, followed: _Followed, now: datetime, **detail: object) -> None:
    work.audit.record(
        f"ticket.{change}",
        "ticket",
        followed.ticket.id,
        now=now,
        request_id=followed.request.id,
        key=followed.snapshot.ref.key or followed.ticket.issue_key,
        **detail,
    )
