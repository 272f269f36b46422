"""Taking work up: an operation leased to us, and what is carried out beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from access.lifecycle import OperationState
from access.methods import Direction
from access.operations import Operation
from access.provisioning import Provisioning
from store.unit_of_work import Conflict, UnitOfWork
from tasks.services import Services

#: How many more requests of a person are carried out with the first: a piece of work may owe so many calls.
_MOST_BESIDE = 9


def take_up(services: Services, operation_id: str) -> Operation | None:
    """Lease an operation that is due, unless another one is at the same access: then it waits a moment."""
    if services.mode is not Provisioning.ON:
        return None
    now = services.clock.now()
    try:
        with services.store.write() as work:
            operation = work.operations.get(operation_id)
            if operation is None or operation.due_at is None or operation.due_at > now or work.restores.under_way():
                return None
            if operation.state is OperationState.READY and work.operations.busy_at(operation.access_key):
                _wait_a_moment(services, work, operation_id, now=now)
                return None
            blocked = operation.state is OperationState.BLOCKED
            return work.operations.lease(
                operation_id,
                states=(OperationState.BLOCKED,) if blocked else (OperationState.READY, OperationState.RUNNING),
                now=now,
                lasting=services.options.lease,
                state=str(OperationState.BLOCKED if blocked else OperationState.RUNNING),
            )
    except Conflict:
        # Another operation began on this access at the same moment. When that one ends, it makes this one due.
        with services.store.write() as work:
            _wait_a_moment(services, work, operation_id, now=now)
        return None


def mark_beside(services: Services, operation: Operation) -> Sequence[str]:
    """Other grants to the person that are due, marked as ours. They share what is read of the person."""
    if operation.direction is Direction.TAKE:
        return ()
    with services.store.write() as work:
        return work.sweep.mark_beside(
            operation.request_id,
            now=services.clock.now(),
            dispatched_for=services.options.lease,
            limit=_MOST_BESIDE,
        )


def _wait_a_moment(services: Services, work: UnitOfWork, operation_id: str, *, now: datetime) -> None:
    work.operations.step(
        operation_id,
        to=OperationState.READY,
        states=(OperationState.READY,),
        due_at=now + services.options.busy,
        dispatched_until=None,
    )
