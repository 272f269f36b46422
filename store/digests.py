"""Digests of open findings, one for each owner, in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from store.finding_tables import digests, findings, managed


@dataclass(frozen=True, slots=True)
class Digest:
    """The open findings on what one owner answers for; ``owner`` is empty where policy names nobody.

    ``kinds`` are how many of each kind there are, ``numbers`` those of the findings, newest first, ``oldest`` is when the first
    of them was seen.
    """

    owner: str
    kinds: Mapping[str, int] = field(default_factory=dict)
    numbers: Sequence[int] = ()
    oldest: datetime | None = None

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self.numbers)


class Digests:
    """Digests, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert

    def all(self) -> Sequence[Digest]:
        """One for each owner of open findings, by name."""
        owner = managed.c.owner
        found = (
            select(owner, findings.c.id, findings.c.kind, findings.c.first_seen_at)
            .select_from(findings)
            .outerjoin(managed, managed.c.entitlement == findings.c.entitlement)
            .where(findings.c.closed_at.is_(None))
            .order_by(findings.c.id.desc())
        )
        rows: dict[str, list[tuple[int, str, datetime]]] = {}
        for row in self._connection.execute(found):
            rows.setdefault(row.owner or "", []).append((row.id, row.kind, row.first_seen_at))
        return [_digest(name, some) for name, some in sorted(rows.items())]

    def owed(self, *, told_before: datetime) -> Sequence[Digest]:
        """Those that differ from the last that the owner was given, where that is so long ago; without findings the last one."""
        known = {row.owner: row for row in self._connection.execute(select(digests))}
        now = {each.owner: each for each in self.all() if each.owner}
        owners = sorted({*now, *(name for name, row in known.items() if row.numbers)})
        return [
            now.get(name, Digest(name))
            for name in owners
            if (row := known.get(name)) is None
            or (row.told_at <= told_before and list(row.numbers) != list(now.get(name, Digest(name)).numbers))
        ]

    def told(self, digest: Digest, *, now: datetime) -> None:
        """Note that the owner was given it."""
        row = {"owner": digest.owner, "told_at": now, "numbers": list(digest.numbers)}
        new = self._insert(digests).values(row)
        self._connection.execute(new.on_conflict_do_update(index_elements=[digests.c.owner], set_=row))


def _digest(owner: str, rows: Sequence[tuple[int, str, datetime]]) -> Digest:
    kinds: dict[str, int] = {}
    for _, kind, _ in rows:
        kinds[kind] = kinds.get(kind, 0) + 1
    return Digest(owner, dict(sorted(kinds.items())), [number for number, _, _ in rows], min(at for _, _, at in rows))
