"""Requests in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from access.lifecycle import RequestState
from access.message import AccessRequest
from access.operations import Request
from store.living import Living
from store.rows import request_of
from store.tables import requests

# Built once, for the same reason as in ``store/living.py``.
_INSERT = requests.insert()
_FINGERPRINT = select(requests.c.fingerprint).where(requests.c.id == bindparam("this_id"))


class Requests(Living):
    """Requests, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, requests)

    def add(self, message: AccessRequest, *, source: str, now: datetime, dispatched_for: timedelta) -> None:
        """Store a new request; due at once. Its id must not be there yet."""
        self._connection.execute(
            _INSERT,
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
                "received_at": now,
                "due_at": now,
                "dispatched_until": now + dispatched_for,
            },
        )

    def fingerprint(self, request_id: str) -> str | None:
        """The digest of the request stored under this id."""
        return self._connection.execute(_FINGERPRINT, {"this_id": request_id}).scalar()

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

    def recent(self, *, states: Sequence[str] = (), limit: int = 100) -> Sequence[Request]:
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
