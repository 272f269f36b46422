"""Which claims on groups that feed others have lost the claim that they serve."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, exists, literal, or_, select

from access.lifecycle import ENDS, ClaimState
from access.message import CHILD, CHILD_END
from store.leases import among
from store.tables import claims, requests

_ALIVE = (ClaimState.PENDING, ClaimState.ACTIVE)


def ended_parents(connection: Connection, *, limit: int) -> Sequence[str]:
    """Requests for feeding groups whose claim lives, though that of the request that they serve does not."""
    parent, parents_claim, ending = requests.alias("parent"), claims.alias("parents_claim"), requests.alias("ending")
    is_parent = requests.c.id == parent.c.id + literal(CHILD)
    lives = exists().where(parents_claim.c.request_id == parent.c.id, among(parents_claim.c.state, _ALIVE))
    statement = (
        select(requests.c.id)
        .select_from(requests)
        .join(claims, and_(claims.c.request_id == requests.c.id, among(claims.c.state, _ALIVE)))
        .join(parent, is_parent)
        .where(
            requests.c.source == "feeding",
            ~lives,
            or_(
                parent.c.state.in_(sorted(ENDS["request"])),
                exists().where(parents_claim.c.request_id == parent.c.id),
            ),
            ~exists().where(ending.c.id == parent.c.id + literal(CHILD_END)),
        )
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())
