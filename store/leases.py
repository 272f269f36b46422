"""What all living tables share: fenced leases, and steps of the lifecycle by compare-and-swap.

A lease is taken by the ``UPDATE`` that also raises the fence; whoever finishes names the fence it holds, so a worker that
was thought dead and comes back finds its write refused (``LeaseLost``) instead of overwriting its successor's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
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


class LeaseLost(Exception):  # noqa: N818 - it is an event between workers, not an error of the caller
    """Somebody else has taken the work over since; what this worker found must not be written."""


def among(column: Column[str], states: Iterable[StrEnum]) -> ColumnElement[bool]:
    """Whether it is one of ``states``, which become part of the statement: an index for just these can serve it."""
    return column.in_([literal_column(f"'{state}'") for state in states])


class LeasedTable:
    """Steps on one living table, in the caller's transaction."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection = connection
        self._table = table

    def row(self, key: str) -> RowMapping | None:
        """The row with this id."""
        return self._connection.execute(_reading(self._table), {"this_id": key}).mappings().first()

    def lease(
        self, key: str, *, states: Iterable[StrEnum], now: datetime, lasting: timedelta, **columns: Any
    ) -> RowMapping | None:
        """Take the work if it is due, in one of ``states``, and nobody has it; None otherwise."""
        values = {"this_id": key, "this_moment": now, "lease_until": now + lasting} | columns
        return self._connection.execute(_leasing(self._table, tuple(states)), values).mappings().first()

    def settle(self, key: str, *, fence: int, **columns: Any) -> None:
        """Write what came of leased work and give the lease back, unless ``columns`` keep it.

        Raises ``LeaseLost`` when another worker holds it by now.
        """
        values = {"this_id": key, "this_fence": fence, "lease_until": None, "dispatched_until": None} | columns
        if self._connection.execute(_settling(self._table), values).rowcount != 1:
            raise LeaseLost(key)

    def step(self, key: str, *, to: StrEnum, states: Iterable[StrEnum], **columns: Any) -> bool:
        """Move to state ``to`` if still in one of ``states``; whether it was."""
        values = {"this_id": key, "state": str(to)} | columns
        return self._connection.execute(_stepping(self._table, tuple(states)), values).rowcount == 1


# Statements are built once and given their values when they are carried out, the columns to set among them: building one
# costs several times what carrying it out does [measured], and there are some twenty to a request.


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
