"""What all leased tables share: records, fenced leases, and steps of the lifecycle by compare-and-swap.

The ``UPDATE`` that takes a lease also raises the fence. Whoever finishes names the fence of its own lease, so the write of a
worker that was thought dead and comes back is refused (``LeaseLost``) and does not overwrite its successor's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    Select,
    Table,
    Update,
    bindparam,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from store.rows import from_row

Record = TypeVar("Record")


class LeaseLost(Exception):  # noqa: N818 - it is an event between workers, not an error of the caller
    """Another worker has taken the work over; what this worker found must not be written."""


def among(column: Column[str], states: Iterable[StrEnum]) -> ColumnElement[bool]:
    """Whether the column is one of ``states``. They become literals, so that an index for just these states can serve."""
    return column.in_([literal_column(f"'{state}'") for state in states])


class LeasedTable(Generic[Record]):
    """Records and steps of one table, in the caller's transaction."""

    def __init__(self, connection: Connection, table: Table, record: type[Record]) -> None:
        self._connection = connection
        self._table = table
        self._record = record

    def get(self, key: str) -> Record | None:
        """The record with this id."""
        return self._first(_reading(self._table), {"this_id": key})

    def recent(self, *, states: Sequence[str] = (), limit: int | None = 100) -> Sequence[Record]:
        """The newest records, optionally only those in ``states``."""
        newest = self._table.c[_NEWEST_BY[self._table.name]]
        statement = select(self._table).order_by(newest.desc(), self._table.c.id).limit(limit)
        return self._all(statement.where(self._table.c.state.in_(states)) if states else statement)

    def lease(
        self, key: str, *, states: Iterable[StrEnum], now: datetime, lasting: timedelta, **columns: Any
    ) -> Record | None:
        """Take the work if it is due, in one of ``states``, and no worker has it; None otherwise."""
        values = {"this_id": key, "this_moment": now, "lease_until": now + lasting} | columns
        return self._first(_leasing(self._table, tuple(states)), values)

    def settle(self, key: str, *, fence: int, **columns: Any) -> None:
        """Write what came of leased work and give the lease back, unless ``columns`` keep it.

        Raises ``LeaseLost`` when another worker holds the lease by now.
        """
        values = {"this_id": key, "this_fence": fence, "lease_until": None, "dispatched_until": None} | columns
        if self._connection.execute(_settling(self._table), values).rowcount != 1:
            raise LeaseLost(key)

    def step(self, key: str, *, to: StrEnum, states: Iterable[StrEnum], **columns: Any) -> bool:
        """Move to state ``to`` if still in one of ``states``; whether it was."""
        values = {"this_id": key, "state": str(to)} | columns
        return self._connection.execute(_stepping(self._table, tuple(states)), values).rowcount == 1

    def set(self, key: str, **columns: Any) -> None:
        """Write facts that change no state."""
        self._connection.execute(update(self._table).where(self._table.c.id == key).values(columns))

    def _all(self, statement: Executable, values: dict[str, Any] | None = None) -> list[Record]:
        return [from_row(self._record, row) for row in self._connection.execute(statement, values).mappings()]

    def _first(self, statement: Executable, values: dict[str, Any] | None = None) -> Record | None:
        row = self._connection.execute(statement, values).mappings().first()
        return None if row is None else from_row(self._record, row)


#: The column that says how new a record of a table is.
_NEWEST_BY = {
    "requests": "received_at",
    "claims": "starts_at",
    "operations": "created_at",
    "tickets": "opened_at",
    "sync_runs": "started_at",
}


# The statements of every grant are built once; the columns to set are given when they are carried out. To build one each
# time costs five to thirty times what carrying it out on SQLite does [measured], and a grant has some fifteen of them.


@cache
def _reading(table: Table) -> Select[Any]:
    return select(table).where(table.c.id == bindparam("this_id"))


@cache
def _leasing(table: Table, states: tuple[StrEnum, ...]) -> ReturningUpdate[Any]:
    now = bindparam("this_moment", type_=table.c.due_at.type)
    free = or_(table.c.lease_until.is_(None), table.c.lease_until <= now)
    return (
        update(table)
        .where(table.c.id == bindparam("this_id"), among(table.c.state, states), table.c.due_at <= now, free)
        .values(fence=table.c.fence + 1)
        .returning(table)
    )


@cache
def _settling(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam("this_id"), table.c.fence == bindparam("this_fence"))


@cache
def _stepping(table: Table, states: tuple[StrEnum, ...]) -> Update:
    return update(table).where(table.c.id == bindparam("this_id"), among(table.c.state, states))
