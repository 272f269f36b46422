"""Access for a time whose ticket is still open: a person may have given it long before the ticket is closed.

The clock starts when the access is seen. So it is looked for as soon as a new snapshot shows it, and singly every quarter of an
hour; nobody has the access for longer because a ticket was forgotten.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from access.lifecycle import ClaimState
from access.methods import Direction
from access.operations import Claim, Operation, Ticket
from store.unit_of_work import UnitOfWork

#: Between two looks for access whose ticket is open, where no snapshot shows it.
LOOK_EVERY = timedelta(minutes=15)


def is_to_be_looked_for(
    work: UnitOfWork, ticket: Ticket, operation: Operation, claim: Claim | None, *, now: datetime
) -> bool:
    """Whether to ask the system now for access for a time whose ticket is open."""
    if operation.direction is Direction.TAKE or claim is None:
        return False
    if claim.state is not ClaimState.PENDING or not claim.is_timed:
        return False
    since = ticket.looked_at or ticket.opened_at
    if since is None or now >= since + LOOK_EVERY or is_over(claim, now=now):
        return True
    account = operation.account_id
    return account is not None and work.snapshots.shows(operation.entitlement, account, completed_after=since)


def is_over(claim: Claim | None, *, now: datetime) -> bool:
    """Whether the fixed end of a claim has come before its access was given."""
    if claim is None or claim.state is not ClaimState.PENDING:
        return False
    return claim.ends_at is not None and claim.ends_at <= now
