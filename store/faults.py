"""Faults in the store, and the rows that wait for their end.

Who writes to a fault and to rows locks the fault first, so that two writers never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Table, and_, bindparam, case, delete, exists, func, or_, select, update

from access.faults import Fault, FaultKey
from access.lifecycle import OperationState, RequestState
from access.operations import Lane
from store.fault_tables import fault_rows, faults
from store.leases import among
from store.outbox import Topic
from store.rows import from_row
from store.tables import operations, requests, tickets
from store.tickets import FOLLOWED
from store.upsert import insert_into

_TABLES = {Topic.REQUEST: requests, Topic.OPERATION: operations}

# Built once: see ``store/leases.py``.
_OPEN_AT = select(faults).where(faults.c.place == bindparam("this_place")).order_by(faults.c.id)
#: The rows that still wait to be planned, carried out or followed.
_WAITING = or_(
    and_(
        fault_rows.c.topic == str(Topic.REQUEST),
        exists().where(
            requests.c.id == fault_rows.c.ref,
            among(requests.c.state, (RequestState.RECEIVED, RequestState.PLANNED, RequestState.BLOCKED)),
            requests.c.due_at.is_not(None),
        ),
    ),
    and_(
        fault_rows.c.topic == str(Topic.OPERATION),
        exists().where(
            operations.c.id == fault_rows.c.ref,
            among(operations.c.state, (OperationState.READY, OperationState.RUNNING)),
        ),
    ),
    # An operation that a person carries out waits while its ticket cannot be followed.
    and_(
        fault_rows.c.topic == str(Topic.OPERATION),
        exists().where(
            tickets.c.operation_id == fault_rows.c.ref,
            among(tickets.c.state, FOLLOWED),
            tickets.c.error.is_not(None),
        ),
    ),
)


class WaitingRow(NamedTuple):
    """A request or an operation that waits for the end of a fault, for whom, in which order of service, and since when."""

    topic: Topic
    ref: str
    subject: str
    lane: Lane
    since: datetime


class Faults:
    """Faults, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def at(self, place: str) -> Sequence[Fault]:
        """The faults of a place, oldest first."""
        return [from_row(Fault, row) for row in self._connection.execute(_OPEN_AT, {"this_place": place}).mappings()]

    def all(self) -> Sequence[Fault]:
        """All faults for whose end rows wait, oldest first."""
        found = select(faults).where(exists().where(fault_rows.c.fault_id == faults.c.id, _WAITING))
        return [from_row(Fault, row) for row in self._connection.execute(found.order_by(faults.c.id)).mappings()]

    def meet(self, key: FaultKey, *, what: str, remedy: str, now: datetime) -> Fault:
        """Note that the fault was met, and lock it; a new one begins now."""
        new = {**_columns(key), "what": what, "remedy": remedy, "since": now, "met_at": now}
        statement = (
            insert_into(faults, self._connection)
            .values(new)
            .on_conflict_do_update(
                index_elements=["place", "scope", "name"], set_={"what": what, "remedy": remedy, "met_at": now}
            )
            .returning(faults)
        )
        return from_row(Fault, self._connection.execute(statement).mappings().one())

    def locked(self, fault_id: int) -> Fault | None:
        """The fault, locked; None when it is over."""
        statement = select(faults).where(faults.c.id == fault_id).with_for_update()
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else from_row(Fault, row)

    def wait(self, fault: Fault, topic: Topic, ref: str, *, subject: str, lane: Lane, now: datetime) -> None:
        """A row waits for the end of this fault, and of no other any more."""
        values = {"fault_id": fault.id, "subject": subject, "lane": str(lane)}
        since = case((fault_rows.c.fault_id == fault.id, fault_rows.c.since), else_=now)
        self._connection.execute(
            insert_into(fault_rows, self._connection)
            .values(topic=str(topic), ref=ref, since=now, **values)
            .on_conflict_do_update(index_elements=["topic", "ref"], set_={**values, "since": since})
        )

    def fault_of(self, topic: Topic, ref: str) -> int | None:
        """The fault for whose end a row waits."""
        found = select(fault_rows.c.fault_id).where(fault_rows.c.topic == str(topic), fault_rows.c.ref == ref)
        return self._connection.execute(found).scalar()

    def subjects(self, fault: Fault) -> int:
        """How many different subjects wait for the end of a fault."""
        found = select(func.count(fault_rows.c.subject.distinct())).where(fault_rows.c.fault_id == fault.id)
        return int(self._connection.execute(found).scalar_one())

    def shared_at(self, place: str) -> int:
        """How many faults of a place are shared."""
        found = select(func.count()).where(faults.c.place == place, faults.c.shared_at.is_not(None))
        return int(self._connection.execute(found).scalar_one())

    def share(self, fault: Fault, *, now: datetime) -> None:
        """From now on the fault holds all that would meet it."""
        self._connection.execute(update(faults).where(faults.c.id == fault.id).values(shared_at=now))

    def give_turn(self, fault: Fault, *, pause: timedelta, now: datetime) -> datetime:
        """When the next row in the line may test the fault, ``pause`` after the one before it. The fault must be locked."""
        last = self._connection.execute(select(faults.c.next_test_at).where(faults.c.id == fault.id)).scalar()
        at = max(last or now, now) + pause
        self._connection.execute(
            update(faults).where(faults.c.id == fault.id).values(next_test_at=at, tests=faults.c.tests + 1)
        )
        return at

    def rows(self, fault_id: int) -> Sequence[WaitingRow]:
        """The rows that wait for the end of a fault: removals first, then the oldest."""
        last = fault_rows.c.lane != str(Lane.REVOKE)
        found = select(fault_rows).where(fault_rows.c.fault_id == fault_id, _WAITING)
        return [
            WaitingRow(Topic(row.topic), row.ref, row.subject, Lane(row.lane), row.since)
            for row in self._connection.execute(found.order_by(last, fault_rows.c.since, fault_rows.c.ref))
        ]

    def end(self, fault_id: int) -> None:
        """The fault is over, and nothing waits for its end any more."""
        self._connection.execute(delete(fault_rows).where(fault_rows.c.fault_id == fault_id))
        self._connection.execute(delete(faults).where(faults.c.id == fault_id))

    def leave(self, topic: Topic, ref: str) -> None:
        """A row waits for no fault any more."""
        self._connection.execute(delete(fault_rows).where(fault_rows.c.topic == str(topic), fault_rows.c.ref == ref))

    def forget_idle(self) -> Sequence[Fault]:
        """Forget rows that do not wait any more, and the faults for which none is left; returns these faults."""
        self._connection.execute(select(faults.c.id).order_by(faults.c.id).with_for_update())
        self._connection.execute(delete(fault_rows).where(~_WAITING))
        idle = select(faults).where(~exists().where(fault_rows.c.fault_id == faults.c.id))
        found = [from_row(Fault, row) for row in self._connection.execute(idle).mappings()]
        for fault in found:
            self.end(fault.id)
        return found

    def set_due(self, rows: Iterable[tuple[WaitingRow, datetime]], *, sooner: bool = False) -> None:
        """Have rows carried on with at these moments; with ``sooner`` only those that would wait for longer."""
        by_topic: dict[Topic, list[dict[str, Any]]] = {}
        for row, at in rows:
            by_topic.setdefault(row.topic, []).append({"this_ref": row.ref, "this_at": at})
        for topic, values in by_topic.items():
            table = _TABLES[topic]
            self._set_due(table, table.c.id, values, sooner=sooner)
            if topic is Topic.OPERATION:  # Where it is with a person, its ticket is what is due.
                self._set_due(tickets, tickets.c.operation_id, values, sooner=sooner)

    def _set_due(self, table: Table, ref: Column[str], values: Sequence[Mapping[str, Any]], *, sooner: bool) -> None:
        moment = bindparam("this_at", type_=table.c.due_at.type)
        statement = update(table).where(ref == bindparam("this_ref"), table.c.due_at.is_not(None))
        if sooner:
            statement = statement.where(table.c.due_at > moment)
        self._connection.execute(statement.values(due_at=moment, dispatched_until=None), values)


def _columns(key: FaultKey) -> dict[str, str]:
    return {"place": key.place, "scope": str(key.scope), "name": key.name}
