"""Work that takes longer than it may: access for a time is not given any more, everything else raises an alarm.

Access for a time that comes too late is of no use to anybody, and whoever waited asked somebody else by then. Standing
access, accounts, and what a person does as a ticket are given all the same.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from access.entitlements import EntitlementRef, ResourceKind
from access.failures import Permanent, Transient
from access.lifecycle import ClaimState
from access.message import Action
from access.methods import Direction, Method
from access.operations import Lane, Operation, Request
from connectors.ports import Target
from store.alarms import AlarmKind
from store.unit_of_work import UnitOfWork
from tasks import settlement
from tasks.faults import begin_alarm
from tasks.looks import look
from tasks.services import Services

_log = structlog.get_logger(__name__)

_REMEDY = "See 'provisor waiting' for what it waits for."


def limit_of(services: Services, work: Request | Operation, *, within: UnitOfWork | None = None) -> datetime:
    """Until when the work should be done: ``limits.deadline`` for taking away by API, ``give_within`` of policy for the rest."""
    refs: tuple[EntitlementRef, ...]
    if isinstance(work, Request):
        direction, refs, request_id = work.message.action.direction, (work.message.entitlement_ref,), work.id
    else:
        direction, refs, request_id = work.direction, (work.entitlement, work.named), work.request_id
    by_person = isinstance(work, Operation) and work.via is Method.TICKET
    if direction is Direction.TAKE and not by_person:
        return (work.first_tried_at or work.could_begin_at) + services.options.retry.deadline
    return work.could_begin_at + services.policy_of(request_id, within=within).give_within(*refs)


def is_too_late(services: Services, work: Request | Operation) -> bool:
    """Whether the work is to give access for a time by API, and was not done in time."""
    if isinstance(work, Request):
        message = work.message
        if message.action is not Action.GRANT or not message.is_timed:
            return False
        if message.ends_at is not None and work.received_at < message.ends_at <= services.clock.now():
            return True
        rule = services.policy.of(work.source).rule_for(message.entitlement_ref, direction=Direction.GIVE)
        by_ticket = rule is not None and rule.give is Method.TICKET
        return not by_ticket and services.clock.now() >= limit_of(services, work)
    if work.direction is Direction.TAKE or work.via is Method.TICKET or work.claim_id is None:
        return False
    if work.entitlement.kind is ResourceKind.ACCOUNT:
        return False
    with services.store.read() as reading:
        claim = reading.claims.get(work.claim_id)
    if claim is None or not claim.is_timed:
        return False
    limit = limit_of(services, work)
    return services.clock.now() >= (limit if claim.ends_at is None else min(limit, claim.ends_at))


def next_moment(services: Services, work: Request | Operation, *, until: datetime, within: UnitOfWork) -> datetime:
    """``until``, or the moment before that at which the work becomes late."""
    limit = limit_of(services, work, within=within)
    return min(until, limit) if services.clock.now() < limit else until


def raise_if_late(services: Services, work: UnitOfWork, item: Request | Operation, *, why: str) -> None:
    """Raise an alarm about work that should be done by now. ``why`` is what it waits for, in a sentence."""
    now = services.clock.now()
    if now < limit_of(services, item, within=work):
        return
    entity = "request" if isinstance(item, Request) else "operation"
    what = f"{_in_words(item)} is not done since {item.could_begin_at:%Y-%m-%d %H:%M} UTC: {why}"
    begin_alarm(work, AlarmKind.LATE, entity, item.id, what=what, remedy=_REMEDY, now=now)


def end_too_late(services: Services, operation: Operation) -> None:
    """End giving that comes too late, once nothing of it can be left. The operation is leased to us. Raises failure words.

    Where a write may have been made the system is read, and access that was not there before is taken back. No failure is
    ``Permanent``: nobody is asked to give the access any more.
    """
    try:
        _undo_and_end(services, operation)
    except Permanent as failure:
        raise Transient(
            failure.what, remedy=failure.remedy, status=failure.status, trace_id=failure.trace_id
        ) from failure


def _undo_and_end(services: Services, operation: Operation) -> None:
    now, options = services.clock.now(), services.options
    reason = f"not given in time: {operation.error or 'its turn did not come.'}"
    if operation.before is None:
        _fail(services, operation, reason)
        return
    connector = services.connector(operation.system, Lane.REVOKE)
    seen = look(connector, operation)
    if seen.present and operation.before == "absent" and not _is_claimed(services, operation):
        _write(services, operation, now)
        connector.take(Target.of(operation))
        _log.warning("operation.taken_back", why=reason)
    elif operation.wrote_at is None:
        _write(services, operation, now)
    elif seen.present or now >= operation.wrote_at + options.visible_within:
        _fail(services, operation, reason)
        return
    with services.store.write() as work:
        work.operations.settle(operation.id, fence=operation.fence, due_at=now + options.look_again)


def _write(services: Services, operation: Operation, now: datetime) -> None:
    """Commit that the access may change from now on, and renew the lease on it."""
    with services.store.write() as work:
        until = now + services.options.lease
        work.operations.settle(operation.id, fence=operation.fence, wrote_at=now, lease_until=until)


def _is_claimed(services: Services, operation: Operation) -> bool:
    """Whether somebody else's claim stands on the access by now."""
    with services.store.read() as work:
        return bool(work.claims.on(operation.access_key, states=(ClaimState.ACTIVE,)))


def _fail(services: Services, operation: Operation, reason: str) -> None:
    with services.store.write(holding=operation.access_key) as work:
        settlement.given_up(work, operation, reason, now=services.clock.now())


def _in_words(item: Request | Operation) -> str:
    if isinstance(item, Request):
        return f"Request {item.id}"
    verb = "Giving" if item.direction is Direction.GIVE else "Taking away"
    return f"{verb} {item.title} ({item.account_title})"
