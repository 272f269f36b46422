"""Messages outside the broker: the inbox (handed in by ``submit``) and the dead letters (what could not be accepted)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from store.tables import dead_letters, inbox


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as it came, byte for byte. ``reason`` is why it was not accepted, for dead ones."""

    id: int
    body: bytes
    content_type: str | None
    source: str
    received_at: datetime
    reason: str | None = None
    resent_at: datetime | None = None


class Inbox:
    """Messages handed in through the store, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, body: bytes, *, content_type: str | None, source: str, now: datetime) -> int:
        """Hand a message in; its number."""
        statement = inbox.insert().values(body=body, content_type=content_type, source=source, received_at=now)
        key = self._connection.execute(statement).inserted_primary_key
        assert key is not None
        number: int = key[0]
        return number

    def waiting(self, limit: int) -> Sequence[Letter]:
        """The oldest messages nobody has taken in; locked against other workers where the database can."""
        statement = select(inbox).order_by(inbox.c.id).limit(limit)
        if self._connection.dialect.name == "postgresql":
            statement = statement.with_for_update(skip_locked=True)
        return [
            Letter(row["id"], row["body"], row["content_type"], row["source"], row["received_at"])
            for row in self._connection.execute(statement).mappings()
        ]

    def remove(self, number: int) -> bool:
        """It has been taken in, or is among the dead letters; whether it was still there."""
        return self._connection.execute(delete(inbox).where(inbox.c.id == number)).rowcount == 1


class DeadLetters:
    """What could not be accepted, with the reason, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, body: bytes, *, content_type: str | None, source: str, reason: str, now: datetime) -> int:
        """Keep a message that was not accepted; its number."""
        statement = dead_letters.insert().values(
            body=body, content_type=content_type, source=source, reason=reason, received_at=now
        )
        key = self._connection.execute(statement).inserted_primary_key
        assert key is not None
        number: int = key[0]
        return number

    def get(self, number: int) -> Letter | None:
        """One dead letter."""
        found = self._select(select(dead_letters).where(dead_letters.c.id == number))
        return found[0] if found else None

    def recent(self, *, resent: bool = False, limit: int = 100) -> Sequence[Letter]:
        """The newest dead letters; those already sent again only when asked for."""
        statement = select(dead_letters).order_by(dead_letters.c.id.desc()).limit(limit)
        return self._select(statement if resent else statement.where(dead_letters.c.resent_at.is_(None)))

    def mark_resent(self, number: int, *, now: datetime) -> None:
        """It has been sent again."""
        self._connection.execute(update(dead_letters).where(dead_letters.c.id == number).values(resent_at=now))

    def _select(self, statement: Select[Any]) -> list[Letter]:
        rows = self._connection.execute(statement).mappings()
        return [
            Letter(
                row["id"],
                row["body"],
                row["content_type"],
                row["source"],
                row["received_at"],
                row["reason"],
                row["resent_at"],
            )
            for row in rows
        ]
