"""What a request to take access away does to the claims on the access, and to grants that are still on their way.

Requests count in the order in which they came in, whichever of them was planned first: a request takes away what earlier
requests gave or were about to give, and never what a later one gives. Everything is written within the caller's
transaction, which holds the access.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from access.claims import Keep, when_over
from access.entitlements import ResourceKind, System
from access.lifecycle import ClaimState, OperationState, RequestState
from access.operations import Claim, Operation, Purpose, Request
from access.plans import FINDING
from access.plans import SOURCE as PLAN
from store.operations import BUSY
from store.unit_of_work import UnitOfWork
from tasks import claims, settlement


def end_claims(work: UnitOfWork, request: Request, operation: Operation, *, now: datetime) -> str | None:
    """Tie the claims that this request ends to its operation.

    Returns a sentence that says why when nothing is left for the operation to take away, else None.
    """
    on_access = work.claims.on(operation.access_key, states=(ClaimState.PENDING, ClaimState.ACTIVE, ClaimState.ENDING))
    if spares_claims(request) and (held := _held_by_others(on_access)) is not None:
        return f"Nothing was taken away: request {held} holds the access by now."
    if request.message.claim_of is not None:
        return _end_one(work, request, operation, on_access, request_id=request.message.claim_of, now=now)
    on_access = [claim for claim in on_access if claim.state is not ClaimState.ENDING]
    if operation.entitlement.kind is ResourceKind.ACCOUNT and operation.account_id is not None:
        _call_back_grants(work, request, operation.system, operation.account_id, now=now)
    ending = claims_up_to(work, on_access, request)
    for claim in ending:
        if claim.state is ClaimState.PENDING:
            withdraw(work, claim.request_id, why=taken_away_by(request.id), now=now)
    active = [claim for claim in ending if claim.state is ClaimState.ACTIVE]
    later = next((claim for claim in on_access if claim not in ending and claim.state is ClaimState.ACTIVE), None)
    if later is None:
        for claim in active:
            claims.begin_ending(work, claim, operation, now=now)
        return None
    why = f"request {later.request_id}, which came later, holds the access"
    for claim in active:
        claims.end(work, claim, why=why, now=now)
    # The access from before the first claim was to be taken away, so it is no reason to keep the access any more.
    work.claims.clear_pre_existing(operation.access_key)
    return f"Nothing was taken away: {why}."


def spares_claims(request: Request) -> bool:
    """Whether the request takes only access that no claim holds: a line of a plan that rests on a finding became it."""
    return request.source == PLAN and FINDING in request.message.fields


def _held_by_others(on_access: Sequence[Claim]) -> str | None:
    """The request that holds the access, or is about to get it."""
    alive = (ClaimState.PENDING, ClaimState.ACTIVE)
    return next((claim.request_id for claim in on_access if claim.state in alive), None)


def _end_one(
    work: UnitOfWork,
    request: Request,
    operation: Operation,
    on_access: Sequence[Claim],
    *,
    request_id: str,
    now: datetime,
) -> str | None:
    """End the claim of one request only."""
    claim = work.claims.of_request(request_id)
    if claim is not None and claim.state is ClaimState.PENDING and claim.account_id is None:
        # It waits for its account, which was found by now; what is given to that account all the same is taken away.
        withdraw(work, request_id, why=taken_away_by(request.id), now=now)
        return None
    claim = next((claim for claim in on_access if claim.request_id == request_id), None)
    if claim is None:
        if _is_undecided(work, request_id):
            withdraw(work, request_id, why=taken_away_by(request.id), now=now)
            return f"Request {request_id} was still on its way, and is called back."
        return f"Request {request_id} has no claim on this access that is still alive."
    outcome = when_over(claim, on_access)
    if claim.state is ClaimState.PENDING:
        withdraw(work, request_id, why=taken_away_by(request.id), now=now)
    elif isinstance(outcome, Keep):
        claims.end(work, claim, why=outcome.why, now=now)
    elif claim.state is ClaimState.ACTIVE:
        claims.begin_ending(work, claim, operation, now=now)
    return f"The claim is ended; {outcome.why}." if isinstance(outcome, Keep) else None


def _call_back_grants(work: UnitOfWork, request: Request, system: System, account_id: str, *, now: datetime) -> None:
    """An account that is to be deprovisioned gets nothing more of what was asked for before."""
    pending = work.claims.of_account(system, account_id, states=(ClaimState.PENDING,))
    for claim in claims_up_to(work, pending, request):
        withdraw(work, claim.request_id, why=taken_away_by(request.id), now=now)


def claims_up_to(work: UnitOfWork, candidates: Sequence[Claim], request: Request) -> Sequence[Claim]:
    """Those of ``candidates`` whose requests came in no later than ``request``."""
    sequences = work.requests.sequences([claim.request_id for claim in candidates])
    return [claim for claim in candidates if sequences[claim.request_id] <= request.sequence]


def taken_away_by(request_id: str) -> str:
    """Why a request is called back that a later one overtakes: the operation of that one undoes what already runs."""
    return f"request {request_id} takes the access away"


def withdraw(work: UnitOfWork, request_id: str, *, why: str, now: datetime) -> None:
    """Call back a request that is not done; its ticket is closed. An operation that runs already is not undone."""
    claim = work.claims.of_request(request_id)
    if claim is not None:
        claims.void(work, claim, why=why, now=now)
    for operation in work.operations.of_request(request_id, purpose=Purpose.REQUEST):
        if operation.state is OperationState.WITH_PERSON:
            _drop_with_ticket(work, operation, why=why, now=now)
        else:
            settlement.drop(work, operation, why=why, now=now)
    if work.requests.finish(request_id, RequestState.WITHDRAWN, now=now, reason=why):
        work.audit.record("request.withdrawn", "request", request_id, now=now, request_id=request_id, why=why)


def _drop_with_ticket(work: UnitOfWork, operation: Operation, *, why: str, now: datetime) -> None:
    """Drop an operation that a person was asked for. Its ticket is due at once, and the tracker closes it."""
    if not work.operations.step(
        operation.id, to=OperationState.DROPPED, states=BUSY, error=why, due_at=None, lease_until=None
    ):
        return
    work.audit.record("operation.dropped", "operation", operation.id, now=now, request_id=operation.request_id, why=why)
    ticket = work.tickets.living_of(operation.id)
    if ticket is not None:
        work.tickets.set(ticket.id, due_at=now, dispatched_until=None)


def _is_undecided(work: UnitOfWork, request_id: str) -> bool:
    other = work.requests.get(request_id)
    return other is not None and other.state in (RequestState.RECEIVED, RequestState.PLANNED)
