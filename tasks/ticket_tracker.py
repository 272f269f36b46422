"""Following tickets: what people did with them, and whether the system shows it.

When a ticket is closed, the system is read: if the system shows what was asked for, the operation is done. If it does not
within a set time, a comment says what is still wrong and the same ticket is reopened. After a set number of such closings
the operation is handed to the operator. One call reads up to a hundred tickets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from access.failures import Failure, Permanent, Transient
from access.faults import Phase as FaultPhase
from access.ledger import Cause
from access.lifecycle import OperationState, TicketState, is_final
from access.methods import Direction
from access.operations import Lane, Operation, Ticket, TicketTrouble, lane_of
from connectors.ports import Observation
from store.leases import LeaseLost
from store.outbox import Topic, WakeUp
from store.tickets import ENDED
from store.unit_of_work import UnitOfWork
from tasks import ledger, settlement
from tasks.attempts import attempt, log_postponed
from tasks.ended_tickets import EndedTickets
from tasks.faults import Row
from tasks.followed_ticket import FollowedTicket
from tasks.lateness import raise_if_late
from tasks.looks import look
from tasks.open_tickets import is_over, is_to_be_looked_for
from tasks.revocation import withdraw
from tasks.services import Services
from tasks.ticket_comments import TicketCommenter
from tasks.ticket_options import TicketOptions
from tasks.ticket_text import TicketWriter
from tasks.ticket_trouble import begin_trouble, end_trouble
from tasks.ticket_upkeep import TicketUpkeep
from tasks.vanished_tickets import without_vanished
from ticketing.ports import Phase, TicketProvider, TicketSnapshot, who_closed

_log = structlog.get_logger(__name__)

#: States of a ticket that counts in place of another one for the same operation.
_IN_PLACE_OF_A_TWIN = (TicketState.OPEN, TicketState.ANSWERED, TicketState.VERIFIED)

#: How many tickets one call reads (the largest bulk fetch of Jira [spec]).
BATCH = 100


class TicketTracker:
    """Follows open tickets to a verified end, and those that have ended for a while."""

    def __init__(
        self, services: Services, provider: TicketProvider, writer: TicketWriter, options: TicketOptions
    ) -> None:
        self._services = services
        self._provider = provider
        self._writer = writer
        self._options = options
        self._comments = TicketCommenter(services, provider)
        self._upkeep = TicketUpkeep(services, provider, self._comments, writer)
        self._ended = EndedTickets(services, self._comments, writer, options)

    def follow(self) -> None:
        """Look at the tickets that are due, those that take access away first, as many at a time as one call reads."""
        for direction in (Direction.TAKE, Direction.GIVE):
            due = self._lease_due(direction)
            while due:
                self._follow_these(due, lane_of(direction))
                # A ticket that was looked at is due later or leased, so this ends.
                due = self._lease_due(direction) if len(due) == BATCH else ()

    def _lease_due(self, direction: Direction) -> Sequence[Ticket]:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            if work.restores.under_way():
                return ()
            return work.tickets.lease_due(direction, now=now, lasting=self._services.options.unattended, limit=BATCH)

    def _follow_these(self, due: Sequence[Ticket], lane: Lane) -> None:
        """Look at tickets, in the lane of their operations: those that take access away do not wait for the others' budget."""
        with self._services.store.read() as work:
            both = [(ticket, self._operation_of(work, ticket)) for ticket in due]
        together = [
            (ticket, operation)
            for ticket, operation in both
            if not self._is_held(ticket, operation, Row.of_ticket(operation))
        ]
        if together:
            self._follow_together(together, lane)

    def _follow_together(self, due: Sequence[tuple[Ticket, Operation]], lane: Lane) -> None:
        try:
            found = self._provider.in_lane(lane).read([ticket.issue_id for ticket, _ in due if ticket.issue_id])
        except Failure as failure:
            for ticket, operation in due:
                self._put_off(ticket, operation, failure, Row.of_ticket(operation))
            return
        tickets = [ticket for ticket, _ in due]
        read = {ticket.id: found[ticket.issue_id or ""] for ticket in tickets}
        seen = without_vanished(self._services, self._options, read, tickets)
        with self._services.store.read() as work:
            owed = {each.ticket_id for each in work.ticket_comments.owed(seen)}
        for ticket, operation in due:
            snapshot = seen[ticket.id]
            if isinstance(snapshot, Failure):
                self._put_off(ticket, operation, snapshot, Row.of_ticket(operation))
            else:
                self._services.faults.passed(Row.of_ticket(operation), FaultPhase.READ)
                self._follow_one(ticket, snapshot, owed=ticket.id in owed)

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

    def _follow_one(self, ticket: Ticket, snapshot: TicketSnapshot, *, owed: bool) -> None:
        with self._services.store.read() as work:
            operation = self._operation_of(work, ticket)
            request = work.requests.get(operation.request_id)
            claim = work.claims.get(operation.claim_id) if operation.claim_id else None
        assert request is not None
        followed = FollowedTicket(ticket, snapshot, operation, request, claim)
        with structlog.contextvars.bound_contextvars(
            request_id=request.id, operation_id=operation.id, ticket=snapshot.ref.key
        ):
            if owed and snapshot.phase is not Phase.GONE:
                self._comments.say(ticket, snapshot.ref, followed.lane)
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
            self._upkeep.keep(ticket.id, snapshot)

    def _judge(self, followed: FollowedTicket, seen: Observation | None) -> None:
        """Decide what becomes of a ticket; ``seen`` is what the system shows, where that counts."""
        operation, phase, state = followed.operation, followed.snapshot.phase, followed.ticket.state
        if state in ENDED:
            self._ended.judge(followed)
        elif state is TicketState.HIDDEN:
            self._judge_hidden(followed, seen)
        elif operation.state is not OperationState.WITH_PERSON:
            self._withdraw(followed)
        elif seen is None:
            self._judge_open(followed)
        elif seen.gone or seen.shows(operation.direction):
            self._verified(followed, seen)
        elif phase is Phase.DECLINED:
            self._declined(followed)
        elif phase is Phase.GONE:
            self._replace(followed, "it was deleted or hidden from Provisor", end=TicketState.HIDDEN)
        else:
            self._closed_untrue(followed, seen)

    def _judge_open(self, followed: FollowedTicket) -> None:
        """Nobody has closed it. Access for a time may be there all the same, and its clock starts when it is seen."""
        ticket, operation, claim, now = followed.ticket, followed.operation, followed.claim, self._services.clock.now()
        with self._services.store.read() as work:
            look_now = is_to_be_looked_for(work, ticket, operation, claim, now=now)
        if look_now:
            seen = self._observe(operation)
            if seen.shows(operation.direction):
                self._verified(followed, seen)
                return
        if is_over(claim, now=now):
            self._call_back(followed)
            return
        with self._services.store.write() as work:
            looked_at = now if look_now else ticket.looked_at
            self._settle_in(work, followed, to=TicketState.OPEN, answered_at=None, looked_at=looked_at)
            raise_if_late(self._services, work, operation, why=f"{followed.ref.key} is open.")

    def _call_back(self, followed: FollowedTicket) -> None:
        """Its end came before it was given: nobody is asked any more, and the ticket is closed at the next look."""
        operation, now = followed.operation, self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            self._settle_in(work, followed)
            withdraw(work, operation.request_id, why="not given in time: its end came before", now=now)

    def _judge_hidden(self, followed: FollowedTicket, seen: Observation | None) -> None:
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

    def _forget(self, followed: FollowedTicket) -> None:
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

    def _verified(self, followed: FollowedTicket, seen: Observation) -> None:
        ticket, snapshot, operation = followed.ticket, followed.snapshot, followed.operation
        end = TicketState.LOST if snapshot.phase is Phase.GONE else TicketState.VERIFIED
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            self._end(work, followed, end, now=now, status=snapshot.status)
            work.operations.set(operation.id, wrote_at=now)  # A person changed the access: see ``last_write_at``.
            wake_ups = settlement.done(work, operation, seen, was_there=False, now=now)
            if end is TicketState.VERIFIED:
                self._owe_verified(work, followed, now=now)
        self._services.publisher.send(wake_ups)
        if end is TicketState.VERIFIED:
            self._comments.say(ticket, snapshot.ref, followed.lane)

    def _owe_verified(self, work: UnitOfWork, followed: FollowedTicket, *, now: datetime) -> None:
        operation, marker = followed.operation, f"{followed.ticket.id}-verified"
        claim = work.claims.get(operation.claim_id) if operation.claim_id else None
        text = self._writer.verified(operation, followed.request, claim)
        work.ticket_comments.owe(followed.ticket.id, marker, text, now=now)

    def _done_before_we_knew(self, followed: FollowedTicket) -> None:
        """Done by a person before we knew that the issue had been made; the system has shown it since."""
        now = self._services.clock.now()
        with self._services.store.write() as work:
            self._end(work, followed, TicketState.VERIFIED, now=now, status=followed.snapshot.status)
            self._owe_verified(work, followed, now=now)
        self._comments.say(followed.ticket, followed.ref, followed.lane)

    def _closed_untrue(self, followed: FollowedTicket, seen: Observation) -> None:
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
                followed.record(work, "answered", now, status=status, seen=seen.evidence)
                if seen.present and not seen.missing:
                    work.operations.set(followed.operation.id, there_at=now)
            _log.info("ticket.answered", status=status, answers=answers, seen=seen.evidence)
        elif now < (ticket.answered_at or now) + self._options.believe_within:
            self._settle(followed, due_at=look_at)
        elif ticket.answers > self._options.closings:
            self._escalate(followed, seen)
        else:
            self._reopen(followed, seen)

    def _reopen(self, followed: FollowedTicket, seen: Observation) -> None:
        """Reopen the ticket, and say what is wrong. The comment is owed before, so that nothing in between loses it."""
        ticket, operation = followed.ticket, followed.operation
        now = self._services.clock.now()
        text = self._writer.still_wrong(operation, followed.request, ticket, seen)
        with self._services.store.write() as work:
            work.ticket_comments.owe(ticket.id, f"{ticket.id}-answer-{ticket.answers}", text, now=now)
        self._comments.say(ticket, followed.ref, followed.lane)
        try:
            way = self._writer.way(operation, followed.request, Phase.OPEN)
            reopened = self._provider.in_lane(followed.lane).transition(followed.ref, Phase.OPEN, way)
        except Permanent as failure:
            self._replace(followed, f"it cannot be reopened: {failure}")
            return
        now = self._services.clock.now()
        # Somebody may have closed it again already: then the resolution is theirs.
        resolution = reopened.resolution if reopened.phase is Phase.OPEN else None
        with self._services.store.write() as work:
            self._settle_in(work, replace(followed, snapshot=reopened), to=TicketState.OPEN, answered_at=None)
            followed.record(work, "reopened", now, wrong=seen.evidence, resolution_kept=resolution)
            if resolution is not None:
                kept = self._writer.resolution_kept(operation, followed.request, resolution)
                work.ticket_comments.owe(ticket.id, f"{ticket.id}-resolution", kept, now=now)
        if resolution is not None:
            self._comments.say(ticket, followed.ref, followed.lane)
        _log.warning("ticket.reopened", answers=ticket.answers, wrong=seen.evidence)

    def _escalate(self, followed: FollowedTicket, seen: Observation) -> None:
        ticket, operation = followed.ticket, followed.operation
        text = self._writer.escalated(operation, followed.request, ticket, seen)
        by = self._who_closed(followed)
        reason = f"{followed.ref.key} was closed {ticket.answers} times{by} without being done: {seen.evidence}"
        self._fail(followed, TicketState.ESCALATED, reason, comment=text, missing=seen.missing)

    def _declined(self, followed: FollowedTicket) -> None:
        snapshot = followed.snapshot
        by = who_closed(self._provider.in_lane(followed.lane).changelog(snapshot.ref))
        said = f" by {by}" if by else ""
        reason = f"{snapshot.ref.key} was closed as '{snapshot.resolution or snapshot.status}'{said}"
        text = self._writer.declined(followed.operation, followed.request, by=by)
        self._fail(followed, TicketState.DECLINED, reason, comment=text)

    def _who_closed(self, followed: FollowedTicket) -> str:
        """Who closed the ticket last, as the end of a clause; empty where its history does not say."""
        by = who_closed(self._provider.in_lane(followed.lane).changelog(followed.ref))
        return f", last by {by}," if by else ""

    def _fail(
        self, followed: FollowedTicket, end: TicketState, reason: str, *, comment: str, missing: str | None = None
    ) -> None:
        """The ticket ends without its operation being done: giving has failed, taking is blocked."""
        ticket, now = followed.ticket, self._services.clock.now()
        with self._services.store.write(holding=followed.operation.access_key) as work:
            self._end(work, followed, end, now=now, why=reason)
            work.ticket_comments.owe(ticket.id, f"{ticket.id}-{end}", comment, now=now)
            settlement.given_up(work, followed.operation, reason, now=now, missing=missing)
        self._comments.say(ticket, followed.ref, followed.lane)

    def _replace(self, followed: FollowedTicket, why: str, *, end: TicketState = TicketState.LOST) -> None:
        """The ticket cannot be used any more; the operation gets another one, as long as it has not used them up."""
        operation = followed.operation
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            self._end(work, followed, end, now=now, why=why)
            ledger.waits_for(work, operation, Cause.UNSEEN, now=now)
            work.operations.step(
                operation.id,
                to=OperationState.READY,
                states=(OperationState.WITH_PERSON,),
                due_at=now,
                dispatched_until=None,
            )
        self._services.publisher.send([WakeUp(Topic.OPERATION, operation.id, operation.lane)])

    def _withdraw(self, followed: FollowedTicket) -> None:
        """The operation is not wanted any more, or not by this ticket: say so on the ticket, and close it.

        The ticket is withdrawn when it is seen closed. Until then a person may still do it, so that is looked at as well.
        """
        ticket, phase, now = followed.ticket, followed.snapshot.phase, self._services.clock.now()
        if phase is Phase.GONE:
            with self._services.store.write() as work:
                self._end(work, followed, TicketState.HIDDEN, now=now, why="it was deleted or hidden from Provisor")
            return
        if phase is Phase.DONE and followed.operation.state is OperationState.DONE:
            self._done_before_we_knew(followed)
            return
        text = self._why_withdrawn(followed)
        with self._services.store.write() as work:
            work.ticket_comments.owe(ticket.id, f"{ticket.id}-withdrawn", text, now=now)
        self._comments.say(ticket, followed.ref, followed.lane)
        if phase is Phase.OPEN:
            try:
                way = self._writer.way(followed.operation, followed.request, Phase.DECLINED)
                closed = self._provider.in_lane(followed.lane).transition(followed.ref, Phase.DECLINED, way)
            except Permanent as failure:
                self._leave_open(followed, failure)
                return
            if closed.phase is Phase.OPEN:
                self._leave_open(followed, _OPENED_AGAIN)
                return
            followed = replace(followed, snapshot=closed)
        with self._services.store.write() as work:
            end_trouble(work, ticket, TicketTrouble.LEFT_OPEN)
            self._end(work, followed, TicketState.WITHDRAWN, now=now)
            if (
                phase is Phase.DONE
            ):  # A person closed it: whether the access was changed is looked at like after any end.
                work.tickets.set(ticket.id, phase=str(Phase.OPEN), due_at=now)

    def _leave_open(self, followed: FollowedTicket, failure: Permanent) -> None:
        """A ticket that is not needed any more cannot be closed: a person is told, and it is tried again."""
        ticket, now = followed.ticket, self._services.clock.now()
        with self._services.store.write() as work:
            self._settle_in(work, followed, due_at=now + self._options.ended_poll, error=str(failure))
            what = f"{followed.ref.key} is not needed any more, and cannot be closed: {failure.what}"
            begin_trouble(work, ticket, TicketTrouble.LEFT_OPEN, what=what, remedy=failure.remedy, now=now)
        _log.warning("ticket.left_open", why=str(failure))

    def _why_withdrawn(self, followed: FollowedTicket) -> str:
        operation, request = followed.operation, followed.request
        with self._services.store.read() as work:
            tickets = work.tickets.of_operation(operation.id)
        instead = [each for each in tickets if each.id != followed.ticket.id and each.state in _IN_PLACE_OF_A_TWIN]
        if instead:
            return self._writer.duplicate(operation, request, instead[-1])
        return self._writer.withdrawn(operation, request)

    def _settle(self, followed: FollowedTicket, *, due_at: datetime | None = None) -> None:
        with self._services.store.write() as work:
            self._settle_in(work, followed, due_at=due_at or self._services.clock.now() + self._options.poll)

    def _settle_in(
        self, work: UnitOfWork, followed: FollowedTicket, *, to: TicketState | None = None, **columns: object
    ) -> None:
        """Keep what people see of the ticket, and look again at the next poll unless ``columns`` say when."""
        ticket = followed.ticket
        defaults = {"due_at": self._services.clock.now() + self._options.poll, "error": None}
        values = defaults | followed.visible() | columns | {"state": str(to or ticket.state)}
        work.tickets.settle(ticket.id, fence=ticket.fence, **values)

    def _end(
        self, work: UnitOfWork, followed: FollowedTicket, end: TicketState, *, now: datetime, **detail: object
    ) -> None:
        """End the ticket, and look at it now and then as long as people may go on with it."""
        ticket = followed.ticket
        again = {TicketState.HIDDEN: self._options.poll, TicketState.LOST: None}.get(end, self._options.ended_poll)
        due = None if again is None else now + again
        values = {"state": str(end), "closed_at": now, "due_at": due} | followed.visible()
        work.tickets.settle(ticket.id, fence=ticket.fence, **values)
        followed.record(work, str(end), now, **detail)
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


_OPENED_AGAIN = Permanent(
    "It is opened again at once.",
    remedy="Look which rule of the site's automation does that, and leave our tickets out.",
)
