"""Requests in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, ScalarSelect, and_, bindparam, func, literal_column, or_, select, update

from access.lifecycle import ENDS, RequestState
from access.message import AccessRequest, Action
from access.operations import Claim, Request
from store.leases import LeasedTable, among
from store.tables import requests

# Built once: see ``store/leases.py``.
_INSERT = requests.insert()
_FINGERPRINTS = select(requests.c.id, requests.c.fingerprint).where(requests.c.id.in_(bindparam("these_ids")))

_SOURCE = select(requests.c.source).where(requests.c.id == bindparam("this_id"))
_SEQUENCES = select(requests.c.id, requests.c.sequence).where(requests.c.id.in_(bindparam("these_ids")))
_LAST = select(func.coalesce(func.max(requests.c.sequence), 0))
_UNPLANNED_BEFORE = (
    select(requests.c.id, requests.c.action)
    .where(
        requests.c.subject == bindparam("this_subject"),
        requests.c.system == bindparam("this_system"),
        requests.c.sequence < bindparam("this_sequence"),
        among(requests.c.state, (RequestState.RECEIVED,)),
        or_(requests.c.starts_at.is_(None), requests.c.starts_at <= bindparam("now", type_=requests.c.starts_at.type)),
    )
    .order_by(requests.c.sequence)
)

_origin = requests.alias("origin")


def _of_origin(column: Column[Any]) -> ScalarSelect[Any]:
    """What the request has there by which the access of a claim was first given."""
    return select(_origin.c[column.name]).where(_origin.c.id == bindparam("this_origin")).scalar_subquery()


_EXTENSIONS = (
    select(requests.c.id)
    .where(
        requests.c.action == literal_column(f"'{Action.EXTEND}'"),
        among(requests.c.state, (RequestState.RECEIVED, RequestState.PLANNED)),
        requests.c.entitlement.in_([bindparam("by_id"), bindparam("by_name"), _of_origin(requests.c.entitlement)]),
    )
    .order_by(requests.c.sequence)
)

_REMOVALS = (
    select(requests)
    .where(
        requests.c.subject.in_([bindparam("by_account"), bindparam("by_email"), _of_origin(requests.c.subject)]),
        requests.c.system == bindparam("this_system"),
        or_(
            requests.c.action == literal_column(f"'{Action.DEPROVISION_ACCOUNT}'"),
            and_(
                requests.c.action == literal_column(f"'{Action.REVOKE}'"),
                requests.c.entitlement.in_(
                    [bindparam("by_id"), bindparam("by_name"), _of_origin(requests.c.entitlement)]
                ),
            ),
        ),
        requests.c.sequence > _of_origin(requests.c.sequence),
        among(requests.c.state, [state for state in RequestState if state not in ENDS["request"]]),
    )
    .order_by(requests.c.sequence)
)

#: The lock that writers of new requests hold (``Store.write``): the order of requests is the order of commits.
ORDER = "order of requests"


class Received(NamedTuple):
    """A request that is new, the way it came, and when."""

    message: AccessRequest
    source: str
    at: datetime


class Requests(LeasedTable[Request]):
    """Requests, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, requests, Request)

    def add(self, new: Sequence[Received], *, woken: Collection[str], dispatched_for: timedelta) -> None:
        """Store new requests at the end of the sequence; due at once. Their ids must not be there yet.

        Those ``woken`` are marked as under way for ``dispatched_for``. The transaction holds ``ORDER``: who commits first
        stands first.
        """
        last = self._connection.execute(_LAST).scalar_one()
        rows = [
            {
                "id": message.id,
                "fingerprint": message.fingerprint(),
                "body": message.canonical(),
                "action": str(message.action),
                "system": str(message.entitlement_ref.system),
                "entitlement": str(message.entitlement_ref),
                "subject": str(message.who),
                "state": str(RequestState.RECEIVED),
                "source": source,
                "sequence": sequence,
                "received_at": at,
                "starts_at": message.starts_at,
                "due_at": at,
                "dispatched_until": at + dispatched_for if message.id in woken else None,
            }
            for sequence, (message, source, at) in enumerate(new, start=last + 1)
        ]
        self._connection.execute(_INSERT, rows)

    def fingerprints(self, request_ids: Sequence[str]) -> dict[str, str]:
        """The digests of the requests stored under these ids, by id."""
        found = self._connection.execute(_FINGERPRINTS, {"these_ids": list(request_ids)}) if request_ids else ()
        return {row.id: row.fingerprint for row in found}

    def sequences(self, request_ids: Sequence[str]) -> dict[str, int]:
        """The places of these requests in the order of all, by id."""
        found = self._connection.execute(_SEQUENCES, {"these_ids": list(request_ids)}) if request_ids else ()
        return {row.id: row.sequence for row in found}

    def unplanned_before(self, request: Request, *, now: datetime) -> Sequence[tuple[str, Action]]:
        """Ids and actions of the requests for the same subject and system that came in earlier and are not planned yet.

        Those that may not begin yet are left out.
        """
        values = {
            "this_subject": str(request.message.who),
            "this_system": str(request.message.entitlement_ref.system),
            "this_sequence": request.sequence,
            "now": now,
        }
        return [(row.id, Action(row.action)) for row in self._connection.execute(_UNPLANNED_BEFORE, values)]

    def source_of(self, request_id: str) -> str:
        """Who handed a stored request in."""
        source: str = self._connection.execute(_SOURCE, {"this_id": request_id}).scalar_one()
        return source

    def extensions_at(self, claim: Claim) -> Sequence[str]:
        """The requests to extend access to the claim's entitlement that are not decided yet, in their order.

        They name it by its id, by its name, or as the request did that gave it.
        """
        names = {"by_id": str(claim.entitlement), "by_name": str(claim.named), "this_origin": claim.origin}
        return list(self._connection.execute(_EXTENSIONS, names).scalars())

    def removals_at(self, claim: Claim) -> Sequence[Request]:
        """The requests that are not over and are to take the claim's access, or its account, away, in their order.

        They came in after the grant, and name account and entitlement by what the claim has, or as the grant did. A request that
        names them otherwise is found once it is planned.
        """
        names: dict[str, str | None] = {"by_account": claim.account_id, "by_email": claim.email}
        names |= {"by_id": str(claim.entitlement), "by_name": str(claim.named), "this_origin": claim.origin}
        found = self._all(_REMOVALS, names | {"this_system": str(claim.entitlement.system)})
        own = {None, claim.origin, claim.request_id}
        return [request for request in found if request.message.claim_of in own]

    def postpone(
        self,
        request: Request,
        *,
        until: datetime | None,
        now: datetime,
        reason: str | None,
        tried: bool = True,
        begun_at: datetime | None = None,
    ) -> None:
        """Plan the request later, counted as a try when it was ``tried``. ``until=None`` waits until ``wake_planned``.

        ``begun_at`` is since when it could be planned, where that is later than was known.
        """
        self._connection.execute(
            update(requests)
            .where(requests.c.id == request.id, requests.c.state == str(request.state))
            .values(
                due_at=until,
                dispatched_until=None,
                tries=requests.c.tries + int(tried),
                first_tried_at=func.coalesce(requests.c.first_tried_at, now) if tried else None,
                begun_at=begun_at or request.begun_at,
                reason=reason,
            )
        )

    def finish(self, request_id: str, to: RequestState, *, now: datetime, reason: str | None = None) -> bool:
        """End the request; whether it was still alive."""
        alive = (RequestState.RECEIVED, RequestState.PLANNED, RequestState.FULFILLING, RequestState.BLOCKED)
        return self.step(request_id, to=to, states=alive, reason=reason, finished_at=now, due_at=None)

    def counts(self) -> dict[str, int]:
        """How many requests are in each state."""
        statement = select(requests.c.state, func.count().label("n")).group_by(requests.c.state)
        return {row.state: row.n for row in self._connection.execute(statement)}

    def wake_planned(self, *, now: datetime) -> None:
        """Make the requests due again that only wait for provisioning to be switched on."""
        waiting = among(requests.c.state, (RequestState.RECEIVED, RequestState.PLANNED))
        self._connection.execute(
            update(requests)
            .where(waiting, requests.c.due_at.is_(None))
            .values(due_at=now, begun_at=now, dispatched_until=None)
        )
