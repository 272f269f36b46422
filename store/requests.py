"""Requests in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from access.lifecycle import RequestState
from access.message import AccessRequest
from access.operations import Request
from store.leases import LeasedTable
from store.rows import request_of
from store.tables import requests

# Built once, for the same reason as in ``store/leases.py``.
_INSERT = requests.insert()
_FINGERPRINTS = select(requests.c.id, requests.c.fingerprint).where(
    requests.c.id.in_(bindparam("these_ids", expanding=True))
)


class Received(NamedTuple):
    """A request that is new, the way it came, and when."""

    message: AccessRequest
    source: str
    at: datetime


class Requests(LeasedTable):
    """Requests, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, requests)

    def add(self, new: Sequence[Received], *, dispatched_for: timedelta) -> None:
        """Store new requests; due at once. Their ids must not be there yet."""
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
                "received_at": at,
                "due_at": at,
                "dispatched_until": at + dispatched_for,
            }
            for message, source, at in new
        ]
        self._connection.execute(_INSERT, rows)

    def fingerprints(self, request_ids: Sequence[str]) -> dict[str, str]:
        """The digests of the requests stored under these ids, by id."""
        found = self._connection.execute(_FINGERPRINTS, {"these_ids": list(request_ids)}) if request_ids else ()
        return {row.id: row.fingerprint for row in found}

    def get(self, request_id: str) -> Request | None:
        """The request."""
        row = self.row(request_id)
        return None if row is None else request_of(row)

    def received_at(self, request_id: str) -> datetime | None:
        """When the request came in."""
        return self._connection.execute(select(requests.c.received_at).where(requests.c.id == request_id)).scalar()

    def postpone(self, request: Request, *, until: datetime | None, now: datetime, reason: str | None) -> None:
        """Plan it later; counts as a try. ``until=None`` waits until somebody wakes it."""
        self._connection.execute(
            update(requests)
            .where(requests.c.id == request.id, requests.c.state == str(request.state))
            .values(
                due_at=until,
                dispatched_until=None,
                tries=requests.c.tries + 1,
                first_tried_at=func.coalesce(requests.c.first_tried_at, now),
                reason=reason,
            )
        )

    def finish(self, request_id: str, to: RequestState, *, now: datetime, reason: str | None = None) -> bool:
        """Bring it to an end; whether it was still alive."""
        alive = (RequestState.RECEIVED, RequestState.PLANNED, RequestState.FULFILLING)
        return self.step(request_id, to=to, states=alive, reason=reason, finished_at=now, due_at=None)

    def recent(self, *, states: Sequence[str] = (), limit: int | None = 100) -> Sequence[Request]:
        """The newest requests, optionally only those in ``states``."""
        statement = select(requests).order_by(requests.c.received_at.desc(), requests.c.id).limit(limit)
        if states:
            statement = statement.where(requests.c.state.in_(states))
        return [request_of(row) for row in self._connection.execute(statement).mappings()]

    def counts(self) -> dict[str, int]:
        """How many requests are in each state."""
        statement = select(requests.c.state, func.count().label("n")).group_by(requests.c.state)
        return {row.state: row.n for row in self._connection.execute(statement)}

    def wake_planned(self, *, now: datetime) -> None:
        """Make everything that was only planned due again: provisioning has been switched on."""
        values: dict[str, Any] = {"due_at": now, "dispatched_until": None}
        self._connection.execute(
            update(requests)
            .where(
                requests.c.state.in_([str(RequestState.RECEIVED), str(RequestState.PLANNED)]),
                requests.c.due_at.is_(None),
            )
            .values(values)
        )
