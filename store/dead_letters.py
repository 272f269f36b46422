"""Dead letters in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, update

from store.inbox import StoredMessage
from store.rows import from_row
from store.tables import dead_letters


class DeadLetters:
    """Messages that were not accepted, each with the reason, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, body: bytes, *, content_type: str | None, source: str, reason: str, now: datetime) -> int:
        """Keep a message that was not accepted; its number."""
        statement = dead_letters.insert().values(
            body=body, content_type=content_type, source=source, reason=reason, received_at=now
        )
        number: int = self._connection.execute(statement.returning(dead_letters.c.id)).scalar_one()
        return number

    def get(self, number: int) -> StoredMessage | None:
        """One dead letter."""
        found = self._select(select(dead_letters).where(dead_letters.c.id == number))
        return found[0] if found else None

    def recent(self, *, resent: bool = False, limit: int | None = 100) -> Sequence[StoredMessage]:
        """The newest dead letters; those already sent again only when asked for."""
        statement = select(dead_letters).order_by(dead_letters.c.id.desc()).limit(limit)
        return self._select(statement if resent else statement.where(dead_letters.c.resent_at.is_(None)))

    def mark_resent(self, number: int, *, now: datetime) -> None:
        """Note that the message was sent again."""
        self._connection.execute(update(dead_letters).where(dead_letters.c.id == number).values(resent_at=now))

    def _select(self, statement: Select[Any]) -> list[StoredMessage]:
        return [from_row(StoredMessage, row) for row in self._connection.execute(statement).mappings()]
