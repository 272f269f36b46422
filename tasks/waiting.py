"""What waits, for what, since when, and what to do about it: one list, in which each fault stands once with its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from access.lifecycle import OperationState, RequestState
from access.operations import Operation, Request, Ticket
from access.provisioning import Provisioning
from store.outbox import Topic
from store.queries.waiting import living_tickets, waiting_operations, waiting_requests
from store.unit_of_work import Store, UnitOfWork

#: Work that is due for so long is not taken up by any process.
_TAKEN_UP_WITHIN = timedelta(minutes=1)

_MODES = {
    Provisioning.OFF: "Provisioning is off: nothing is planned.",
    Provisioning.PLAN: "Provisioning is 'plan': nothing is changed.",
}


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One request or operation that waits."""

    entity: str
    id: str
    request: str
    about: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """What ``rows`` wait for. ``kind`` is fault, stop, mode, ticket, blocked, request, operation, process or time."""

    kind: str
    waits_for: str
    since: datetime
    remedy: str
    rows: tuple[WaitingRow, ...] = ()


def waiting(store: Store, mode: Provisioning, *, now: datetime) -> Sequence[Waiting]:
    """Everything that waits: what holds several first, then row by row, oldest first."""
    with store.read() as work, store.database.read() as connection:
        requests = waiting_requests(connection)
        operations = waiting_operations(connection)
        tickets = living_tickets(connection)
        found = [*_faults(work, requests, operations), *_stops(work, now)]
    told = {row.id for each in found for row in each.rows}
    found += _mode(mode, [each for each in requests if each.id not in told], now)
    told |= {row.id for each in found for row in each.rows}
    left = [each for each in requests if each.id not in told]
    return [*found, *_requests(left, now), *_operations(operations, tickets, told, now)]


def _faults(work: UnitOfWork, requests: Sequence[Request], operations: Sequence[Operation]) -> Iterator[Waiting]:
    by_ref = {(Topic.REQUEST, each.id): _of_request(each) for each in requests}
    by_ref |= {(Topic.OPERATION, each.id): _of_operation(each) for each in operations}
    for fault in work.faults.all():
        rows = tuple(
            row for each in work.faults.rows(fault.id) if (row := by_ref.get((each.topic, each.ref))) is not None
        )
        yield Waiting("fault", f"{fault.place}: {fault.what}", fault.since, fault.remedy, rows)


def _stops(work: UnitOfWork, now: datetime) -> Iterator[Waiting]:
    for stop in work.budgets.stops(now=now):
        what = f"{stop.system} asked for no calls of the class {stop.endpoint_class} before {stop.until:%Y-%m-%d %H:%M:%S} UTC."
        remedy = f"Wait, or use 'provisor connectors lift {stop.system}'."
        yield Waiting("stop", what, stop.since, remedy)


def _mode(mode: Provisioning, requests: Sequence[Request], now: datetime) -> Iterator[Waiting]:
    if mode is Provisioning.ON:
        return
    by_reason: dict[str, list[Request]] = {}
    for request in requests:
        held = request.due_at is None or mode is Provisioning.OFF
        if held and request.state in (RequestState.RECEIVED, RequestState.PLANNED):
            by_reason.setdefault("" if mode is Provisioning.OFF else request.reason or "", []).append(request)
    for reason, held_back in by_reason.items():
        since = min((each.received_at for each in held_back), default=now)
        what = f"{_MODES[mode]} {reason}".rstrip()
        remedy = (
            "Set 'provisioning' in the settings and start Provisor again, or 'provisor requests retry' to plan anew."
        )
        yield Waiting("mode", what, since, remedy, tuple(map(_of_request, held_back)))


def _requests(requests: Sequence[Request], now: datetime) -> Iterator[Waiting]:
    for request in requests:
        row, since = (_of_request(request),), min(request.could_begin_at, now)
        if request.state is RequestState.BLOCKED:
            if request.due_at is not None:
                remedy = "Mend the reason and use 'provisor requests retry', or 'provisor requests cancel'."
                yield Waiting("blocked", request.reason or "a person's decision", since, remedy, row)
        elif request.reason is not None and (request.due_at is None or request.due_at > now):
            yield Waiting("request", request.reason, since, f"It is planned again at {_at(request.due_at)}.", row)
        elif request.due_at is not None and request.due_at < now - _TAKEN_UP_WITHIN:
            yield Waiting("process", "a process that plans it", since, "Start 'provisor up'.", row)


def _operations(
    operations: Sequence[Operation], tickets: dict[str, Ticket], told: set[str], now: datetime
) -> Iterator[Waiting]:
    busy = {
        each.access_key: each
        for each in operations
        if each.state in (OperationState.RUNNING, OperationState.WITH_PERSON)
    }
    for operation in operations:
        if operation.id not in told:
            found = _operation(operation, busy.get(operation.access_key), tickets, now)
            if found is not None:
                yield found


def _operation(
    operation: Operation, at_it: Operation | None, tickets: dict[str, Ticket], now: datetime
) -> Waiting | None:
    row, since = (_of_operation(operation),), operation.blocked_at or operation.could_begin_at
    if operation.state is OperationState.WITH_PERSON:
        ticket = tickets.get(operation.id)
        what = "ticket" if ticket is None else f"ticket {ticket.issue_key} {ticket.url or ''}".rstrip()
        what += "" if ticket is None or ticket.error is None else f" (which cannot be read: {ticket.error})"
        since = since if ticket is None or ticket.opened_at is None else ticket.opened_at
        return Waiting("ticket", what, since, "Do what the ticket asks for, and close it.", row)
    if operation.state is OperationState.BLOCKED:
        remedy = "Mend the reason and use 'provisor operations retry', or 'provisor operations settle'."
        return Waiting("blocked", operation.error or "", since, remedy, row)
    if operation.state is OperationState.READY and at_it is not None and at_it.id != operation.id:
        ticket = tickets.get(at_it.id)
        asked = "" if ticket is None else f", which ticket {ticket.issue_key} {ticket.url or ''} asks for"
        what = f"operation {at_it.id} of request {at_it.request_id} at the same access{asked}"
        return Waiting("operation", what, since, "It begins when that one is over.", row)
    if operation.due_at is not None and operation.due_at < now - _TAKEN_UP_WITHIN:
        return Waiting("process", "a process that carries it out", since, "Start 'provisor up'.", row)
    if operation.error is not None:
        return Waiting("time", operation.error, since, f"It is tried again at {_at(operation.due_at)}.", row)
    return None


def _of_request(request: Request) -> WaitingRow:
    message = request.message
    about = f"{message.action} {message.entitlement_ref} for {message.who}"
    return WaitingRow("request", request.id, request.id, about, request.could_begin_at)


def _of_operation(operation: Operation) -> WaitingRow:
    about = f"{operation.direction} {operation.title} for {operation.account_title}"
    return WaitingRow("operation", operation.id, operation.request_id, about, operation.could_begin_at)


def _at(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
