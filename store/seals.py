"""The chain of audit seals in the store, the rows that wait for a seal, and the turns of those who seal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, update

from access.seals import NOTHING, Seal, SealKind, Signer, sealed
from store.audit import AuditRow, row_facts
from store.database import hold
from store.rows import from_row, to_row
from store.seal_tables import audit_sealed, audit_seals, audit_turns
from store.tables import audit
from store.upsert import insert_into

_PLACE = (
    update(audit_sealed)
    .where(audit_sealed.c.audit_id == bindparam("this_row"), audit_sealed.c.seal.is_(None))
    .values(seal=bindparam("its_seal"), salt=bindparam("its_salt"), digest=bindparam("its_digest"))
)


def _is_due(now: datetime, period: timedelta) -> ColumnElement[bool]:
    # A turn further ahead than the next can be was set by a clock that was wrong.
    return or_(audit_turns.c.next_at <= now, audit_turns.c.next_at > now + period)


class SealedAlready(Exception):  # noqa: N818 - an event between sealers, for the caller to act on
    """Another sealer was first with some of the rows."""


class Seals:
    """Seals, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has_turn(self, name: str, *, now: datetime, period: timedelta) -> bool:
        """Whether it may be time for what ``name`` says: a cheap look before ``take_turn``."""
        later = select(audit_turns.c.name).where(audit_turns.c.name == name, ~_is_due(now, period))
        return self._connection.execute(later).first() is None

    def take_turn(self, name: str, *, now: datetime, period: timedelta) -> bool:
        """Whether it is time for what ``name`` says and nobody else has taken this turn; the next is a ``period`` later."""
        turn: Any = insert_into(audit_turns, self._connection).values(name=name, next_at=now + period)
        taken = turn.on_conflict_do_update(
            index_elements=[audit_turns.c.name],
            set_={"next_at": turn.excluded.next_at},
            where=_is_due(now, period),
        )
        return self._connection.execute(taken.returning(audit_turns.c.name)).first() is not None

    def put_turn(self, name: str, *, at: datetime) -> None:
        """Have the next turn at another moment."""
        self._connection.execute(update(audit_turns).where(audit_turns.c.name == name).values(next_at=at))

    def newest(self) -> Seal | None:
        """The newest seal."""
        return self._first(select(audit_seals).order_by(audit_seals.c.number.desc()).limit(1))

    def numbered(self, number: int) -> Seal | None:
        """The seal of this number."""
        return self._first(select(audit_seals).where(audit_seals.c.number == number))

    def newest_break(self) -> Seal | None:
        """The newest seal that says an older database was put back."""
        broken = select(audit_seals).where(audit_seals.c.kind == str(SealKind.BREAK))
        return self._first(broken.order_by(audit_seals.c.number.desc()).limit(1))

    def waiting(self, *, limit: int) -> Sequence[tuple[int, dict[str, Any]]]:
        """Committed rows without a seal, the oldest first: each with its number and as it is hashed."""
        statement = (
            select(audit)
            .join(audit_sealed, audit_sealed.c.audit_id == audit.c.id)
            .where(audit_sealed.c.seal.is_(None))
            .order_by(audit_sealed.c.audit_id)
            .limit(limit)
        )
        rows = self._connection.execute(statement).mappings()
        return [(row["id"], row_facts(row["id"], from_row(AuditRow, row))) for row in rows]

    def next_place(self) -> tuple[int, str]:
        """The number of the next seal, and the hash of the one before. Writers of the chain wait for each other here."""
        hold(self._connection, "audit-chain")
        newest = self.newest()
        return (1, NOTHING) if newest is None else (newest.number + 1, newest.hash)

    def add(self, seal: Seal, members: Sequence[tuple[int, str, str]] = ()) -> None:
        """Store a seal, and the rows of its batch: number, salt and digest of each. Raises ``SealedAlready``."""
        self._connection.execute(insert(audit_seals).values(to_row(seal)))
        if members:
            self._connection.execute(
                _PLACE,
                [
                    {"this_row": number, "its_seal": seal.number, "its_salt": salt, "its_digest": digest}
                    for number, salt, digest in members
                ],
            )
        placed = select(func.count()).select_from(audit_sealed).where(audit_sealed.c.seal == seal.number)
        if self._connection.execute(placed).scalar_one() != len(members):
            raise SealedAlready

    def state(
        self, kind: SealKind, statement: Mapping[str, Any], *, rows: int, now: datetime, signer: Signer | None
    ) -> Seal:
        """Add a seal that says something about the trail."""
        number, previous = self.next_place()
        seal = sealed(number, kind, previous=previous, at=now, rows=rows, statement=statement, signer=signer)
        self.add(seal)
        return seal

    def oldest_batches(self, *, limit: int) -> Sequence[Seal]:
        """The first batches whose rows are still there."""
        there = select(audit_sealed.c.audit_id).where(audit_sealed.c.seal == audit_seals.c.number).exists()
        statement = (
            select(audit_seals)
            .where(audit_seals.c.kind == str(SealKind.ROWS), there)
            .order_by(audit_seals.c.number)
            .limit(limit)
        )
        return [from_row(Seal, row) for row in self._connection.execute(statement).mappings()]

    def sealed_rows(self, numbers: Sequence[int]) -> Sequence[int]:
        """Which of these audit rows are sealed and still there."""
        statement = select(audit_sealed.c.audit_id).where(
            audit_sealed.c.audit_id.in_(list(numbers)),
            audit_sealed.c.seal.is_not(None),
            audit_sealed.c.removed_by.is_(None),
        )
        return list(self._connection.execute(statement.order_by(audit_sealed.c.audit_id)).scalars())

    def remove_batches(self, batches: Sequence[int], *, by: int) -> None:
        """Delete the rows of batches, as seal ``by`` says; the batches keep their seals."""
        theirs = audit_sealed.c.seal.in_(list(batches))
        self._connection.execute(
            update(audit_sealed).where(theirs, audit_sealed.c.removed_by.is_(None)).values(removed_by=by, salt=None)
        )
        self._connection.execute(delete(audit).where(audit.c.id.in_(select(audit_sealed.c.audit_id).where(theirs))))
        self._connection.execute(delete(audit_sealed).where(theirs))

    def remove_rows(self, numbers: Sequence[int], *, by: int) -> None:
        """Delete single rows, as seal ``by`` says; their digests stay in their batches."""
        these = audit_sealed.c.audit_id.in_(list(numbers))
        self._connection.execute(update(audit_sealed).where(these).values(removed_by=by, salt=None))
        self._connection.execute(delete(audit).where(audit.c.id.in_(list(numbers))))

    def waiting_since(self) -> datetime | None:
        """When the oldest row that waits for its seal was written; None when none waits."""
        oldest = (
            select(audit.c.at)
            .join(audit_sealed, audit_sealed.c.audit_id == audit.c.id)
            .where(audit_sealed.c.seal.is_(None))
            .order_by(audit_sealed.c.audit_id)
            .limit(1)
        )
        return self._connection.execute(oldest).scalar()

    def _first(self, statement: Any) -> Seal | None:
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else from_row(Seal, row)
