"""WakeUp-ups owed: written in the commit that makes work, forgotten once the broker has them.

A wake-up that is lost after that costs time, never work: the sweep over ``due_at`` (``store/sweep.py``) finds the row again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, select

from access.operations import Lane
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
    """One wake-up: which row, and its order of service. ``id`` is its place in the outbox, if it has one."""

    topic: Topic
    ref: str
    lane: Lane
    id: int | None = None


_INSERT = outbox.insert().returning(outbox.c.id, sort_by_parameter_order=True)


class Outbox:
    """The outbox, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, wake_ups: Sequence[WakeUp], *, now: datetime) -> Sequence[WakeUp]:
        """Owe wake-ups; the same with their places."""
        rows = [
            {"topic": str(wake_up.topic), "ref": wake_up.ref, "lane": str(wake_up.lane), "created_at": now}
            for wake_up in wake_ups
        ]
        ids = self._connection.execute(_INSERT, rows).scalars()
        return [replace(wake_up, id=number) for wake_up, number in zip(wake_ups, ids, strict=True)]

    def unsent(self, *, before: datetime, limit: int) -> Sequence[WakeUp]:
        """WakeUp-ups owed since before ``before``, oldest first."""
        statement = select(outbox).where(outbox.c.created_at <= before).order_by(outbox.c.id).limit(limit)
        return [
            WakeUp(Topic(row["topic"]), row["ref"], Lane(row["lane"]), id=row["id"])
            for row in self._connection.execute(statement).mappings()
        ]

    def forget(self, ids: Sequence[int]) -> None:
        """The broker has these."""
        self._connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))
