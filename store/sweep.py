"""The sweep: finds the rows that are due, whatever the broker did with their wake-ups.

The sweep marks the rows it finds as under way until ``dispatched_until``, so that no two processes take one up. If a process
dies with them, the mark runs out and the next sweep finds the row again. No wake-up is sent for a row that was found so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from access.lifecycle import ClaimState, OperationState, RequestState
from access.message import Action
from access.methods import Direction
from access.operations import Lane
from store.issue_tables import awaited_issues
from store.leases import among
from store.outbox import Topic, WakeUp
from store.snapshot_tables import sync_runs
from store.tables import claims, inbox, operations, outbox, requests, restores, tickets
from store.tickets import FOLLOWED


class Due(StrEnum):
    """A kind of work, in the order of service."""

    #: What takes access away: claims that ended, operations, and requests; and, before them, what extends it.
    REMOVAL = "removal"
    #: What gives access: requests, and operations.
    WORK = "work"
    #: Tickets to look at, and issues whose closing ends access.
    TICKET = "ticket"
    #: Runs of sync.
    SYNC = "sync"


class Place(NamedTuple):
    """Where the work on a row belongs."""

    kind: Due
    system: str


class Backlog(NamedTuple):
    """The rows of a kind of work and a system that are due and not under way; ``oldest`` is since when the first is due."""

    kind: Due
    system: str
    rows: int
    oldest: datetime


class Sweep:
    """Finds due rows, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(self, *, now: datetime) -> frozenset[Due]:
        """The kinds of work that are due: one cheap read, made several times a second."""
        return frozenset(map(Due, self._connection.execute(_due_kinds(), {"now": now}).scalars()))

    def next_due(self, *, now: datetime) -> datetime | None:
        """When the next row becomes due after ``now``, as far as is known."""
        return min(self._connection.execute(_later_moments(), {"now": now}).scalars(), default=None)

    def backlog(self, *, now: datetime) -> Sequence[Backlog]:
        """What is due, by kind and system. Tickets have no system of their own: their calls go to the ticketing system."""
        found: dict[tuple[Due, str], Backlog] = {}
        for kind, sources in _SOURCES.items():
            for source in sources:
                for system, rows, oldest in self._connection.execute(_counting(source), {"now": now}):
                    before = found.get((kind, system), Backlog(kind, system, 0, oldest))
                    found[kind, system] = Backlog(kind, system, before.rows + rows, min(before.oldest, oldest))
        return list(found.values())

    def handed_in(self, *, owed_before: datetime) -> bool:
        """Whether a message waits in the inbox, or a wake-up is owed since ``owed_before``."""
        return self._connection.execute(_handed_in(), {"owed_before": owed_before}).first() is not None

    def mark_due(
        self,
        *,
        now: datetime,
        dispatched_for: timedelta,
        limit: int,
        kind: Due | None = None,
        system: str | None = None,
    ) -> Sequence[WakeUp]:
        """Mark due rows as under way and return them, removals first; those of one ``kind`` and ``system`` when they are given.

        ``limit`` bounds the rows of a kind. One ``WakeUp`` stands for all tickets.
        """
        until = now + dispatched_for
        found: list[WakeUp] = []
        for each in Due if kind is None else (kind,):
            left = limit
            for source in _SOURCES[each]:
                keys = self._mark(source, now, until, left, system)
                left -= len(keys)
                found += source.wake_ups(keys)
        return found

    def mark_beside(self, request_id: str, *, now: datetime, dispatched_for: timedelta, limit: int) -> Sequence[str]:
        """Mark as under way, and return, other requests to grant access that are due for the same person and system."""
        values = {"now": now, "most": limit, "this_request": request_id}
        keys = list(self._connection.execute(_beside(), values).scalars())
        if keys:
            marked = {"these_ids": keys, "dispatched_until": now + dispatched_for}
            self._connection.execute(_marking(requests), marked)
        return keys

    def places(self, rows: Sequence[tuple[Topic, str]]) -> dict[tuple[Topic, str], Place]:
        """Where the work on these rows belongs; rows that are gone, tickets and sync runs are left out."""
        found: dict[tuple[Topic, str], Place] = {}
        for topic, sources in _BY_TOPIC.items():
            keys = {ref for each, ref in rows if each is topic}
            for kind, source in sources if keys else ():
                for row in self._connection.execute(_rows_among(source), {"these_ids": list(keys)}):
                    found[topic, row.id] = Place(kind, row.system)
        return found

    def release(self, rows: Sequence[tuple[Topic, str]]) -> None:
        """Take the marks of these rows back: nobody is at them after all."""
        for topic, sources in _BY_TOPIC.items():
            keys = {ref for each, ref in rows if each is topic}
            if keys:
                values = {"these_ids": list(keys), "dispatched_until": None}
                self._connection.execute(_marking(sources[0][1].table), values)

    def keep(self, rows: Sequence[tuple[Topic, str]], *, now: datetime, until: datetime) -> None:
        """Keep the marks of these rows, and the leases of operations that are theirs, until a later moment.

        What ran out by now is not kept: somebody else may have it. Rows that another transaction is writing are left out.
        """
        by_topic = {topic: [ref for each, ref in rows if each is topic] for topic in _BY_TOPIC}
        for topic, sources in _BY_TOPIC.items():
            if keys := by_topic[topic]:
                table = sources[0][1].table
                mine = select(table.c.id).where(table.c.id.in_(keys), table.c.dispatched_until > now)
                self._set_unlocked(table, mine, dispatched_until=until)
        theirs = or_(
            operations.c.id.in_(by_topic[Topic.OPERATION]),
            operations.c.request_id.in_(by_topic[Topic.REQUEST]),
            operations.c.claim_id.in_(by_topic[Topic.CLAIM]),
        )
        leased = select(operations.c.id).where(theirs, operations.c.lease_until > now)
        self._set_unlocked(operations, leased, lease_until=until)

    def _set_unlocked(self, table: Table, rows: Select[Any], **columns: datetime) -> None:
        keys = rows.with_for_update(skip_locked=True)
        self._connection.execute(update(table).where(table.c.id.in_(keys)).values(columns))

    def release_all(self) -> int:
        """Take back all leases and marks of wake-ups; returns how many rows had one.

        Only for a store that no other process works on: the process that held them was killed.
        """
        freed = 0
        for table in (requests, operations, claims, tickets, awaited_issues):
            held = {"dispatched_until": None} | ({"lease_until": None} if "lease_until" in table.c else {})
            condition = or_(*(table.c[name].is_not(None) for name in held))
            freed += self._connection.execute(update(table).where(condition).values(held)).rowcount
        return freed

    def _mark(self, source: _Source, now: datetime, until: datetime, limit: int, system: str | None) -> Sequence[str]:
        if limit <= 0:
            return []
        statement = _due_rows(source, of_system=system is not None)
        keys = list(self._connection.execute(statement, {"now": now, "most": limit, "this_system": system}).scalars())
        if keys:
            self._connection.execute(_marking(source.table), {"these_ids": keys, "dispatched_until": until})
        return keys


#: The moment at which rows are due.
_NOW = bindparam("now", type_=requests.c.due_at.type)


@dataclass(frozen=True, eq=False)
class _Source:
    """Rows of one table that are one kind of work, and the lane of their wake-ups."""

    table: Table
    topic: Topic
    lane: Lane
    conditions: tuple[ColumnElement[bool], ...] = ()

    def is_due(self) -> ColumnElement[bool]:
        """Whether a row is due at ``_NOW``, and nobody is at it."""
        columns = self.table.c
        conditions = [columns.due_at <= _NOW, *self.conditions]
        if self.topic is not Topic.SYNC:
            conditions.append(_NOT_RESTORING)
        marks = (columns[name] for name in ("dispatched_until", "lease_until") if name in columns)
        return and_(*conditions, *(or_(mark.is_(None), mark <= _NOW) for mark in marks))

    def wake_ups(self, keys: Sequence[str]) -> list[WakeUp]:
        """The wake-ups of these rows."""
        if self.topic is Topic.TICKETS:
            return [WakeUp(self.topic, "", self.lane)] if keys else []
        return [WakeUp(self.topic, key, self.lane) for key in keys]


#: No access is changed while a database that was put back waits for what it lacks.
_NOT_RESTORING = ~exists().where(restores.c.ended_at.is_(None))


def _operations(direction: Direction, lane: Lane) -> _Source:
    alive = among(operations.c.state, (OperationState.READY, OperationState.RUNNING, OperationState.BLOCKED))
    return _Source(operations, Topic.OPERATION, lane, (alive, operations.c.direction == str(direction)))


_FIRST = [str(action) for action in Action if action.goes_first]
_TAKING = [str(action) for action in Action if action.direction is Direction.TAKE]

#: The rows that are each kind of work, in the order in which they are served.
_SOURCES = {
    Due.REMOVAL: (
        # An extension before the end of the claim that it extends.
        _Source(requests, Topic.REQUEST, Lane.REVOKE, (requests.c.action == literal_column(f"'{Action.EXTEND}'"),)),
        # Removals that began are longer overdue than claims whose end has not.
        _operations(Direction.TAKE, Lane.REVOKE),
        _Source(claims, Topic.CLAIM, Lane.REVOKE, (among(claims.c.state, (ClaimState.ACTIVE,)),)),
        _Source(requests, Topic.REQUEST, Lane.REVOKE, (requests.c.action.in_(_TAKING),)),
    ),
    Due.WORK: (
        _operations(Direction.GIVE, Lane.GRANT),
        _Source(requests, Topic.REQUEST, Lane.GRANT, (requests.c.action.not_in(_FIRST),)),
    ),
    Due.TICKET: (
        _Source(tickets, Topic.TICKETS, Lane.TICKET, (among(tickets.c.state, FOLLOWED),)),
        _Source(awaited_issues, Topic.TICKETS, Lane.TICKET),
    ),
    Due.SYNC: (_Source(sync_runs, Topic.SYNC, Lane.SYNC),),
}
#: The same by topic, for the topics whose wake-ups name one row of a system.
_BY_TOPIC = {
    topic: [(kind, source) for kind, sources in _SOURCES.items() for source in sources if source.topic is topic]
    for topic in (Topic.REQUEST, Topic.OPERATION, Topic.CLAIM)
}


# Built once: an idle process asks these several times a second, and building them took most of that time [measured].


@cache
def _due_kinds() -> CompoundSelect[Any]:
    return union_all(
        *(
            select(literal_column(f"'{kind}'").label("kind"))
            .select_from(source.table)
            .where(source.is_due())
            .limit(1)
            .subquery()
            .select()
            for kind, sources in _SOURCES.items()
            for source in sources
        )
    )


@cache
def _later_moments() -> CompoundSelect[Any]:
    return union_all(
        *(
            select(source.table.c.due_at)
            .where(source.table.c.due_at > _NOW, *source.conditions)
            .order_by(source.table.c.due_at)
            .limit(1)
            .subquery()
            .select()
            for sources in _SOURCES.values()
            for source in sources
        )
    )


@cache
def _due_rows(source: _Source, *, of_system: bool) -> Select[Any]:
    table = source.table
    found = select(table.c.id).where(source.is_due()).order_by(table.c.due_at).limit(bindparam("most", type_=Integer))
    if of_system:
        found = found.where(table.c.system == bindparam("this_system"))
    # SQLite has no such lock, and leaves the words out.
    return found.with_for_update(skip_locked=True)


@cache
def _beside() -> Select[Any]:
    grants = _Source(requests, Topic.REQUEST, Lane.GRANT, (requests.c.action == literal_column(f"'{Action.GRANT}'"),))
    one = requests.alias("one")
    found = (
        select(requests.c.id)
        .join(one, and_(one.c.subject == requests.c.subject, one.c.system == requests.c.system))
        .where(
            one.c.id == bindparam("this_request"),
            requests.c.id != one.c.id,
            among(requests.c.state, (RequestState.RECEIVED,)),
            grants.is_due(),
        )
        .order_by(requests.c.sequence)
        .limit(bindparam("most", type_=Integer))
    )
    return found.with_for_update(of=requests, skip_locked=True)


@cache
def _counting(source: _Source) -> Select[str, int, datetime]:
    columns = source.table.c
    system: ColumnElement[str] = columns.system if "system" in columns else literal_column("'ticketing'")
    found = select(system, func.count(), func.min(columns.due_at)).where(source.is_due()).having(func.count() > 0)
    return found.group_by(system) if "system" in columns else found


@cache
def _marking(table: Table) -> Update:
    return update(table).where(table.c.id.in_(bindparam("these_ids")))


@cache
def _rows_among(source: _Source) -> Select[Any]:
    table = source.table
    among_ids = table.c.id.in_(bindparam("these_ids"))
    return select(table.c.id, table.c.system).where(among_ids, *source.conditions, _NOT_RESTORING)


@cache
def _handed_in() -> CompoundSelect[Any]:
    owed = outbox.c.created_at <= bindparam("owed_before", type_=outbox.c.created_at.type)
    looks = [select(literal(1)).select_from(inbox), select(literal(1)).select_from(outbox).where(owed)]
    return union_all(*(look.limit(1).subquery().select() for look in looks)).limit(1)
