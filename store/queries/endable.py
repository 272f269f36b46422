"""What could be ended now: claims that stand or are on their way, and grants that are not decided yet."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, or_, select

from access import email_address
from access.lifecycle import ClaimState, RequestState
from access.message import Action
from access.operations import Claim, Request
from store.leases import among
from store.rows import from_row
from store.tables import claims, requests

_LIVING = (ClaimState.PENDING, ClaimState.ACTIVE)
_UNDECIDED = (RequestState.RECEIVED, RequestState.PLANNED)


def living_claims(connection: Connection, *, person: str | None = None) -> Sequence[Claim]:
    """Claims that are not over, the first to end first; those of one person by account id, address or name of the account."""
    found = select(claims).where(among(claims.c.state, _LIVING))
    if person is not None:
        found = found.where(
            or_(
                claims.c.account_id == person,
                claims.c.email == email_address.normalized(person),
                func.lower(claims.c.account_title) == person.lower(),
            )
        )
    found = found.order_by(claims.c.ends_at, claims.c.request_id)
    return [from_row(Claim, row) for row in connection.execute(found).mappings()]


def undecided_grants(connection: Connection) -> Sequence[Request]:
    """Requests to give access that have made no claim yet, in their order."""
    found = select(requests).where(among(requests.c.state, _UNDECIDED), requests.c.action == str(Action.GRANT))
    return [from_row(Request, row) for row in connection.execute(found.order_by(requests.c.sequence)).mappings()]
