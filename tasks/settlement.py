"""How an operation ends, and what its end means for its request, its claims and whatever waited for it.

Every method writes within the caller's transaction, so that an operation is never done without its claim being active.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from access.claims import inherits_pre_existing
from access.entitlements import ResourceKind
from access.lifecycle import ClaimState, OperationState, RequestState
from access.message import ends_at
from access.methods import Direction
from access.operations import Operation, Purpose, access_key
from connectors.ports import Observation
from store.unit_of_work import UnitOfWork

_log = structlog.get_logger(__name__)


def done(work: UnitOfWork, operation: Operation, seen: Observation, *, was_there: bool, now: datetime) -> str | None:
    """The system shows it. Returns the id of the operation that may begin next.

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
            work.claims.learn_account(operation.request_id, account_id)
    if account_id is not None and operation.email and operation.entitlement.kind is ResourceKind.ACCOUNT:
        work.addresses.learn(operation.system, operation.email, account_id, source="made by Provisor", now=now)
    if operation.direction is Direction.GIVE:
        _activate(work, operation, account_id, was_there=was_there, now=now)
    else:
        for claim in work.claims.ended_by(operation.id):
            _end_claim(work, claim.id, claim.request_id, why="the access was taken away, and seen gone", now=now)
    work.audit.record(
        "operation.done",
        "operation",
        operation.id,
        now=now,
        request_id=operation.request_id,
        direction=str(operation.direction),
        entitlement=str(operation.entitlement),
        account=account_id,
        via=str(operation.via),
        evidence=seen.evidence,
        was_there=was_there,
    )
    following = work.operations.release(operation, now=now)
    if following is None and operation.purpose is Purpose.REQUEST:
        _finish_request(work, operation.request_id, RequestState.DONE, now=now)
    _log.info(
        "operation.done",
        operation_id=operation.id,
        request_id=operation.request_id,
        via=str(operation.via),
        was_there=was_there,
    )
    return following


def failed(work: UnitOfWork, operation: Operation, reason: str, *, now: datetime) -> None:
    """It could be done neither by API nor by a person. A claim that is ending stays so: the access may still be there."""
    work.operations.settle(
        operation.id, fence=operation.fence, state=str(OperationState.FAILED), error=reason, due_at=None
    )
    for other in work.operations.of_request(operation.request_id, purpose=operation.purpose):
        if other.position > operation.position:
            work.operations.drop(other.id, why=f"operation {operation.id} before it failed")
    claim = work.claims.of_request(operation.request_id)
    if claim is not None and claim.state is ClaimState.PENDING and operation.direction is Direction.GIVE:
        work.claims.step(claim.id, to=ClaimState.VOID, states=(ClaimState.PENDING,), why_ended=reason, ended_at=now)
    work.audit.record(
        "operation.failed", "operation", operation.id, now=now, request_id=operation.request_id, reason=reason
    )
    if operation.purpose is Purpose.REQUEST:
        _finish_request(work, operation.request_id, RequestState.FAILED, now=now, reason=reason)
    _log.error("operation.failed", operation_id=operation.id, request_id=operation.request_id, reason=reason)


def dropped(work: UnitOfWork, operation: Operation, why: str, *, now: datetime) -> None:
    """It is no longer wanted, and nothing was changed by it; what it would have ended is ended without it."""
    work.operations.settle(
        operation.id, fence=operation.fence, state=str(OperationState.DROPPED), error=why, due_at=None
    )
    for claim in work.claims.ended_by(operation.id):
        _end_claim(work, claim.id, claim.request_id, why=why, now=now)
    work.operations.hurry(operation.access_key, now=now)
    work.audit.record("operation.dropped", "operation", operation.id, now=now, request_id=operation.request_id, why=why)
    if operation.purpose is Purpose.REQUEST and operation.direction is Direction.TAKE:
        _finish_request(work, operation.request_id, RequestState.DONE, now=now, reason=why)
    _log.info("operation.dropped", operation_id=operation.id, request_id=operation.request_id, why=why)


def _activate(
    work: UnitOfWork, operation: Operation, account_id: str | None, *, was_there: bool, now: datetime
) -> None:
    if operation.claim_id is None or account_id is None:
        return
    key = access_key(account_id, None, operation.entitlement)
    claim, others = work.claims.with_standing(operation.claim_id, key)
    if claim is None or claim.state is not ClaimState.PENDING:
        return
    if not was_there or _being_revoked(work, key):
        was_there = False
        if others:
            work.claims.disown(key)
    ends = ends_at(now, claim.duration)
    pre_existing = inherits_pre_existing(others, was_there=was_there)
    work.claims.step(
        claim.id,
        to=ClaimState.ACTIVE,
        states=(ClaimState.PENDING,),
        account_id=account_id,
        access_key=key,
        pre_existing=pre_existing,
        starts_at=now,
        ends_at=ends,
        due_at=ends,
    )
    work.audit.record(
        "claim.active",
        "claim",
        claim.id,
        now=now,
        request_id=claim.request_id,
        ends_at=None if ends is None else ends.isoformat(),
        pre_existing=pre_existing,
    )


def _being_revoked(work: UnitOfWork, key: str) -> bool:
    """Whether a request to take this access away is overtaken: then nothing that was there is to outlast the new claims."""
    return any(
        other.direction is Direction.TAKE and other.purpose is Purpose.REQUEST
        for other in work.operations.not_over_at(key)
    )


def _end_claim(work: UnitOfWork, claim_id: str, request_id: str, *, why: str, now: datetime) -> None:
    work.claims.step(
        claim_id,
        to=ClaimState.ENDED,
        states=(ClaimState.ACTIVE, ClaimState.ENDING),
        ended_at=now,
        why_ended=why,
        due_at=None,
    )
    work.audit.record("claim.ended", "claim", claim_id, now=now, request_id=request_id, why=why)


def _finish_request(
    work: UnitOfWork, request_id: str, state: RequestState, *, now: datetime, reason: str | None = None
) -> None:
    if work.requests.finish(request_id, state, now=now, reason=reason):
        work.audit.record(f"request.{state}", "request", request_id, now=now, request_id=request_id, reason=reason)
