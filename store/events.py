"""Events in the store. They are written with the audit rows that they are derived from, and get their places later.

Numbers that are drawn in a transaction do not become visible in their order: one who follows by them misses what commits
late. So ``place`` gives positions to what is committed, one process at a time. Whoever has seen a position has been able to
see all before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from access.events import Event, is_event
from store.event_tables import events, notices
from store.rows import from_row

#: The lock under which positions are given.
PLACING = "events"

#: Events that get their positions in one transaction.
_AT_ONCE = 1000

# Built once: see ``store/leases.py``.
_INSERT = events.insert()
_UNPLACED = select(events.c.id).where(events.c.position.is_(None)).order_by(events.c.id).limit(_AT_ONCE)
_ANY_UNPLACED = select(events.c.id).where(events.c.position.is_(None)).limit(1)
_LAST = select(func.coalesce(func.max(events.c.position), 0))
_PLACE = update(events).where(events.c.id == bindparam("this_id")).values(position=bindparam("this_position"))


def rows_from_audit(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The events that audit rows tell of."""
    return [
        {
            "at": row["at"],
            "type": row["event"],
            "entity": row["entity"],
            "entity_id": row["entity_id"],
            "request_id": row["request_id"],
            "data": {**row["detail"], "actor": row["actor"]},
        }
        for row in rows
        if is_event(row["event"], row["entity"])
    ]


class Events:
    """Events, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store new events, without positions."""
        if rows:
            self._connection.execute(_INSERT, list(rows))

    def any_unplaced(self) -> bool:
        """Whether there are committed events without a position."""
        return self._connection.execute(_ANY_UNPLACED).first() is not None

    def place(self) -> int:
        """Give positions to committed events; how many got one. The transaction must hold ``PLACING``."""
        ids = list(self._connection.execute(_UNPLACED).scalars())
        if ids:
            first = self.last_position() + 1
            values = [{"this_id": number, "this_position": first + at} for at, number in enumerate(ids)]
            self._connection.execute(_PLACE, values)
        return len(ids)

    def last_position(self) -> int:
        """The last position that was given; 0 when none was."""
        return int(self._connection.execute(_LAST).scalar_one())

    def after(self, position: int, *, limit: int = 1000) -> Sequence[Event]:
        """The events after this position, in order."""
        found = select(events).where(events.c.position > position).order_by(events.c.position).limit(limit)
        return [from_row(Event, row) for row in self._connection.execute(found).mappings()]

    def recent(
        self, *, type_: str | None = None, request_id: str | None = None, limit: int | None = None
    ) -> list[Event]:
        """The newest events, newest first; ``type_`` is a beginning of the type."""
        found = select(events).where(events.c.position.is_not(None)).order_by(events.c.position.desc()).limit(limit)
        if type_ is not None:
            found = found.where(events.c.type.startswith(type_, autoescape=True))
        if request_id is not None:
            found = found.where(events.c.request_id == request_id)
        return [from_row(Event, row) for row in self._connection.execute(found).mappings()]

    def forget(self, *, before: datetime, limit: int) -> int:
        """Delete the oldest events that happened before this moment; how many. The last position is kept: it is the counter."""
        old = (
            select(events.c.id)
            .where(events.c.at < before, events.c.position < self.last_position())
            .order_by(events.c.at)
            .limit(limit)
        )
        return self._connection.execute(delete(events).where(events.c.id.in_(old.scalar_subquery()))).rowcount

    def give_notice(self, claim_id: str, ends_at: datetime, before_seconds: float, *, now: datetime) -> None:
        """Note that a notice is given. Raises ``IntegrityError`` when it was given before."""
        self._connection.execute(
            insert(notices).values(claim_id=claim_id, ends_at=ends_at, before_seconds=before_seconds, given_at=now)
        )

    def was_noticed(self, claim_id: str, ends_at: datetime, before_seconds: float) -> bool:
        """Whether this notice was given."""
        found = select(notices.c.claim_id).where(
            notices.c.claim_id == claim_id,
            notices.c.ends_at == ends_at,
            notices.c.before_seconds == before_seconds,
        )
        return self._connection.execute(found).first() is not None
