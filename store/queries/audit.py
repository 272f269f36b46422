"""The audit trail and its seals, read as a whole and row by row: all of it as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, func, or_, select

from access.seals import Seal, SealKind
from store.audit import AuditRow, row_facts
from store.database import Database
from store.rows import from_row
from store.seal_tables import audit_sealed, audit_seals
from store.tables import audit

#: Rows fetched from the database at a time.
_FETCH = 1000


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a batch: its salt and digest, and the row as it is now; None when it is not there any more.

    A row that waits for its seal has neither salt nor digest.
    """

    number: int
    seal: int | None
    salt: str | None
    digest: str | None
    removed_by: int | None
    row: Mapping[str, Any] | None


_MEMBERS = select(
    audit_sealed.c.audit_id,
    audit_sealed.c.seal,
    audit_sealed.c.salt,
    audit_sealed.c.digest,
    audit_sealed.c.removed_by,
    audit,
).outerjoin(audit, audit.c.id == audit_sealed.c.audit_id)


def _member(row: RowMapping) -> Member:
    now = None if row["id"] is None else row_facts(row["id"], from_row(AuditRow, row))
    return Member(row["audit_id"], row["seal"], row["salt"], row["digest"], row["removed_by"], now)


@contextmanager
def trail(database: Database) -> Iterator[Trail]:
    """The trail as of one moment, however long its rows are read."""
    with database.one_moment() as connection:
        yield Trail(connection)


class Trail:
    """Reads the trail and its seals."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.execution_options(stream_results=True, yield_per=_FETCH)

    def seals(self) -> Iterator[Seal]:
        """All seals, in their order."""
        statement = select(audit_seals).order_by(audit_seals.c.number)
        return (from_row(Seal, row) for row in self._connection.execute(statement).mappings())

    def removals(self) -> Iterator[Seal]:
        """The seals that say which rows were removed."""
        statement = select(audit_seals).where(audit_seals.c.kind == str(SealKind.REMOVAL))
        return (from_row(Seal, row) for row in self._connection.execute(statement).mappings())

    def members(self, seal: int | None = None) -> Iterator[Member]:
        """The rows of all batches, or of one: batch by batch, in the order in which they were hashed."""
        of = audit_sealed.c
        wanted = of.seal.is_not(None) if seal is None else of.seal == seal
        statement = _MEMBERS.where(wanted).order_by(of.seal, of.audit_id)
        return map(_member, self._connection.execute(statement).mappings())

    def of_request(self, request_id: str, *, also: tuple[str, Sequence[str]] | None = None) -> Sequence[Member]:
        """The rows of a request, the oldest first; without a seal where they wait.

        ``also`` adds rows of another request, those about the entities that it names.
        """
        wanted = audit.c.request_id == request_id
        if also is not None:
            other, entities = also
            wanted = or_(wanted, and_(audit.c.request_id == other, audit.c.entity_id.in_(list(entities))))
        statement = _MEMBERS.where(audit.c.id.is_not(None), wanted).order_by(audit.c.id)
        return [_member(row) for row in self._connection.execute(statement).mappings()]

    def headers(self, first: int) -> Iterator[Seal]:
        """The seals from a number on."""
        statement = select(audit_seals).where(audit_seals.c.number >= first).order_by(audit_seals.c.number)
        return (from_row(Seal, row) for row in self._connection.execute(statement).mappings())

    def unknown_rows(self, *, limit: int) -> Sequence[int]:
        """Audit rows that were written past the triggers: they belong to no batch and wait for none."""
        statement = (
            select(audit.c.id)
            .outerjoin(audit_sealed, audit_sealed.c.audit_id == audit.c.id)
            .where(audit_sealed.c.audit_id.is_(None))
        )
        return list(self._connection.execute(statement.order_by(audit.c.id).limit(limit)).scalars())

    def lost_rows(self, *, limit: int) -> Sequence[int]:
        """Rows that were written, and are gone before they were sealed."""
        statement = (
            select(audit_sealed.c.audit_id)
            .outerjoin(audit, audit.c.id == audit_sealed.c.audit_id)
            .where(audit_sealed.c.seal.is_(None), audit.c.id.is_(None))
        )
        return list(self._connection.execute(statement.order_by(audit_sealed.c.audit_id).limit(limit)).scalars())

    def count_waiting(self) -> int:
        """How many rows wait for a seal."""
        waiting = select(func.count()).select_from(audit_sealed).where(audit_sealed.c.seal.is_(None))
        return int(self._connection.execute(waiting).scalar_one())

    def rows(
        self, *, newest_first: bool = False, limit: int | None = None, **equal: str | None
    ) -> Iterator[dict[str, Any]]:
        """Rows with the number of their seal; only those whose columns ``equal`` what is given."""
        order = audit.c.id.desc() if newest_first else audit.c.id
        statement: Select[Any] = (
            select(audit, audit_sealed.c.seal)
            .outerjoin(audit_sealed, audit_sealed.c.audit_id == audit.c.id)
            .where(*(audit.c[name] == value for name, value in equal.items() if value is not None))
            .order_by(order)
            .limit(limit)
        )
        for row in self._connection.execute(statement).mappings():
            yield {**row_facts(row["id"], from_row(AuditRow, row)), "seal": row["seal"]}
