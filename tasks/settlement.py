"""How an operation ends or is put back, and what that means for its request, its claims and the operations after it.

Every function writes within the caller's transaction, so that an operation is never done without its claim being active.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from access.entitlements import ResourceKind
from access.failures import CredentialRefused, Failure
from access.ledger import Cause
from access.lifecycle import ClaimState, OperationState, RequestState
from access.methods import Direction, Method
from access.operations import Obstacle, Operation, Purpose
from access.people import AccountRef
from access.retry import UNRESOLVED_AFTER, next_look, was_tried
from connectors.ports import Observation
from store.alarms import AlarmKind
from store.outbox import Topic, WakeUp
from store.unit_of_work import UnitOfWork
from tasks import claims, ledger
from tasks.attempts import log_postponed
from tasks.faults import begin_alarm

_log = structlog.get_logger(__name__)

_BLOCKED_REMEDY = "Mend the reason and use 'provisor requests retry', or end the claim with 'provisor claims settle'."


def done(
    work: UnitOfWork, operation: Operation, seen: Observation, *, was_there: bool, now: datetime
) -> Sequence[WakeUp]:
    """The system shows what the operation was to bring about. Returns the wake-ups to send after the commit.

    ``was_there`` is whether the access was so before anything we wrote. Raises ``LeaseLost``.
    """
    account_id = operation.account_id or seen.account_id
    work.operations.settle(
        operation.id,
        fence=operation.fence,
        state=str(OperationState.DONE),
        evidence=seen.evidence,
        verified_at=now,
        due_at=None,
        error=None,
    )
    if account_id is not None and operation.account_id is None:
        work.operations.learn_account(operation, account_id)
        if operation.purpose is Purpose.REQUEST:
            work.claims.learn_account(operation.request_id, account_id, proven=seen.email_shown)
    if operation.direction is Direction.TAKE:
        why = f"gone with what it was to: {seen.evidence}" if seen.gone else "the access was taken away, and seen gone"
        if operation.account_id is not None or seen.account_id is not None:
            ledger.seen_gone(work, operation, now=now)
        claims.end_on(work, operation.access_key, why=why, now=now)
        if operation.entitlement.kind is ResourceKind.ACCOUNT and account_id is not None:
            claims.end_of_account(work, operation.system, account_id, why="the account was deprovisioned", now=now)
    elif account_id is not None:
        _note_whose(work, operation, account_id, was_there=was_there, now=now)
        claims.activate(work, operation, account_id, was_there=was_there, now=now)
    _record(
        work,
        "done",
        operation,
        now,
        direction=str(operation.direction),
        entitlement=str(operation.entitlement),
        account=account_id,
        via=str(operation.via),
        evidence=seen.evidence,
        was_there=was_there,
    )
    next_id = work.operations.release(operation, now=now)
    _log.info(
        "operation.done",
        operation_id=operation.id,
        request_id=operation.request_id,
        via=str(operation.via),
        was_there=was_there,
    )
    if next_id is not None:
        return [WakeUp(Topic.OPERATION, next_id, operation.lane)]
    if operation.purpose is Purpose.REQUEST:
        finish(work, operation.request_id, RequestState.DONE, now=now)
    return []


def _note_whose(work: UnitOfWork, operation: Operation, account_id: str, *, was_there: bool, now: datetime) -> None:
    """Remember for whom we made an account: it may hide its address for ever."""
    made = operation.entitlement.kind is ResourceKind.ACCOUNT and not was_there and operation.via is Method.CONNECTOR
    if made and operation.email is not None:
        work.persons.note_made(AccountRef(operation.system, account_id), operation.email, now=now)


def given_up(
    work: UnitOfWork,
    operation: Operation,
    reason: str,
    *,
    now: datetime,
    missing: str | None = None,
) -> None:
    """Neither the API nor a person could do it: what gives access has failed, what takes access away is blocked."""
    if operation.direction is Direction.TAKE:
        blocked(work, operation, reason, missing=missing, now=now)
    else:
        _failed(work, operation, reason, now=now)


def blocked(work: UnitOfWork, operation: Operation, reason: str, *, missing: str | None, now: datetime) -> None:
    """A removal cannot go on by itself. It writes no more and asks nobody again; the system is looked at until it is gone.

    ``missing`` names the thing that cannot be seen; None is for a removal that somebody refused.
    """
    obstacle = Obstacle.UNSEEN if missing else Obstacle.REFUSED
    since = operation.blocked_at or now
    looked_since = (work.operations.missing_since(operation.system, missing) if missing else None) or since
    work.operations.settle(
        operation.id,
        fence=operation.fence,
        state=str(OperationState.BLOCKED),
        error=reason,
        obstacle=str(obstacle),
        missing=missing,
        blocked_at=since,
        due_at=next_look(blocked_at=min(since, looked_since), now=now, unseen=missing is not None),
    )
    ledger.waits_for(work, operation, Cause.PERSON, now=now)
    work.operations.make_due(operation.access_key, now=now)
    _record(work, "blocked", operation, now, reason=reason, obstacle=str(obstacle))
    what = f"Taking away {operation.title} ({operation.account_title}) is blocked: {reason}"
    begin_alarm(work, AlarmKind.BLOCKED, "operation", operation.id, what=what, remedy=_BLOCKED_REMEDY, now=now)
    if operation.purpose is Purpose.REQUEST:
        fulfilling = (RequestState.FULFILLING,)
        if work.requests.step(operation.request_id, to=RequestState.BLOCKED, states=fulfilling, reason=reason):
            work.audit.record(
                "request.blocked",
                "request",
                operation.request_id,
                now=now,
                request_id=operation.request_id,
                reason=reason,
            )
    log_blocked(operation, reason, others=0)


def still_blocked(work: UnitOfWork, operation: Operation, reason: str, *, missing: str | None, now: datetime) -> None:
    """A look has shown that nothing has changed. It counts for all removals that wait for the same missing thing."""
    since = operation.blocked_at or now
    if missing is not None:
        since = min(since, work.operations.missing_since(operation.system, missing) or since)
    due = next_look(blocked_at=since, now=now, unseen=missing is not None)
    work.operations.settle(
        operation.id,
        fence=operation.fence,
        shown_since=None,
        there_at=operation.there_at,
        missing=missing,
        due_at=due,
        error=reason,
    )
    others = 0
    if missing is not None:
        work.operations.look_together(operation.system, missing, at=due)
        others = work.operations.count_waiting_for(operation.system, missing) - 1
        for each in work.operations.leave_unresolved(operation.system, missing, blocked_before=now - UNRESOLVED_AFTER):
            _record(work, "unresolved", each, now, reason=each.error, missing=missing)
    log_blocked(operation, reason, others=others)


def log_blocked(operation: Operation, reason: str, *, others: int) -> None:
    """Raise the alarm about a removal that is blocked, and ``others`` for the same missing thing."""
    _log.error(
        "operation.blocked",
        others=others,
        operation_id=operation.id,
        request_id=operation.request_id,
        account=operation.account_id,
        entitlement=str(operation.entitlement),
        reason=reason,
        remedy=_BLOCKED_REMEDY,
    )


def resume(work: UnitOfWork, operation: Operation, *, why: str, now: datetime, **columns: Any) -> None:
    """A blocked removal goes on."""
    fresh = {"tries": 0, "first_tried_at": None, "accepted_at": None, "shown_since": None, "error": None} | columns
    gone_on = work.operations.step(
        operation.id,
        to=OperationState.READY,
        states=(OperationState.BLOCKED,),
        obstacle=None,
        missing=None,
        blocked_at=None,
        due_at=now,
        begun_at=now,
        dispatched_until=None,
        lease_until=None,
        **fresh,
    )
    if gone_on:
        ledger.waits_for(work, operation, Cause.UNSEEN, now=now)
        _record(work, "resumed", operation, now, why=why)
        if operation.purpose is Purpose.REQUEST:
            work.requests.step(
                operation.request_id, to=RequestState.FULFILLING, states=(RequestState.BLOCKED,), reason=None
            )


def _failed(work: UnitOfWork, operation: Operation, reason: str, *, now: datetime) -> None:
    work.operations.settle(
        operation.id, fence=operation.fence, state=str(OperationState.FAILED), error=reason, due_at=None
    )
    for other in work.operations.of_request(operation.request_id, purpose=operation.purpose):
        if other.position > operation.position:
            drop(work, other, why=f"operation {operation.id} before it failed", now=now)
    claim = work.claims.of_request(operation.request_id)
    if claim is not None and claim.state is ClaimState.PENDING and operation.direction is Direction.GIVE:
        claims.void(work, claim, why=reason, now=now)
    _record(work, "failed", operation, now, reason=reason)
    if operation.purpose is Purpose.REQUEST:
        finish(work, operation.request_id, RequestState.FAILED, now=now, reason=reason)
    _log.error("operation.failed", operation_id=operation.id, request_id=operation.request_id, reason=reason)


def dropped(work: UnitOfWork, operation: Operation, why: str, *, now: datetime) -> None:
    """An operation leased to us is not wanted any more, and changed nothing: end the claims that it was to end."""
    work.operations.settle(
        operation.id, fence=operation.fence, state=str(OperationState.DROPPED), error=why, due_at=None
    )
    claims.end_all_of(work, operation, why=why, now=now)
    work.operations.make_due(operation.access_key, now=now)
    _record(work, "dropped", operation, now, why=why)
    if operation.purpose is Purpose.REQUEST and operation.direction is Direction.TAKE:
        finish(work, operation.request_id, RequestState.DONE, now=now, reason=why)
    _log.info("operation.dropped", operation_id=operation.id, request_id=operation.request_id, why=why)


def drop(work: UnitOfWork, operation: Operation, *, why: str, now: datetime) -> None:
    """Drop an operation that has not begun; one that has is left as it is."""
    if work.operations.drop(operation.id, why=why):
        _record(work, "dropped", operation, now, why=why)


def postponed(
    work: UnitOfWork,
    operation: Operation,
    failure: Failure,
    *,
    tries: int,
    until: datetime,
    now: datetime,
    **columns: Any,
) -> None:
    """Put an operation back after try number ``tries``, to be tried again at ``until``. Raises ``LeaseLost``.

    The time of a refused credential counts for no deadline: that begins anew.
    """
    tried = was_tried(failure)
    if not tried:
        tries = max(0, tries - 1)
    why = str(failure)
    work.operations.settle(
        operation.id,
        fence=operation.fence,
        tries=tries,
        first_tried_at=_first_tried_at(operation, failure, now),
        due_at=until,
        error=why,
        **columns,
    )
    _record(work, "retry", operation, now, failure=failure.word, why=why, tries=tries)
    log_postponed("operation.retry", failure, tries=tries, until=until)


def _first_tried_at(operation: Operation, failure: Failure, now: datetime) -> datetime | None:
    if isinstance(failure, CredentialRefused):
        return None
    return (operation.first_tried_at or now) if was_tried(failure) else operation.first_tried_at


def finish(work: UnitOfWork, request_id: str, state: RequestState, *, now: datetime, reason: str | None = None) -> bool:
    """End a request; whether it was still alive."""
    alive = work.requests.finish(request_id, state, now=now, reason=reason)
    if alive:
        work.audit.record(f"request.{state}", "request", request_id, now=now, request_id=request_id, reason=reason)
    return alive


def _record(work: UnitOfWork, change: str, operation: Operation, now: datetime, **detail: object) -> None:
    work.audit.record(
        f"operation.{change}", "operation", operation.id, now=now, request_id=operation.request_id, **detail
    )
