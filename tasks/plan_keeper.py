"""Storing a plan: its operations, the claim that they make or end, and the first of them leased, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from access import email_address
from access.accounts import Account
from access.entitlements import ResourceKind
from access.ledger import Cause
from access.lifecycle import ClaimState, OperationState, RequestState
from access.methods import Direction
from access.operations import Claim, Lane, Operation, Purpose, Request, access_key
from access.planning import Plan, Step
from access.provisioning import Provisioning
from store.outbox import Topic
from store.unit_of_work import UnitOfWork
from tasks import settlement
from tasks.revocation import end_claims, spares_claims, taken_away_by, withdraw
from tasks.services import Services, new_id

_log = structlog.get_logger(__name__)


class PlanKeeper:
    """Stores plans."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def commit(self, request: Request, decision: Plan) -> Operation | None:
        """Store the plan of a request; the first operation, leased to us, when there is one to carry out now."""
        now = self._services.clock.now()
        begin = self._services.mode is Provisioning.ON
        state = RequestState.FULFILLING if begin else RequestState.PLANNED
        account = decision.account
        email = request.message.subject.email
        key = access_key(account.id if account else None, email, decision.steps[-1].entitlement.ref)
        with self._services.store.write(holding=key) as work:
            if begin and (by := _overtaken_by(work, request, decision, key)):
                withdraw(work, request.id, why=taken_away_by(by), now=now)
                return None
            # Only from the state in which it was read: else we would not know whether there is an older plan.
            if not work.requests.step(request.id, to=state, states=(request.state,), due_at=None, reason=None):
                return None
            if request.state is RequestState.PLANNED:
                drop_plan(work, request, now=now)
            if request.lane is Lane.REVOKE and request.reason is not None:
                work.ledger.mark(Topic.REQUEST, request.id, Cause.UNSEEN, since=now)
            operations = self._operations(request, decision, now=now)
            first = None
            if begin:
                first = self._begin(work, request, operations, account, now=now)
            else:
                for operation in operations:
                    work.operations.add(operation)
            for operation in operations:
                work.audit.record(
                    "operation.planned",
                    "operation",
                    operation.id,
                    now=now,
                    request_id=request.id,
                    direction=str(operation.direction),
                    entitlement=str(operation.entitlement),
                    account=operation.account_id or operation.email,
                    via=str(operation.via),
                    why=operation.why,
                )
        _log.info("request.planned", request_id=request.id, operations=[operation.id for operation in operations])
        return first

    def _begin(
        self, work: UnitOfWork, request: Request, operations: list[Operation], account: Account | None, *, now: datetime
    ) -> Operation | None:
        """Store the operations, the first of them leased to us unless its access is busy, and the claim they make or end."""
        last = operations[-1]
        if last.direction is Direction.GIVE:
            claim = _claim(request, last, account)
            work.claims.add(claim)
            operations[-1] = last = replace(last, claim_id=claim.id)
        elif (kept := end_claims(work, request, last, now=now)) is not None:
            operations.clear()
            settlement.finish(work, request.id, RequestState.DONE, now=now, reason=kept)
            return None
        first = operations[0]
        running = replace(first, state=OperationState.RUNNING, fence=1, due_at=now)
        free = work.operations.begin(running, lease_until=now + self._services.options.lease)
        if free:
            operations[0] = first = running
        else:
            operations[0] = first = replace(first, state=OperationState.READY, due_at=now + self._services.options.busy)
            work.operations.add(first)
        for operation in operations[1:]:
            work.operations.add(operation)
        return first if free else None

    def _operations(self, request: Request, decision: Plan, *, now: datetime) -> list[Operation]:
        begun = self._services.mode is Provisioning.ON
        return [
            _operation(
                request, decision, step, position=position, now=now, due_at=now if begun and position == 0 else None
            )
            for position, step in enumerate(decision.steps)
        ]


def drop_plan(work: UnitOfWork, request: Request, *, now: datetime) -> None:
    """Drop the operations of an earlier plan, none of which has begun."""
    for old in work.operations.of_request(request.id):
        settlement.drop(work, old, why="planned again", now=now)


def _overtaken_by(work: UnitOfWork, request: Request, decision: Plan, key: str) -> str | None:
    """A later request that takes away what this one would give, and that was planned before this one."""
    if decision.steps[-1].direction is Direction.TAKE:
        return None
    for later in work.operations.taken_since(key, request.sequence):
        other = work.requests.get(later)
        if other is None or spares_claims(other):
            continue
        if other.message.claim_of in (None, request.id):
            return later
    return None


def _operation(
    request: Request, decision: Plan, step: Step, *, position: int, now: datetime, due_at: datetime | None
) -> Operation:
    account = decision.account
    makes_account = step.direction is Direction.GIVE and step.entitlement.ref.kind is ResourceKind.ACCOUNT
    return Operation(
        id=new_id("op"),
        request_id=request.id,
        purpose=Purpose.REQUEST,
        position=position,
        direction=step.direction,
        entitlement=step.entitlement.ref,
        named=step.entitlement.named,
        title=step.entitlement.title,
        url=step.entitlement.url,
        account_id=None if account is None else account.id,
        account_title=str(request.message.who) if account is None else account.title,
        email=account.email if account is not None and not makes_account else request.message.subject.email,
        products=step.products,
        via=step.via,
        why=step.why,
        state=OperationState.READY if position == 0 else OperationState.WAITING,
        due_at=due_at,
        created_at=now,
        begun_at=request.could_begin_at,
    )


def _claim(request: Request, operation: Operation, account: Account | None) -> Claim:
    email = request.message.subject.email or operation.email
    return Claim(
        id=new_id("cl"),
        request_id=request.id,
        account_id=operation.account_id,
        account_title=operation.account_title,
        entitlement=operation.entitlement,
        named=operation.named,
        title=operation.title,
        access_key=access_key(operation.account_id, operation.email, operation.entitlement),
        email=None if email is None else email_address.normalized(email),
        # An id proves the account, and not the address beside it.
        account_proven=account is not None and email is not None and email_address.same(account.email or "", email),
        state=ClaimState.PENDING,
        duration=request.message.duration,
        ends_at=request.message.ends_at,
        until_issue=request.message.until_issue,
    )
