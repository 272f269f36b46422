"""Operations in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from access.lifecycle import OperationState, RequestState
from access.methods import Direction
from access.operations import Operation, Purpose, access_key
from store.leases import LeasedTable, among
from store.rows import operation_of
from store.tables import operations, requests

#: States in which an operation has the access to itself.
BUSY = (OperationState.RUNNING, OperationState.WITH_PERSON)
#: States in which an operation is not over.
ALIVE = (OperationState.WAITING, OperationState.READY, *BUSY)


# Built once, for the same reason as in ``store/leases.py``.
_INSERT = operations.insert()
_BEGIN = {
    "postgresql": postgresql.insert(operations).on_conflict_do_nothing().returning(operations.c.id),
    "sqlite": sqlite.insert(operations).on_conflict_do_nothing().returning(operations.c.id),
}
_OF_REQUEST = (
    select(operations)
    .where(operations.c.request_id == bindparam("this_request"))
    .order_by(operations.c.position, operations.c.created_at)
)
_BUSY_AT = select(operations.c.id).where(
    operations.c.access_key == bindparam("this_key"), among(operations.c.state, BUSY)
)
_TAKEN_SINCE = (
    select(requests.c.id)
    .join(operations, operations.c.request_id == requests.c.id)
    .where(
        operations.c.access_key == bindparam("this_key"),
        operations.c.direction == str(Direction.TAKE),
        operations.c.purpose == str(Purpose.REQUEST),
        requests.c.received_at > bindparam("moment"),
        among(requests.c.state, (RequestState.FULFILLING, RequestState.DONE)),
    )
    .order_by(requests.c.received_at)
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
_HURRIED = and_(
    operations.c.access_key == bindparam("this_key"),
    among(operations.c.state, (OperationState.READY,)),
    operations.c.due_at.is_not(None),
    operations.c.error.is_(None),
)
_HURRY = update(operations).where(_HURRIED)
_RELEASE = (
    update(operations)
    .where(or_(operations.c.id == _NEXT.scalar_subquery(), _HURRIED))
    .values(state=str(OperationState.READY), dispatched_until=None)
    .returning(operations.c.id, operations.c.request_id, operations.c.purpose)
)


class Operations(LeasedTable):
    """Operations, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, operations)

    def add(self, operation: Operation) -> None:
        """Store a new operation, in the state it carries."""
        self._connection.execute(_INSERT, _columns(operation))

    def begin(self, operation: Operation, *, lease_until: datetime) -> bool:
        """Store a new operation that runs and is leased, unless another is at its access; whether that was so."""
        insert = _BEGIN[self._connection.dialect.name]
        return self._connection.execute(insert, _columns(operation) | {"lease_until": lease_until}).first() is not None

    def get(self, operation_id: str) -> Operation | None:
        """The operation."""
        row = self.row(operation_id)
        return None if row is None else operation_of(row)

    def of_request(self, request_id: str, *, purpose: Purpose | None = None) -> Sequence[Operation]:
        """A request's operations in order."""
        found = self._connection.execute(_OF_REQUEST, {"this_request": request_id}).mappings()
        return [operation_of(row) for row in found if purpose is None or row["purpose"] == str(purpose)]

    def busy_at(self, key: str) -> str | None:
        """The id of the operation that has this access to itself now."""
        return self._connection.execute(_BUSY_AT, {"this_key": key}).scalar()

    def not_over_at(self, key: str) -> Sequence[Operation]:
        """All operations on this access that are not over."""
        statement = select(operations).where(
            operations.c.access_key == key, operations.c.state.in_([str(state) for state in ALIVE])
        )
        return [operation_of(row) for row in self._connection.execute(statement).mappings()]

    def taken_since(self, key: str, moment: datetime) -> Sequence[str]:
        """The requests received after ``moment`` that had this access taken away, or are having it taken."""
        return list(self._connection.execute(_TAKEN_SINCE, {"this_key": key, "moment": moment}).scalars())

    def learn_account(self, operation: Operation, account_id: str) -> None:
        """Give the account that ``operation`` made or found to it and to the operations of its request after it."""
        mine = [operation, *self.of_request(operation.request_id, purpose=operation.purpose)]
        for other in mine:
            if other.account_id is None:
                self._connection.execute(
                    update(operations)
                    .where(operations.c.id == other.id, operations.c.account_id.is_(None))
                    .values(account_id=account_id, access_key=access_key(account_id, None, other.entitlement))
                )

    def release(self, operation: Operation, *, now: datetime) -> str | None:
        """``operation`` is over: let the one after it begin, and hurry what waited for its access; the id of the one after."""
        place = {
            "this_request": operation.request_id,
            "this_purpose": str(operation.purpose),
            "this_position": operation.position,
        }
        values = place | {"this_key": operation.access_key, "due_at": now}
        for row in self._connection.execute(_RELEASE, values):
            if (row.request_id, row.purpose) == (operation.request_id, str(operation.purpose)):
                following: str = row.id
                return following
        return None

    def hurry(self, key: str, *, now: datetime) -> None:
        """Make what waited for this access to be free due now; not what waits after a failure, as long as it was told to."""
        self._connection.execute(_HURRY, {"this_key": key, "due_at": now, "dispatched_until": None})

    def drop(self, operation_id: str, *, why: str) -> bool:
        """It is no longer wanted; whether it was still alive. What is running or with a person is not dropped by this."""
        return self.step(
            operation_id,
            to=OperationState.DROPPED,
            states=(OperationState.WAITING, OperationState.READY),
            error=why,
            due_at=None,
            lease_until=None,
        )


def _columns(operation: Operation) -> dict[str, Any]:
    return {
        "id": operation.id,
        "request_id": operation.request_id,
        "claim_id": operation.claim_id,
        "purpose": str(operation.purpose),
        "position": operation.position,
        "direction": str(operation.direction),
        "system": str(operation.system),
        "entitlement": str(operation.entitlement),
        "named": str(operation.named),
        "title": operation.title,
        "url": operation.url,
        "account_id": operation.account_id,
        "account_title": operation.account_title,
        "email": operation.email,
        "products": list(operation.products),
        "access_key": operation.access_key,
        "via": str(operation.via),
        "why": operation.why,
        "state": str(operation.state),
        "fence": operation.fence,
        "created_at": operation.created_at,
        "due_at": operation.due_at,
    }
