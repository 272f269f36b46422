"""What somebody may do to the audit trail who gets past its triggers: each tamper changes one thing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from access.seals import leaf
from store.audit import AuditRow, row_facts
from store.seal_tables import audit_sealed, audit_seals
from store.tables import audit

START = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

Tamper = Callable[[Connection, Callable[[int], int]], None]
OTHER: dict[str, Any] = {
    "id": 4711,
    "at": START + MINUTE / 7,
    "actor": "operator:mallory",
    "event": "claim.ended",
    "entity": "claim",
    "entity_id": "another",
    "request_id": "another",
    "detail": {"action": "revoke"},
}
OTHER_SEAL: dict[str, Any] = {
    "number": 99,
    "kind": "break",
    "rows": 77,
    "digest": "d" * 64,
    "previous": "e" * 64,
    "sealed_at": START + MINUTE / 7,
    "hash": "f" * 64,
    "signature": "a" * 64,
}


def rows_of(connection: Connection, *, waiting: bool = False) -> list[int]:
    is_sealed = audit_sealed.c.seal.is_(None) if waiting else audit_sealed.c.seal.is_not(None)
    return list(
        connection.execute(select(audit_sealed.c.audit_id).where(is_sealed).order_by(audit_sealed.c.audit_id)).scalars()
    )


def edit_row(column: str, connection: Connection, pick: Callable[[int], int]) -> None:
    rows = rows_of(connection)
    changed = update(audit).where(audit.c.id == rows[pick(len(rows))])
    connection.execute(changed.values({column: OTHER[column]}))


def delete_row(connection: Connection, pick: Callable[[int], int], *, place_too: bool, waiting: bool = False) -> None:
    rows = rows_of(connection, waiting=waiting)
    number = rows[pick(len(rows))]
    connection.execute(delete(audit).where(audit.c.id == number))
    if place_too:
        connection.execute(delete(audit_sealed).where(audit_sealed.c.audit_id == number))


def forget_place(connection: Connection, pick: Callable[[int], int], *, waiting: bool) -> None:
    rows = rows_of(connection, waiting=waiting)
    connection.execute(delete(audit_sealed).where(audit_sealed.c.audit_id == rows[pick(len(rows))]))


def insert_row(connection: Connection, pick: Callable[[int], int], *, in_batch: bool) -> None:
    connection.execute(insert(audit).values(OTHER))
    if in_batch:
        seals = list(connection.execute(select(audit_seals.c.number)).scalars())
        salt = "00" * 16
        facts = row_facts(OTHER["id"], AuditRow(**{name: value for name, value in OTHER.items() if name != "id"}))
        place = {"audit_id": OTHER["id"], "seal": seals[pick(len(seals))], "salt": salt, "digest": leaf(salt, facts)}
        connection.execute(insert(audit_sealed).values(place))


def swap_rows(connection: Connection, pick: Callable[[int], int]) -> None:
    """Two rows change places, with all that they say."""
    rows = rows_of(connection)
    one = rows.pop(pick(len(rows)))
    other = rows[pick(len(rows))]
    for old, new in ((one, 5000), (other, one), (5000, other)):
        connection.execute(update(audit).where(audit.c.id == old).values(id=new))


def swap_digests(connection: Connection, pick: Callable[[int], int]) -> None:
    """The order in which rows were hashed."""
    rows = rows_of(connection)
    pair = [rows.pop(pick(len(rows))), rows[pick(len(rows))]]
    of = audit_sealed.c
    values = {
        row.audit_id: (row.salt, row.digest)
        for row in connection.execute(select(of.audit_id, of.salt, of.digest).where(of.audit_id.in_(pair)))
    }
    for number, other in (pair, pair[::-1]):
        salt, digest = values[other]
        connection.execute(update(audit_sealed).where(of.audit_id == number).values(salt=salt, digest=digest))


def move_row(connection: Connection, pick: Callable[[int], int]) -> None:
    rows = rows_of(connection)
    number = rows[pick(len(rows))]
    other = select(audit_seals.c.number).where(
        audit_seals.c.number.not_in(select(audit_sealed.c.seal).where(audit_sealed.c.audit_id == number))
    )
    seals = list(connection.execute(other).scalars())
    connection.execute(
        update(audit_sealed).where(audit_sealed.c.audit_id == number).values(seal=seals[pick(len(seals))])
    )


def edit_seal(column: str, connection: Connection, pick: Callable[[int], int]) -> None:
    changed = update(audit_seals).where(audit_seals.c.number == 1 + pick(4))
    values = {column: OTHER_SEAL[column]}
    connection.execute(changed.values(values | ({"statement": {"restored": True}} if column == "kind" else {})))


def delete_seal(connection: Connection, pick: Callable[[int], int], *, rows_too: bool) -> None:
    number = 1 + pick(3 if rows_too else 4)  # The newest with all its rows: only what is outside shows that.
    if rows_too:
        rows = list(connection.execute(select(audit_sealed.c.audit_id).where(audit_sealed.c.seal == number)).scalars())
        connection.execute(delete(audit).where(audit.c.id.in_(rows)))
        connection.execute(delete(audit_sealed).where(audit_sealed.c.seal == number))
    connection.execute(delete(audit_seals).where(audit_seals.c.number == number))


def swap_seals(connection: Connection, pick: Callable[[int], int]) -> None:
    numbers = [1, 2, 3, 4]
    one, other = numbers.pop(pick(4)), numbers[pick(3)]
    for old, new in ((one, 50), (other, one), (50, other)):
        connection.execute(update(audit_seals).where(audit_seals.c.number == old).values(number=new))


def insert_seal(connection: Connection, pick: Callable[[int], int]) -> None:
    at_end = bool(pick(2))
    values = OTHER_SEAL | {"kind": "rows", "number": 5 if at_end else 0}
    connection.execute(insert(audit_seals).values(values))


TAMPERS: dict[str, Tamper] = {
    **{f"a row's {column} is changed": partial(edit_row, column) for column in OTHER},
    **{f"a seal's {column} is changed": partial(edit_seal, column) for column in OTHER_SEAL},
    "a row is deleted": partial(delete_row, place_too=False),
    "a row is deleted with its place": partial(delete_row, place_too=True),
    "a waiting row is deleted": partial(delete_row, place_too=False, waiting=True),
    "a place is deleted": partial(forget_place, waiting=False),
    "a waiting place is deleted": partial(forget_place, waiting=True),
    "a row is inserted": partial(insert_row, in_batch=False),
    "a row is inserted into a batch": partial(insert_row, in_batch=True),
    "rows are swapped": swap_rows,
    "digests are swapped": swap_digests,
    "a row is moved to another batch": move_row,
    "a seal is deleted": partial(delete_seal, rows_too=False),
    "a seal is deleted with its rows": partial(delete_seal, rows_too=True),
    "seals are swapped": swap_seals,
    "a seal is inserted": insert_seal,
}
