"""Dead letters in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from store.rows import from_row
from store.tables import dead_letters

_OPEN = dead_letters.c.resent_at.is_(None) & dead_letters.c.acknowledged_at.is_(None)


@dataclass(frozen=True, slots=True)
class ListedLetter:
    """A message that was not accepted, without what was sent. ``length`` is in bytes."""

    id: int
    content_type: str | None
    source: str
    reason: str
    length: int
    sha256: str
    received_at: datetime
    resent_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_why: str | None


#: Listings read no bodies, which may be long.
_LISTED = [dead_letters.c[each.name] for each in fields(ListedLetter)]


@dataclass(frozen=True, slots=True)
class DeadLetter(ListedLetter):
    """A message that was not accepted.

    - ``body``: what was sent, byte for byte; only the beginning of it when it is shorter than ``length``.
    - ``properties``: what came with the body, as the broker gave it.
    """

    body: bytes = field(repr=False)
    properties: bytes | None = field(repr=False)

    @property
    def whole(self) -> bool:
        """Whether everything that was sent is kept."""
        return len(self.body) == self.length


class DeadLetters:
    """Messages that were not accepted, each with the reason, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, *, now: datetime, **columns: Any) -> int:
        """Keep a message that was not accepted; its number."""
        statement = dead_letters.insert().values(received_at=now, **columns)
        number: int = self._connection.execute(statement.returning(dead_letters.c.id)).scalar_one()
        return number

    def get(self, number: int) -> DeadLetter | None:
        """One dead letter."""
        found = self._connection.execute(select(dead_letters).where(dead_letters.c.id == number)).mappings().first()
        return None if found is None else from_row(DeadLetter, found)

    def like(self, sha256: str, *, source: str) -> int | None:
        """The newest dead letter with this content that came this way."""
        same = (dead_letters.c.sha256 == sha256) & (dead_letters.c.source == source)
        return self._connection.execute(
            select(dead_letters.c.id).where(same).order_by(dead_letters.c.id.desc()).limit(1)
        ).scalar()

    def recent(self, *, over: bool = False, limit: int | None = 100) -> Sequence[ListedLetter]:
        """The newest dead letters; those sent again or acknowledged only when asked for."""
        statement: Select[Any] = select(*_LISTED).order_by(dead_letters.c.id.desc()).limit(limit)
        found = self._connection.execute(statement if over else statement.where(_OPEN))
        return [from_row(ListedLetter, row) for row in found.mappings()]

    def mark_resent(self, number: int, *, now: datetime) -> None:
        """Note that the message was sent again."""
        self._connection.execute(update(dead_letters).where(dead_letters.c.id == number).values(resent_at=now))

    def acknowledge(self, number: int, *, why: str, now: datetime) -> bool:
        """Note that nothing more is to be done about the message; whether it was open."""
        open_one = update(dead_letters).where(dead_letters.c.id == number, _OPEN)
        return self._connection.execute(open_one.values(acknowledged_at=now, acknowledged_why=why)).rowcount == 1

    def forget(self, *, before: datetime, limit: int) -> Sequence[tuple[int, str]]:
        """Delete the oldest that came before this moment; number and SHA-256 of each."""
        old = (
            select(dead_letters.c.id)
            .where(dead_letters.c.received_at < before)
            .order_by(dead_letters.c.id)
            .limit(limit)
        )
        gone = delete(dead_letters).where(dead_letters.c.id.in_(old.scalar_subquery()))
        found = self._connection.execute(gone.returning(dead_letters.c.id, dead_letters.c.sha256))
        return [(row.id, row.sha256) for row in found]
