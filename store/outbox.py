"""Wake-ups owed: written in the commit that makes work, forgotten once the broker has them.

A wake-up that is lost after that costs time, never work: the sweep over ``due_at`` (``store/sweep.py``) finds the row again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, select

from access.operations import Lane
from store.rows import from_row
from store.tables import outbox


class Topic(StrEnum):
    """What kind of row a wake-up is about."""

    REQUEST = "request"
    OPERATION = "operation"
    CLAIM = "claim"
    TICKETS = "tickets"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class WakeUp:
    """One wake-up: which row, and its order of service. ``id`` is its row in the outbox, None without one."""

    topic: Topic
    ref: str
    lane: Lane
    id: int | None = None


# Built once: see ``store/leases.py``.
_INSERT = outbox.insert().returning(outbox.c.id, sort_by_parameter_order=True)


class Outbox:
    """The outbox, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, wake_ups: Sequence[WakeUp], *, now: datetime) -> Sequence[WakeUp]:
        """Owe wake-ups; returns them with their ids in the outbox."""
        rows = [
            {"topic": str(wake_up.topic), "ref": wake_up.ref, "lane": str(wake_up.lane), "created_at": now}
            for wake_up in wake_ups
        ]
        ids = self._connection.execute(_INSERT, rows).scalars()
        return [replace(wake_up, id=number) for wake_up, number in zip(wake_ups, ids, strict=True)]

    def unsent(self, *, before: datetime, limit: int) -> Sequence[WakeUp]:
        """Wake-ups owed since before ``before``, oldest first."""
        statement = select(outbox).where(outbox.c.created_at <= before).order_by(outbox.c.id).limit(limit)
        return [from_row(WakeUp, row) for row in self._connection.execute(statement).mappings()]

    def forget(self, ids: Sequence[int]) -> None:
        """Delete the wake-ups with these ids: the broker has them."""
        self._connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))
