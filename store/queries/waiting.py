"""The rows that wait: requests that are not planned, and operations that are not over, for one list of what waits for what."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from access.lifecycle import OperationState, RequestState, TicketState
from access.operations import Operation, Request, Ticket
from store.leases import among
from store.operations import BUSY
from store.rows import from_row
from store.tables import operations, requests, tickets


def waiting_requests(connection: Connection) -> Sequence[Request]:
    """The requests that are not planned, or not carried out, in their order."""
    states = (RequestState.RECEIVED, RequestState.PLANNED, RequestState.BLOCKED)
    found = select(requests).where(among(requests.c.state, states)).order_by(requests.c.sequence)
    return [from_row(Request, row) for row in connection.execute(found).mappings()]


def waiting_operations(connection: Connection) -> Sequence[Operation]:
    """The operations that have begun or might begin, and are not over, oldest first."""
    states = (OperationState.READY, *BUSY, OperationState.BLOCKED)
    found = select(operations).where(among(operations.c.state, states), operations.c.request_id.not_in(_NOT_BEGUN))
    return [
        from_row(Operation, row)
        for row in connection.execute(found.order_by(operations.c.created_at, operations.c.id)).mappings()
    ]


def living_tickets(connection: Connection) -> dict[str, Ticket]:
    """The tickets that people are asked to work on, by their operations."""
    found = select(tickets).where(among(tickets.c.state, (TicketState.OPEN, TicketState.ANSWERED)))
    return {row["operation_id"]: from_row(Ticket, row) for row in connection.execute(found).mappings()}


#: Requests whose operations are a plan only.
_NOT_BEGUN = select(requests.c.id).where(among(requests.c.state, (RequestState.PLANNED,)))
