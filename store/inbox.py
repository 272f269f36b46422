"""The inbox: messages that ``submit`` hands in through the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from store.tables import inbox


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message, byte for byte. A dead letter also has the ``reason`` why it was not accepted."""

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
        number: int = self._connection.execute(statement.returning(inbox.c.id)).scalar_one()
        return number

    def waiting(self, limit: int) -> Sequence[StoredMessage]:
        """The oldest messages that wait; locked against other workers where the database can lock rows."""
        statement = select(inbox).order_by(inbox.c.id).limit(limit)
        if self._connection.dialect.name == "postgresql":
            statement = statement.with_for_update(skip_locked=True)
        return [StoredMessage(**row) for row in self._connection.execute(statement).mappings()]

    def remove(self, number: int) -> bool:
        """Remove a message that has become a request or a dead letter; whether it was still there."""
        return self._connection.execute(delete(inbox).where(inbox.c.id == number)).rowcount == 1
