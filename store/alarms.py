"""Alarms: what a person has to look at, raised by a cause and closed when the cause is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, String, and_, cast, exists, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from access.fuse import producer_scope
from access.lifecycle import OperationState, PlanState, RequestState
from access.operations import TicketTrouble
from store.credential_tables import credential_ends
from store.fault_tables import alarms, faults
from store.leases import among
from store.operations import ALIVE
from store.plan_tables import fuse_counts, plans
from store.rows import from_row
from store.tables import operations, requests, tickets


class AlarmKind(StrEnum):
    """Why there is an alarm."""

    #: A fault lasts that a person has to mend.
    FAULT = "fault"
    #: A removal cannot go on by itself.
    BLOCKED = "blocked"
    #: Work is not done in the time that it may take.
    LATE = "late"
    #: What Provisor has to say on a ticket cannot be said.
    UNSAID = TicketTrouble.UNSAID
    #: A ticket that is not needed any more cannot be closed.
    LEFT_OPEN = TicketTrouble.LEFT_OPEN
    #: A ticket was done after its end, and nothing explains the access as it is now.
    UNTRACKED = TicketTrouble.UNTRACKED
    #: The fuse holds removals that no request foresaw.
    HELD = "held"
    #: Changed settings are not in force.
    SETTINGS = "settings"
    #: A credential ends soon, or has ended.
    CREDENTIAL = "credential"
    #: What is noted outside says that the audit trail is not the one it was.
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm.

    ``entity`` and ``ref`` name its cause: a fault, a request, an operation, a ticket, a plan, a producer, the settings, the
    place of a credential, or a place where seals are noted.
    """

    id: int
    kind: AlarmKind
    entity: str
    ref: str
    what: str
    remedy: str
    raised_at: datetime
    closed_at: datetime | None = None


_LIVING_REQUESTS = (RequestState.RECEIVED, RequestState.PLANNED, RequestState.FULFILLING, RequestState.BLOCKED)


def _is_cause(entity: str, kind: AlarmKind, found: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(alarms.c.entity == entity, alarms.c.kind == str(kind), found)


#: Whether revokes of a producer wait for their turn.
_HOLDS = exists().where(
    fuse_counts.c.scope == literal(producer_scope("")) + alarms.c.ref,
    fuse_counts.c.ref == requests.c.id,
    requests.c.due_at == fuse_counts.c.at,
    among(requests.c.state, (RequestState.RECEIVED, RequestState.PLANNED)),
)

#: Whether the cause of an alarm lasts.
_LASTS = or_(
    _is_cause("fault", AlarmKind.FAULT, exists().where(cast(faults.c.id, String) == alarms.c.ref)),
    *(
        _is_cause(entity, kind, exists().where(table.c.id == alarms.c.ref, among(table.c.state, states)))
        for entity, kind, table, states in (
            ("operation", AlarmKind.BLOCKED, operations, (OperationState.BLOCKED,)),
            ("operation", AlarmKind.LATE, operations, ALIVE),
            ("request", AlarmKind.BLOCKED, requests, (RequestState.BLOCKED,)),
            ("request", AlarmKind.LATE, requests, _LIVING_REQUESTS),
        )
    ),
    and_(alarms.c.entity == "ticket", exists().where(tickets.c.id == alarms.c.ref, tickets.c.trouble == alarms.c.kind)),
    _is_cause(
        "plan",
        AlarmKind.HELD,
        exists().where(
            plans.c.id == alarms.c.ref,
            plans.c.held_why.is_not(None),
            among(plans.c.state, (PlanState.OPEN, PlanState.APPROVED, PlanState.HELD)),
        ),
    ),
    _is_cause("producer", AlarmKind.HELD, _HOLDS),
    # The store cannot tell whether it lasts: who looks at the place ends it.
    alarms.c.entity == "place",
    # Whoever reads the settings next ends it.
    alarms.c.entity == "settings",
    _is_cause(
        "credential",
        AlarmKind.CREDENTIAL,
        exists().where(credential_ends.c.place == alarms.c.ref, credential_ends.c.near),
    ),
)


class Alarms:
    """Alarms, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, kind: AlarmKind, entity: str, ref: str, *, what: str, remedy: str, now: datetime) -> bool:
        """Raise an alarm, unless there is one for this cause already; whether it is new."""
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        statement = (
            insert(alarms)
            .values(kind=str(kind), entity=entity, ref=ref, what=what, remedy=remedy, raised_at=now)
            .on_conflict_do_nothing()
            .returning(alarms.c.id)
        )
        return self._connection.execute(statement).first() is not None

    def end(self, kind: AlarmKind, entity: str, ref: str, *, now: datetime) -> None:
        """Close the alarm for this cause, if there is one."""
        these = (alarms.c.kind == str(kind), alarms.c.entity == entity, alarms.c.ref == ref)
        self._connection.execute(update(alarms).where(alarms.c.closed_at.is_(None), *these).values(closed_at=now))

    def close_ended(self, *, now: datetime) -> Sequence[Alarm]:
        """Close the alarms whose cause is over; returns them."""
        statement = update(alarms).where(alarms.c.closed_at.is_(None), ~_LASTS).values(closed_at=now).returning(alarms)
        return [from_row(Alarm, row) for row in self._connection.execute(statement).mappings()]

    def lasting(self) -> Sequence[Alarm]:
        """The alarms whose cause lasts, oldest first."""
        found = select(alarms).where(alarms.c.closed_at.is_(None), _LASTS).order_by(alarms.c.id)
        return [from_row(Alarm, row) for row in self._connection.execute(found).mappings()]

    def recent(self, *, limit: int | None) -> Sequence[Alarm]:
        """The newest alarms, those that were closed included."""
        found = select(alarms).order_by(alarms.c.id.desc()).limit(limit)
        return [from_row(Alarm, row) for row in self._connection.execute(found).mappings()]
