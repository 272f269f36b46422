"""Claims in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from access.entitlements import System
from access.lifecycle import STANDING, ClaimState
from access.operations import Claim, access_key
from store.leases import LeasedTable, among
from store.rows import to_row
from store.tables import claims, requests

# Built once: see ``store/leases.py``.
_INSERT = claims.insert()
_WITH_STANDING = (
    select(claims)
    .where(
        or_(
            claims.c.id == bindparam("this_id"),
            and_(claims.c.access_key == bindparam("this_key"), among(claims.c.state, STANDING)),
        )
    )
    .order_by(claims.c.starts_at, claims.c.id)
)
_WHY_OVER = select(claims.c.why_ended).where(
    claims.c.id == bindparam("this_id"), among(claims.c.state, (ClaimState.VOID, ClaimState.ENDING, ClaimState.ENDED))
)


class Claims(LeasedTable[Claim]):
    """Claims, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, claims, Claim)

    def add(self, claim: Claim) -> None:
        """Store a new claim."""
        self._connection.execute(_INSERT, to_row(claim) | {"system": str(claim.entitlement.system)})

    def of_request(self, request_id: str) -> Claim | None:
        """The claim a request made."""
        return self._first(select(claims).where(claims.c.request_id == request_id))

    def line_of(self, request_id: str) -> Sequence[Claim]:
        """The claims by which a request's access was given and extended, the newest last; none when it made no claim."""
        claim = self.of_request(request_id)
        if claim is None:
            return ()
        line = select(claims).where(or_(claims.c.request_id == claim.origin, claims.c.first_request_id == claim.origin))
        found = self._all(line)
        by_predecessor = {each.follows: each for each in found}
        ordered: list[Claim] = []
        while (following := by_predecessor.get(ordered[-1].id if ordered else None)) is not None:
            ordered.append(following)
        return ordered

    def in_states(self, states: Sequence[ClaimState]) -> Sequence[Claim]:
        """All claims that are in one of ``states``, oldest first."""
        return self._all(select(claims).where(among(claims.c.state, states)).order_by(claims.c.starts_at, claims.c.id))

    def on(self, key: str, *, states: Sequence[ClaimState]) -> Sequence[Claim]:
        """The claims on one access that are in one of ``states``, oldest first."""
        found = select(claims).where(claims.c.access_key == key, among(claims.c.state, states))
        return self._all(found.order_by(claims.c.starts_at, claims.c.id))

    def of_account(self, system: System, account_id: str, *, states: Sequence[ClaimState]) -> Sequence[Claim]:
        """The claims of one account that are in one of ``states``, oldest first."""
        found = select(claims).where(
            claims.c.account_id == account_id, claims.c.system == str(system), among(claims.c.state, states)
        )
        return self._all(found.order_by(claims.c.starts_at, claims.c.id))

    def of_subject(
        self, system: System, *, account_id: str | None, email: str | None, states: Sequence[ClaimState]
    ) -> Sequence[Claim]:
        """The claims of this account, or of this normalized address where no account is named, oldest first."""
        whose = claims.c.account_id == account_id if account_id else claims.c.email == email
        found = select(claims).where(whose, claims.c.system == str(system), among(claims.c.state, states))
        return self._all(found.order_by(claims.c.starts_at, claims.c.id))

    def asked_for(self, system: System, subject: str, *, states: Sequence[ClaimState]) -> Sequence[Claim]:
        """The claims whose request named its subject so, oldest first."""
        origin = func.coalesce(claims.c.first_request_id, claims.c.request_id)
        named_so = select(requests.c.id).where(requests.c.subject == subject, requests.c.system == str(system))
        found = select(claims).where(
            origin.in_(named_so), claims.c.system == str(system), among(claims.c.state, states)
        )
        return self._all(found.order_by(claims.c.starts_at, claims.c.id))

    def with_standing(self, claim_id: str, key: str) -> tuple[Claim | None, Sequence[Claim]]:
        """The claim, and the other claims in ``STANDING`` states on this access, oldest first."""
        found = self._all(_WITH_STANDING, {"this_id": claim_id, "this_key": key})
        own = next((claim for claim in found if claim.id == claim_id), None)
        return own, [claim for claim in found if claim is not own]

    def why_over(self, claim_id: str) -> str | None:
        """Why nothing is to be given for the claim any more; None while it pends or is active."""
        row = self._connection.execute(_WHY_OVER, {"this_id": claim_id}).first()
        return None if row is None else row.why_ended or "the request was withdrawn"

    def ending_within(self, after: datetime, until: datetime) -> Sequence[Claim]:
        """The active claims that end after the first moment, and no later than the second, by their ends."""
        found = select(claims).where(
            claims.c.due_at > after, claims.c.due_at <= until, among(claims.c.state, (ClaimState.ACTIVE,))
        )
        return self._all(found.order_by(claims.c.due_at, claims.c.id))

    def ending_with_others(self, until: datetime) -> Sequence[Claim]:
        """The standing claims on each access of which one ends until then, or is ending."""
        active, ending = among(claims.c.state, (ClaimState.ACTIVE,)), among(claims.c.state, (ClaimState.ENDING,))
        other = claims.alias("other")
        over = or_(
            and_(among(other.c.state, (ClaimState.ACTIVE,)), other.c.due_at <= until),
            among(other.c.state, (ClaimState.ENDING,)),
        )
        keys = select(other.c.access_key).where(over)
        return self._all(select(claims).where(or_(active, ending), claims.c.access_key.in_(keys)).order_by(claims.c.id))

    def ended_by(self, operation_id: str) -> Sequence[Claim]:
        """The claims that end when this operation is done."""
        return self._all(select(claims).where(claims.c.ended_by == operation_id, among(claims.c.state, _ENDING)))

    def learn_account(self, request_id: str, account_id: str, *, proven: bool) -> None:
        """The account that a request's claim waited for exists: from now on the claim is found under the account."""
        claim = self.of_request(request_id)
        if claim is not None and claim.account_id is None:
            key = access_key(account_id, None, claim.entitlement)
            self.set(claim.id, account_id=account_id, account_proven=proven, access_key=key)

    def ending_after(self, moment: datetime, *, until: datetime) -> Sequence[Claim]:
        """Active claims that end later than ``moment`` and no later than ``until``, and that are due."""
        found = select(claims).where(
            among(claims.c.state, (ClaimState.ACTIVE,)),
            claims.c.due_at.is_not(None),
            claims.c.ends_at > moment,
            claims.c.ends_at <= until,
        )
        return self._all(found.order_by(claims.c.ends_at, claims.c.id))

    def clear_pre_existing(self, key: str) -> None:
        """The access from before the first claim is gone: the claims that stand have given what is there now."""
        standing = update(claims).where(claims.c.access_key == key, among(claims.c.state, STANDING))
        self._connection.execute(standing.values(pre_existing=False))


_ENDING = (ClaimState.ENDING,)
