"""The inbox: messages that ``submit`` hands in through the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from store.tables import inbox


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A message that waits in the inbox. ``length`` is that of its body, in bytes."""

    id: int
    length: int
    content_type: str | None
    source: str


class Inbox:
    """Messages handed in through the store, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, body: bytes, *, content_type: str | None, source: str, now: datetime) -> int:
        """Hand a message in; its number."""
        statement = inbox.insert().values(body=body, content_type=content_type, source=source, received_at=now)
        number: int = self._connection.execute(statement.returning(inbox.c.id)).scalar_one()
        return number

    def waiting(self, limit: int) -> Sequence[WaitingMessage]:
        """The oldest messages that wait, without their bodies."""
        length = func.length(inbox.c.body).label("length")
        statement = select(inbox.c.id, length, inbox.c.content_type, inbox.c.source).order_by(inbox.c.id).limit(limit)
        return [WaitingMessage(**row) for row in self._connection.execute(statement).mappings()]

    def body(self, number: int, *, piece: int) -> Iterator[bytes]:
        """The body of a message in pieces of so many bytes."""
        at = 1
        while True:
            statement = select(func.substr(inbox.c.body, at, piece)).where(inbox.c.id == number)
            found: bytes | None = self._connection.execute(statement).scalar()
            if not found:
                return
            yield bytes(found)
            at += piece

    def remove(self, number: int) -> bool:
        """Remove a message that has become a request or a dead letter; whether it was still there."""
        return self._connection.execute(delete(inbox).where(inbox.c.id == number)).rowcount == 1
