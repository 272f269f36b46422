"""Claims in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, or_, select, update

from access.claims import STANDING
from access.lifecycle import ClaimState
from access.operations import Claim, access_key
from store.leases import LeasedTable, among
from store.rows import claim_of
from store.tables import claims

#: States in which a claim still holds the access, or will.
LIVE = (ClaimState.PENDING, ClaimState.ACTIVE)


# Built once, for the same reason as in ``store/leases.py``.
_INSERT = claims.insert()
_DISOWN = (
    update(claims)
    .where(claims.c.access_key == bindparam("this_key"), among(claims.c.state, STANDING))
    .values(pre_existing=False)
)


@cache
def _on(states: tuple[ClaimState, ...]) -> Select[Any]:
    there = select(claims).where(claims.c.access_key == bindparam("this_key"), among(claims.c.state, states))
    return there.order_by(claims.c.starts_at, claims.c.id)


_OR_STANDING = (
    select(claims)
    .where(
        or_(
            claims.c.id == bindparam("this_id"),
            and_(claims.c.access_key == bindparam("this_key"), among(claims.c.state, STANDING)),
        )
    )
    .order_by(claims.c.starts_at, claims.c.id)
)
_WHY_VOID = select(claims.c.why_ended).where(
    claims.c.id == bindparam("this_id"), among(claims.c.state, (ClaimState.VOID,))
)


class Claims(LeasedTable):
    """Claims, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, claims)

    def add(self, claim: Claim) -> None:
        """Store a new claim."""
        self._connection.execute(
            _INSERT,
            {
                "id": claim.id,
                "request_id": claim.request_id,
                "system": str(claim.entitlement.system),
                "account_id": claim.account_id,
                "account_title": claim.account_title,
                "entitlement": str(claim.entitlement),
                "named": str(claim.named),
                "title": claim.title,
                "access_key": claim.access_key,
                "state": str(claim.state),
                "duration_seconds": None if claim.duration is None else claim.duration.total_seconds(),
            },
        )

    def get(self, claim_id: str) -> Claim | None:
        """The claim."""
        row = self.row(claim_id)
        return None if row is None else claim_of(row)

    def of_request(self, request_id: str) -> Claim | None:
        """The claim a request made."""
        row = self._connection.execute(select(claims).where(claims.c.request_id == request_id)).mappings().first()
        return None if row is None else claim_of(row)

    def on(self, key: str, *, states: Sequence[ClaimState]) -> Sequence[Claim]:
        """The claims on one access that are in one of ``states``, oldest first."""
        found = self._connection.execute(_on(tuple(states)), {"this_key": key})
        return [claim_of(row) for row in found.mappings()]

    def with_standing(self, claim_id: str, key: str) -> tuple[Claim | None, Sequence[Claim]]:
        """The claim, and the others that stand on an access that was seen, oldest first."""
        found = self._connection.execute(_OR_STANDING, {"this_id": claim_id, "this_key": key}).mappings()
        every = [claim_of(row) for row in found]
        mine = next((claim for claim in every if claim.id == claim_id), None)
        return mine, [claim for claim in every if claim is not mine]

    def why_void(self, claim_id: str) -> str | None:
        """Why the claim came to nothing before the access was seen; None while it has not."""
        row = self._connection.execute(_WHY_VOID, {"this_id": claim_id}).first()
        return None if row is None else row.why_ended or "the request was withdrawn"

    def ended_by(self, operation_id: str) -> Sequence[Claim]:
        """The claims that end when this operation is done."""
        statement = select(claims).where(claims.c.ended_by == operation_id, claims.c.state == str(ClaimState.ENDING))
        return [claim_of(row) for row in self._connection.execute(statement).mappings()]

    def learn_account(self, request_id: str, account_id: str) -> None:
        """The account that a request's claim waited for is there: from now on the claim is found under it."""
        claim = self.of_request(request_id)
        if claim is not None and claim.account_id is None:
            self.set(claim.id, account_id=account_id, access_key=access_key(account_id, None, claim.entitlement))

    def disown(self, key: str) -> None:
        """What was there before any claim on this access is gone: what is there now, the claims that stand have given."""
        self._connection.execute(_DISOWN, {"this_key": key})

    def set(self, claim_id: str, **columns: Any) -> None:
        """Write facts that are no step of its life."""
        self._connection.execute(update(claims).where(claims.c.id == claim_id).values(columns))

    def end(self, claim: Claim, *, now: datetime, why: str) -> bool:
        """It is over and nothing is left to be done for it."""
        return self.step(
            claim.id,
            to=ClaimState.ENDED,
            states=(ClaimState.ACTIVE, ClaimState.ENDING),
            ended_at=now,
            why_ended=why,
            due_at=None,
        )

    def recent(self, *, states: Sequence[str] = (), limit: int | None = 100) -> Sequence[Claim]:
        """The newest claims, optionally only those in ``states``."""
        statement = select(claims).order_by(claims.c.starts_at.desc(), claims.c.id).limit(limit)
        if states:
            statement = statement.where(claims.c.state.in_(states))
        return [claim_of(row) for row in self._connection.execute(statement).mappings()]
