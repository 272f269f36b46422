"""What a request to take access away does to the claims on it, and to grants that are still on their way.

Requests count in the order in which they came in, whichever of them was planned first: a request takes away what those
before it gave, or were about to give, and never what a later one gives. All of it within the caller's transaction, which
holds the access.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from access.claims import Keep, when_over
from access.lifecycle import ClaimState, OperationState, RequestState
from access.operations import Claim, Operation, Purpose, Request
from store.operations import BUSY
from store.unit_of_work import UnitOfWork


def end_claims(work: UnitOfWork, request: Request, operation: Operation, *, now: datetime) -> str | None:
    """Tie the claims that this request ends to its operation; a sentence instead when nothing is left to take away."""
    on_access = work.claims.on(operation.access_key, states=(ClaimState.PENDING, ClaimState.ACTIVE))
    if request.message.claim_of is not None:
        return _end_one(work, request, operation, on_access, only=request.message.claim_of, now=now)
    ending = claims_up_to(work, on_access, request)
    newer = [claim for claim in on_access if claim not in ending]
    for claim in ending:
        if claim.state is ClaimState.PENDING:
            withdraw(work, claim.request_id, by=request.id, now=now)
    active = [claim for claim in ending if claim.state is ClaimState.ACTIVE]
    holder = next((claim for claim in newer if claim.state is ClaimState.ACTIVE), None)
    if holder is not None:
        why = f"request {holder.request_id}, which came later, holds the access"
        _end_now(work, active, why=why, now=now)
        # What was there before is no reason for it any more: it was to be taken away.
        work.claims.disown(operation.access_key)
        return f"Nothing was taken away: {why}."
    _tie(work, active, request, operation, now=now)
    return None


def _end_one(
    work: UnitOfWork, request: Request, operation: Operation, on_access: Sequence[Claim], *, only: str, now: datetime
) -> str | None:
    claim = next((claim for claim in on_access if claim.request_id == only), None)
    if claim is None:
        if _is_undecided(work, only):
            withdraw(work, only, by=request.id, now=now)
            return f"Request {only} was still on its way, and is called back."
        return f"Request {only} has no claim on this access that is still alive."
    if claim.state is ClaimState.PENDING:
        withdraw(work, only, by=request.id, now=now)
    others = [other for other in on_access if other is not claim]
    verdict = when_over(claim, others)
    if isinstance(verdict, Keep):
        _end_now(work, [claim] if claim.state is ClaimState.ACTIVE else [], why=verdict.why, now=now)
        return f"The claim is ended; {verdict.why}."
    if claim.state is ClaimState.ACTIVE:
        _tie(work, [claim], request, operation, now=now)
    return None


def claims_up_to(work: UnitOfWork, claims: Sequence[Claim], request: Request) -> Sequence[Claim]:
    """Those of ``claims`` whose requests came in no later than ``request``."""
    came = {claim.id: work.requests.received_at(claim.request_id) for claim in claims}
    return [claim for claim in claims if (at := came[claim.id]) is not None and at <= request.received_at]


def withdraw(work: UnitOfWork, request_id: str, *, by: str, now: datetime) -> None:
    """Call back a request to give access that is not done. What already runs is undone by the operation that follows."""
    why = f"request {by} takes the access away"
    claim = work.claims.of_request(request_id)
    if claim is not None:
        work.claims.step(claim.id, to=ClaimState.VOID, states=(ClaimState.PENDING,), why_ended=why, ended_at=now)
    for operation in work.operations.of_request(request_id, purpose=Purpose.REQUEST):
        if operation.state is OperationState.WITH_PERSON:
            work.operations.step(
                operation.id, to=OperationState.DROPPED, states=BUSY, error=why, due_at=None, lease_until=None
            )
            ticket = work.tickets.living_of(operation.id)
            if ticket is not None:
                work.tickets.set(ticket.id, due_at=now, dispatched_until=None)
        else:
            work.operations.drop(operation.id, why=why)
    if work.requests.finish(request_id, RequestState.WITHDRAWN, now=now, reason=why):
        work.audit.record("request.withdrawn", "request", request_id, now=now, request_id=request_id, why=why)


def _is_undecided(work: UnitOfWork, request_id: str) -> bool:
    other = work.requests.get(request_id)
    return other is not None and other.state in (RequestState.RECEIVED, RequestState.PLANNED)


def _end_now(work: UnitOfWork, claims: Sequence[Claim], *, why: str, now: datetime) -> None:
    for claim in claims:
        work.claims.end(claim, now=now, why=why)
        work.audit.record("claim.ended", "claim", claim.id, now=now, request_id=claim.request_id, why=why)


def _tie(work: UnitOfWork, claims: Sequence[Claim], request: Request, operation: Operation, *, now: datetime) -> None:
    for claim in claims:
        work.claims.step(
            claim.id, to=ClaimState.ENDING, states=(ClaimState.ACTIVE,), ended_by=operation.id, due_at=None
        )
        work.audit.record("claim.ending", "claim", claim.id, now=now, request_id=claim.request_id, by=request.id)
