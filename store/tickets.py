"""Tickets in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, func, or_, select, update

from access.lifecycle import TicketState
from access.methods import Direction
from access.operations import Ticket, TicketTrouble
from store.leases import LeasedTable, among
from store.rows import to_row
from store.tables import operations, tickets

#: States in which a ticket asks a person, or is about to.
LIVING = (TicketState.INTENDED, TicketState.OPEN, TicketState.ANSWERED)
#: States in which a ticket has come to its end, and its issue may be used again by people.
ENDED = (TicketState.VERIFIED, TicketState.DECLINED, TicketState.ESCALATED, TicketState.WITHDRAWN)
#: States in which a ticket is read when it is due: those that ended for a while too.
FOLLOWED = (TicketState.OPEN, TicketState.ANSWERED, TicketState.HIDDEN, *ENDED)


class Tickets(LeasedTable[Ticket]):
    """Tickets, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, tickets, Ticket)

    def add(self, ticket: Ticket) -> None:
        """Store a new ticket, before the call that makes the issue."""
        self._connection.execute(tickets.insert(), to_row(ticket))

    def of_operation(self, operation_id: str) -> Sequence[Ticket]:
        """All tickets an operation ever had, oldest first."""
        statement = select(tickets).where(tickets.c.operation_id == operation_id)
        # By the number at the marker's end: "-10" comes after "-9".
        statement = statement.order_by(func.length(tickets.c.marker), tickets.c.marker)
        return self._all(statement)

    def living_of(self, operation_id: str) -> Ticket | None:
        """The one ticket that asks for an operation, or is about to."""
        return next((ticket for ticket in self.of_operation(operation_id) if ticket.state in LIVING), None)

    def last_key(self, project: str) -> str | None:
        """The highest issue key that we know in a project; tickets made later have a higher one."""
        statement = (
            select(tickets.c.issue_key)
            .where(tickets.c.project == project, tickets.c.issue_key.is_not(None))
            .order_by(func.length(tickets.c.issue_key).desc(), tickets.c.issue_key.desc())
            .limit(1)
        )
        return self._connection.execute(statement).scalar()

    def lease_due(self, direction: Direction, *, now: datetime, lasting: timedelta, limit: int) -> Sequence[Ticket]:
        """Take up to ``limit`` tickets that are due to be looked at, so that one call can read them all.

        They are those of operations in one ``direction``, whose calls are made in one lane.
        """
        due = (
            select(tickets.c.id)
            .where(
                tickets.c.due_at <= now,
                exists().where(operations.c.id == tickets.c.operation_id, operations.c.direction == str(direction)),
                among(tickets.c.state, FOLLOWED),
                or_(tickets.c.lease_until.is_(None), tickets.c.lease_until <= now),
            )
            .order_by(tickets.c.due_at)
            .limit(limit)
        )
        if self._connection.dialect.name == "postgresql":
            due = due.with_for_update(skip_locked=True)
        statement = (
            update(tickets)
            .where(tickets.c.id.in_(due))
            .values(lease_until=now + lasting, fence=tickets.c.fence + 1)
            .returning(tickets)
        )
        return self._all(statement)

    def count_missing(self, states: Iterable[TicketState]) -> int:
        """Of how many operations the ticket cannot be seen, among those in ``states``."""
        missing = tickets.c.missing_since.is_not(None)
        statement = select(func.count(tickets.c.operation_id.distinct())).where(missing, among(tickets.c.state, states))
        return self._connection.execute(statement).scalar_one()

    def was_unmapped(self, project: str, status: str) -> bool:
        """Whether a ticket of the project had this status before, and nothing gave it a meaning."""
        found = select(tickets.c.id).where(tickets.c.project == project, tickets.c.unmapped == status).limit(1)
        return self._connection.execute(found).first() is not None

    def due_by(self, key: str, moment: datetime) -> None:
        """Have a ticket looked at no later than ``moment``."""
        later = or_(tickets.c.due_at.is_(None), tickets.c.due_at > moment)
        statement = update(tickets).where(tickets.c.id == key, later).values(due_at=moment)
        self._connection.execute(statement)

    def trouble_of(self, key: str) -> TicketTrouble | None:
        """What a person has to look at on a ticket."""
        found = self._connection.execute(select(tickets.c.trouble).where(tickets.c.id == key)).scalar()
        return None if found is None else TicketTrouble(found)
