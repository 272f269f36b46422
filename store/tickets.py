"""Tickets in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from access.lifecycle import TicketState
from access.operations import Ticket
from store.leases import LeasedTable
from store.rows import ticket_of
from store.tables import tickets

#: States in which a ticket is not over.
LIVING = (TicketState.INTENDED, TicketState.OPEN, TicketState.ANSWERED)


class Tickets(LeasedTable):
    """Tickets, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, tickets)

    def intend(self, *, ticket_id: str, operation_id: str, provider: str, marker: str, project: str) -> None:
        """Commit to making a ticket, before the call that makes it."""
        self._connection.execute(
            tickets.insert().values(
                id=ticket_id,
                operation_id=operation_id,
                provider=provider,
                marker=marker,
                project=project,
                state=str(TicketState.INTENDED),
            )
        )

    def get(self, ticket_id: str) -> Ticket | None:
        """The ticket."""
        row = self.row(ticket_id)
        return None if row is None else ticket_of(row)

    def of_operation(self, operation_id: str) -> Sequence[Ticket]:
        """All tickets an operation ever had, oldest first."""
        statement = select(tickets).where(tickets.c.operation_id == operation_id)
        # By the number at the marker's end: "-10" comes after "-9".
        statement = statement.order_by(func.length(tickets.c.marker), tickets.c.marker)
        return [ticket_of(row) for row in self._connection.execute(statement).mappings()]

    def living_of(self, operation_id: str) -> Ticket | None:
        """The one ticket of an operation that is not over."""
        return next((ticket for ticket in self.of_operation(operation_id) if ticket.state in LIVING), None)

    def set(self, ticket_id: str, **columns: Any) -> None:
        """Write facts that are no step of its life."""
        self._connection.execute(update(tickets).where(tickets.c.id == ticket_id).values(columns))

    def last_key(self, project: str) -> str | None:
        """The newest issue key we know of in a project: tickets made later have a higher one."""
        statement = (
            select(tickets.c.issue_key)
            .where(tickets.c.project == project, tickets.c.issue_key.is_not(None))
            .order_by(func.length(tickets.c.issue_key).desc(), tickets.c.issue_key.desc())
            .limit(1)
        )
        return self._connection.execute(statement).scalar()

    def lease_due(self, *, now: datetime, lasting: timedelta, limit: int) -> Sequence[Ticket]:
        """Take up to ``limit`` tickets that are due to be looked at, so that one call can read them all."""
        due = (
            select(tickets.c.id)
            .where(
                tickets.c.due_at <= now,
                tickets.c.state.in_([str(TicketState.OPEN), str(TicketState.ANSWERED)]),
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
        return [ticket_of(row) for row in self._connection.execute(statement).mappings()]

    def recent(self, *, states: Sequence[str] = (), limit: int | None = 100) -> Sequence[Ticket]:
        """The newest tickets, optionally only those in ``states``."""
        statement = select(tickets).order_by(tickets.c.opened_at.desc(), tickets.c.id).limit(limit)
        if states:
            statement = statement.where(tickets.c.state.in_(states))
        return [ticket_of(row) for row in self._connection.execute(statement).mappings()]
