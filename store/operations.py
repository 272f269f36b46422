"""Operations in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from access.entitlements import System
from access.lifecycle import OperationState, RequestState
from access.methods import Direction, Method
from access.operations import Obstacle, Operation, Purpose, access_key
from store.database import hold
from store.leases import LeasedTable, among
from store.rows import to_row
from store.tables import operations, requests

#: States in which an operation has the access to itself.
BUSY = (OperationState.RUNNING, OperationState.WITH_PERSON)
#: States in which an operation is not over.
ALIVE = (OperationState.WAITING, OperationState.READY, *BUSY, OperationState.BLOCKED)


# Built once: see ``store/leases.py``.
_BEGIN = {
    "postgresql": postgresql.insert(operations).on_conflict_do_nothing().returning(operations.c.id),
    "sqlite": sqlite.insert(operations).on_conflict_do_nothing().returning(operations.c.id),
}
_TAKEN_SINCE = (
    select(requests.c.id)
    .join(operations, operations.c.request_id == requests.c.id)
    .where(
        operations.c.access_key == bindparam("this_key"),
        operations.c.direction == str(Direction.TAKE),
        operations.c.purpose == str(Purpose.REQUEST),
        requests.c.sequence > bindparam("this_sequence"),
        among(requests.c.state, (RequestState.FULFILLING, RequestState.DONE, RequestState.BLOCKED)),
    )
    .order_by(requests.c.sequence)
)
_LAST_WRITE = select(func.max(operations.c.wrote_at)).where(
    operations.c.access_key == bindparam("this_key"), operations.c.id != bindparam("this_id")
)
_NOT_OVER_AT = select(operations).where(
    operations.c.access_key == bindparam("this_key"), among(operations.c.state, ALIVE)
)
_TAKER_AT = (
    select(operations.c.request_id)
    .where(
        operations.c.access_key == bindparam("this_key"),
        operations.c.direction == str(Direction.TAKE),
        among(operations.c.state, ALIVE),
    )
    .limit(1)
)
_later = operations.alias("later")
_NEXT = (
    select(_later.c.id)
    .where(
        _later.c.request_id == bindparam("this_request"),
        _later.c.purpose == bindparam("this_purpose"),
        _later.c.position > bindparam("this_position"),
        among(_later.c.state, (OperationState.WAITING,)),
    )
    .order_by(_later.c.position)
    .limit(1)
)
#: Operations that wait for an access to be free. After a failure an operation waits for its own time.
_WAITING_FOR_ACCESS = and_(
    operations.c.access_key == bindparam("this_key"),
    among(operations.c.state, (OperationState.READY,)),
    operations.c.due_at.is_not(None),
    operations.c.error.is_(None),
)
_RELEASE = (
    update(operations)
    .where(or_(operations.c.id == _NEXT.scalar_subquery(), _WAITING_FOR_ACCESS))
    .values(
        state=str(OperationState.READY),
        dispatched_until=None,
        due_at=bindparam("this_moment", type_=operations.c.due_at.type),
        begun_at=bindparam("this_moment", type_=operations.c.due_at.type),
    )
    .returning(operations.c.id, operations.c.request_id, operations.c.purpose)
)


class Operations(LeasedTable[Operation]):
    """Operations, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, operations, Operation)

    def add(self, operation: Operation) -> None:
        """Store a new operation, in the state it carries."""
        self._connection.execute(operations.insert(), _columns(operation))

    def begin(self, operation: Operation, *, lease_until: datetime) -> bool:
        """Store a new operation that runs and is leased, unless another is at its access; whether it was stored."""
        insert = _BEGIN[self._connection.dialect.name]
        return self._connection.execute(insert, _columns(operation) | {"lease_until": lease_until}).first() is not None

    def of_request(self, request_id: str, *, purpose: Purpose | None = None) -> Sequence[Operation]:
        """A request's operations in order."""
        found = select(operations).where(operations.c.request_id == request_id)
        if purpose is not None:
            found = found.where(operations.c.purpose == str(purpose))
        return self._all(found.order_by(operations.c.position, operations.c.created_at))

    def busy_at(self, key: str) -> str | None:
        """The id of the operation that has this access to itself now."""
        busy = select(operations.c.id).where(operations.c.access_key == key, among(operations.c.state, BUSY))
        return self._connection.execute(busy).scalar()

    def last_write_at(self, key: str, *, but: str) -> datetime | None:
        """When another operation than ``but`` last sent a write at this access, or a person said to have made one."""
        return self._connection.execute(_LAST_WRITE, {"this_key": key, "this_id": but}).scalar()

    def not_over_at(self, key: str) -> Sequence[Operation]:
        """All operations on this access that are not over."""
        return self._all(_NOT_OVER_AT, {"this_key": key})

    def taker_at(self, key: str) -> str | None:
        """A request that has an operation which takes this access away, and is not over."""
        return self._connection.execute(_TAKER_AT, {"this_key": key}).scalar()

    def leaving(self, operation: Operation) -> Sequence[str]:
        """The other accounts that this entitlement is being taken from. Until the transaction ends nobody else is told."""
        hold(self._connection, f"leaving {operation.entitlement}")
        others = select(operations.c.account_id).where(
            operations.c.entitlement == str(operation.entitlement),
            operations.c.direction == str(Direction.TAKE),
            operations.c.account_id != operation.account_id,
            among(operations.c.state, BUSY),
            or_(operations.c.wrote_at.is_not(None), operations.c.via == str(Method.TICKET)),
        )
        return list(self._connection.execute(others).scalars())

    def taken_since(self, key: str, sequence: int) -> Sequence[str]:
        """The requests later in the sequence that had this access taken away, or are having it taken."""
        return list(self._connection.execute(_TAKEN_SINCE, {"this_key": key, "this_sequence": sequence}).scalars())

    def learn_account(self, operation: Operation, account_id: str) -> None:
        """Write the account that ``operation`` made or found to it and to the other operations of its request."""
        for other in self.of_request(operation.request_id, purpose=operation.purpose):
            if other.account_id is None:
                key = access_key(account_id, None, other.entitlement)
                self.set(other.id, account_id=account_id, access_key=key)

    def release(self, operation: Operation, *, now: datetime) -> str | None:
        """``operation`` is over: make the next of its request due, and those that wait for its access.

        Returns the id of the next operation of the request, None when there is none.
        """
        values = {
            "this_request": operation.request_id,
            "this_purpose": str(operation.purpose),
            "this_position": operation.position,
            "this_key": operation.access_key,
            "this_moment": now,
        }
        for row in self._connection.execute(_RELEASE, values):
            if (row.request_id, row.purpose) == (operation.request_id, str(operation.purpose)):
                return str(row.id)
        return None

    def make_due(self, key: str, *, now: datetime) -> None:
        """Make the operations that wait for this access due now, except those that wait after a failure."""
        values = {"this_key": key, "due_at": now, "begun_at": now, "dispatched_until": None}
        self._connection.execute(update(operations).where(_WAITING_FOR_ACCESS), values)

    def missing_since(self, system: System, missing: str) -> datetime | None:
        """Since when removals wait for this thing of the system, which cannot be seen; None while none does."""
        found = select(func.min(operations.c.blocked_at)).where(*_waits_for(system, missing))
        return self._connection.execute(found).scalar()

    def look_together(self, system: System, missing: str, *, at: datetime) -> None:
        """Have all removals that wait for this missing thing looked at next at this moment: one look serves them all."""
        self._connection.execute(update(operations).where(*_waits_for(system, missing)).values(due_at=at))

    def count_waiting_for(self, system: System, missing: str) -> int:
        """How many removals wait for this missing thing."""
        found = select(func.count()).select_from(operations).where(*_waits_for(system, missing))
        return self._connection.execute(found).scalar_one()

    def leave_unresolved(self, system: System, missing: str, *, blocked_before: datetime) -> Sequence[Operation]:
        """Mark the removals that have waited for this missing thing since before a moment; returns those newly marked."""
        overdue = update(operations).where(
            *_waits_for(system, missing),
            operations.c.obstacle == str(Obstacle.UNSEEN),
            operations.c.blocked_at <= blocked_before,
        )
        return self._all(overdue.values(obstacle=str(Obstacle.UNRESOLVED)).returning(operations))

    def drop(self, operation_id: str, *, why: str) -> bool:
        """End an operation that is not wanted any more and has not begun; whether it was such a one."""
        return self.step(
            operation_id,
            to=OperationState.DROPPED,
            states=(OperationState.WAITING, OperationState.READY, OperationState.BLOCKED),
            error=why,
            due_at=None,
            lease_until=None,
        )


def _waits_for(system: System, missing: str) -> list[ColumnElement[bool]]:
    return [
        operations.c.missing == missing,
        operations.c.system == str(system),
        among(operations.c.state, (OperationState.BLOCKED,)),
    ]


def _columns(operation: Operation) -> dict[str, Any]:
    return to_row(operation) | {"system": str(operation.system), "access_key": operation.access_key}
