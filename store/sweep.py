"""The sweep: finds the rows that are due, whatever the broker did with their wake-ups.

The sweep marks the rows it finds as under way until ``dispatched_until``, so that several relays, or one relay at its next
look, do not flood the broker. If a wake-up is lost, the mark runs out and the next sweep finds the row again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Table,
    and_,
    bindparam,
    literal,
    or_,
    select,
    union_all,
    update,
)

from access.lifecycle import ClaimState, OperationState, TicketState
from access.methods import Direction
from access.operations import Lane
from store.leases import among
from store.outbox import Topic, WakeUp
from store.snapshot_tables import sync_runs
from store.tables import claims, inbox, operations, outbox, requests, tickets

_LIVING = (requests, operations, claims, tickets, sync_runs)


class Sweep:
    """Finds due rows, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def anything(self, *, now: datetime, owed_before: datetime) -> bool:
        """Whether a row is due, a wake-up is owed, or a message waits: one cheap read, made several times a second."""
        moments = {"now": now, "owed_before": owed_before}
        return self._connection.execute(_anything(), moments).first() is not None

    def mark_due(self, *, now: datetime, dispatched_for: timedelta, limit: int) -> Sequence[WakeUp]:
        """Mark up to ``limit`` due rows of each kind as under way; returns their wake-ups, removals first."""
        until = now + dispatched_for
        wake_ups = [WakeUp(Topic.CLAIM, key, Lane.REVOKE) for key in self._mark(claims, now, until, limit)]
        for direction, lane in ((Direction.TAKE, Lane.REVOKE), (Direction.GIVE, Lane.GRANT)):
            keys = self._mark(operations, now, until, limit, operations.c.direction == str(direction))
            wake_ups += [WakeUp(Topic.OPERATION, key, lane) for key in keys]
        wake_ups += [WakeUp(Topic.REQUEST, key, Lane.GRANT) for key in self._mark(requests, now, until, limit)]
        if self._mark(tickets, now, until, limit):
            wake_ups.append(WakeUp(Topic.TICKETS, "", Lane.TICKET))
        wake_ups += [WakeUp(Topic.SYNC, key, Lane.SYNC) for key in self._mark(sync_runs, now, until, limit)]
        return wake_ups

    def release_all(self) -> int:
        """Take back all leases and marks of wake-ups; returns how many rows had one.

        Only for a store that no other process works on: the process that held them was killed.
        """
        freed = 0
        for table in (requests, operations, claims, tickets):
            held = {"dispatched_until": None} | ({"lease_until": None} if "lease_until" in table.c else {})
            condition = or_(*(table.c[name].is_not(None) for name in held))
            freed += self._connection.execute(update(table).where(condition).values(held)).rowcount
        return freed

    def _mark(
        self, table: Table, now: datetime, until: datetime, limit: int, extra: ColumnElement[bool] | None = None
    ) -> Sequence[str]:
        condition = _is_due(table) if extra is None else and_(_is_due(table), extra)
        found = select(table.c.id).where(condition).order_by(table.c.due_at).limit(limit)
        if self._connection.dialect.name == "postgresql":
            found = found.with_for_update(skip_locked=True)
        keys = list(self._connection.execute(found, {"now": now}).scalars())
        if keys:
            self._connection.execute(update(table).where(table.c.id.in_(keys)).values(dispatched_until=until))
        return keys


#: The moment at which rows are due.
_NOW = bindparam("now", type_=requests.c.due_at.type)


@cache
def _anything() -> CompoundSelect[Any]:
    """Built once: an idle process asks this several times a second, and building it took most of that time [measured]."""
    owed = outbox.c.created_at <= bindparam("owed_before", type_=outbox.c.created_at.type)
    looks = [
        *(select(literal(1)).select_from(table).where(_is_due(table)) for table in _LIVING),
        select(literal(1)).select_from(inbox),
        select(literal(1)).select_from(outbox).where(owed),
    ]
    return union_all(*(look.limit(1).subquery().select() for look in looks)).limit(1)


def _is_due(table: Table) -> ColumnElement[bool]:
    conditions = [
        table.c.due_at <= _NOW,
        or_(table.c.dispatched_until.is_(None), table.c.dispatched_until <= _NOW),
    ]
    if "lease_until" in table.c:
        conditions.append(or_(table.c.lease_until.is_(None), table.c.lease_until <= _NOW))
    if table is tickets:
        conditions.append(among(table.c.state, (TicketState.OPEN, TicketState.ANSWERED)))
    if table is operations:
        conditions.append(among(table.c.state, (OperationState.READY, OperationState.RUNNING, OperationState.BLOCKED)))
    if table is claims:
        conditions.append(among(table.c.state, (ClaimState.ACTIVE,)))
    return and_(*conditions)
