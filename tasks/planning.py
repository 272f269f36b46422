"""From a stored request to its operations: look the facts up, decide, and commit the plan."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from access.accounts import Account, NoMatch
from access.entitlements import Entitlement, ResourceKind
from access.failures import CredentialRefused, Failure, Permanent, Transient
from access.lifecycle import ClaimState, OperationState, RequestState
from access.message import AccessRequest
from access.methods import Direction
from access.operations import Claim, Lane, Operation, Purpose, Request, access_key
from access.planning import Plan, Refusal, Step, account_of, plan
from access.provisioning import Provisioning
from access.retry import GiveUp, RetryLimits, decide
from store.unit_of_work import Conflict, Unavailable, UnitOfWork
from tasks.faults import fault
from tasks.revocation import claims_up_to, end_claims, withdraw
from tasks.services import Services, new_id

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CalledBack:
    """What is to be taken away was never given: requests for it are called back. ``access_key`` is by address."""

    access_key: str


class Planner:
    """Plans requests."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def plan(self, request_id: str) -> Operation | None:
        """Plan a request that is due, and begin it; the first operation, leased to us, when there is one to carry out."""
        with self._services.store.read() as work:
            request = work.requests.get(request_id)
        if request is None or request.state not in (RequestState.RECEIVED, RequestState.PLANNED):
            return None
        if self._services.mode is Provisioning.OFF:
            self._rest(request)
            return None
        limits = self._services.options.retry
        try:
            return self._plan(request)
        except Failure as failure:
            # There is nobody to hand over to before it is known what to do: a system that is away is waited for.
            self._postpone(request, failure, limits=replace(limits, attempts=sys.maxsize))
        except Conflict:
            # Another request began on the same access between our look and our commit: plan again in a moment.
            self._postpone(request, Transient("Another request began on the same access."), limits=limits)
        except Unavailable:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever it is, it must neither repeat for ever nor lose the request
            _log.exception("request.broke", request_id=request.id)
            self._postpone(request, fault(exc), limits=limits)
        return None

    def _plan(self, request: Request) -> Operation | None:
        decision = self._decide(request)
        if isinstance(decision, Refusal):
            self._refuse(request, decision.reason)
            return None
        if isinstance(decision, CalledBack):
            self._call_back(request, decision)
            return None
        return self._commit(request, decision)

    def _unborn(self, request: Request, entitlement: Entitlement) -> bool:
        """Whether this takes away what an earlier request is about to give to somebody who has no account yet."""
        email = request.message.subject.email
        if (
            request.message.action.direction is Direction.GIVE
            or email is None
            or self._services.mode is not Provisioning.ON
        ):
            return False
        with self._services.store.read() as work:
            return bool(work.claims.on(access_key(None, email, entitlement.ref), states=(ClaimState.PENDING,)))

    def _call_back(self, request: Request, called_back: CalledBack) -> None:
        """Nothing was given yet, so there is nothing to take but the intent."""
        now = self._services.clock.now()
        reason = "The access was still on its way, and is called back."
        with self._services.store.write(holding=called_back.access_key) as work:
            pending = work.claims.on(called_back.access_key, states=(ClaimState.PENDING,))
            if not pending:
                raise Conflict("the account was made in the meantime")
            for claim in claims_up_to(work, pending, request):
                withdraw(work, claim.request_id, by=request.id, now=now)
            if work.requests.finish(request.id, RequestState.DONE, now=now, reason=reason):
                work.audit.record("request.done", "request", request.id, now=now, request_id=request.id, reason=reason)
        _log.info("request.done", request_id=request.id, reason=reason)

    def _decide(self, request: Request) -> Plan | Refusal | CalledBack:
        message = request.message
        asked = message.entitlement_ref
        try:
            connector = self._services.connector(asked.system, _lane(message))
            by_name = asked.kind is not ResourceKind.ACCOUNT
            entitlement = connector.find_entitlement(asked) if by_name else account_of(asked.system)
            account: Account | NoMatch = connector.find_account(message.who)
        except Permanent as failure:
            return Refusal(str(failure))
        if isinstance(account, NoMatch) and isinstance(entitlement, Entitlement) and self._unborn(request, entitlement):
            return CalledBack(access_key(None, message.subject.email, entitlement.ref))
        return plan(
            message,
            account=account,
            entitlement=entitlement,
            policy=self._services.policy,
            automates=connector.automates,
        )

    def _rest(self, request: Request) -> None:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            work.requests.postpone(request, until=None, now=now, reason=None)
        _log.info("request.rests", request_id=request.id, why="provisioning is off")

    def _postpone(self, request: Request, failure: Failure, *, limits: RetryLimits) -> None:
        now = self._services.clock.now()
        verdict = decide(
            failure,
            tries=request.tries + 1,
            first_tried_at=request.first_tried_at or now,
            now=now,
            limits=limits,
        )
        with self._services.store.write() as work:
            if isinstance(verdict, GiveUp):
                if work.requests.finish(request.id, RequestState.FAILED, now=now, reason=verdict.reason):
                    _drop_plan(work, request)
                    work.audit.record(
                        "request.failed", "request", request.id, now=now, request_id=request.id, reason=verdict.reason
                    )
                _log.error("request.failed", request_id=request.id, reason=verdict.reason)
                return
            work.requests.postpone(request, until=verdict.at, now=now, reason=str(failure))
        # A credential that is refused is for the operator to mend: it must reach them, not only the log.
        level = _log.error if isinstance(failure, CredentialRefused) else _log.warning
        level("request.postponed", request_id=request.id, failure=failure.word, why=str(failure), until=verdict.at)

    def _refuse(self, request: Request, reason: str) -> None:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            if not work.requests.finish(request.id, RequestState.REFUSED, now=now, reason=reason):
                return
            _drop_plan(work, request)
            work.audit.record("request.refused", "request", request.id, now=now, request_id=request.id, reason=reason)
        _log.info("request.refused", request_id=request.id, reason=reason)

    def _commit(self, request: Request, decision: Plan) -> Operation | None:
        now = self._services.clock.now()
        begin = self._services.mode is Provisioning.ON
        state = RequestState.FULFILLING if begin else RequestState.PLANNED
        account = decision.account
        email = request.message.subject.email
        key = access_key(account.id if account else None, email, decision.steps[-1].entitlement.ref)
        with self._services.store.write(holding=key) as work:
            if begin and (by := _overtaken_by(work, request, decision, key)):
                withdraw(work, request.id, by=by, now=now)
                return None
            # From the very state it was read in: only then is it known whether there is an older plan.
            if not work.requests.step(request.id, to=state, states=(request.state,), due_at=None, reason=None):
                return None
            if request.state is RequestState.PLANNED:
                _drop_plan(work, request)
            operations = self._operations(request, decision, now=now)
            first: Operation | None = operations[0]
            if begin:
                first = self._begin(work, request, operations, now=now)
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
        return first if begin else None

    def _begin(
        self, work: UnitOfWork, request: Request, operations: list[Operation], *, now: datetime
    ) -> Operation | None:
        last = operations[-1]
        if last.direction is Direction.GIVE:
            claim = _claim(request, last)
            work.claims.add(claim)
            operations[-1] = last = replace(last, claim_id=claim.id)
        elif (kept := end_claims(work, request, last, now=now)) is not None:
            operations.clear()
            work.requests.finish(request.id, RequestState.DONE, now=now, reason=kept)
            work.audit.record("request.done", "request", request.id, now=now, request_id=request.id, reason=kept)
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


def _drop_plan(work: UnitOfWork, request: Request) -> None:
    """What was planned before and never begun."""
    for old in work.operations.of_request(request.id):
        work.operations.drop(old.id, why="planned anew")


def _overtaken_by(work: UnitOfWork, request: Request, decision: Plan, key: str) -> str | None:
    """The request that came after this one, takes away what this one would give, and was planned first."""
    if decision.steps[-1].direction is Direction.TAKE:
        return None
    for later in work.operations.taken_since(key, request.received_at):
        other = work.requests.get(later)
        if other is not None and other.message.claim_of in (None, request.id):
            return later
    return None


def _operation(
    request: Request, decision: Plan, step: Step, *, position: int, now: datetime, due_at: datetime | None
) -> Operation:
    account = decision.account
    return Operation(
        id=new_id("op"),
        request_id=request.id,
        claim_id=None,
        purpose=Purpose.REQUEST,
        position=position,
        direction=step.direction,
        entitlement=step.entitlement.ref,
        named=step.entitlement.named,
        title=step.entitlement.title,
        url=step.entitlement.url,
        account_id=None if account is None else account.id,
        account_title=str(request.message.who) if account is None else account.title,
        email=request.message.subject.email or (account.email if account else None),
        products=step.products,
        via=step.via,
        why=step.why,
        state=OperationState.READY if position == 0 else OperationState.WAITING,
        before=None,
        wrote_at=None,
        evidence=None,
        error=None,
        tries=0,
        fence=0,
        first_tried_at=None,
        due_at=due_at,
        created_at=now,
        verified_at=None,
    )


def _lane(message: AccessRequest) -> Lane:
    return Lane.GRANT if message.action.direction is Direction.GIVE else Lane.REVOKE


def _claim(request: Request, operation: Operation) -> Claim:
    return Claim(
        id=new_id("cl"),
        request_id=request.id,
        account_id=operation.account_id,
        account_title=operation.account_title,
        entitlement=operation.entitlement,
        named=operation.named,
        title=operation.title,
        access_key=access_key(operation.account_id, operation.email, operation.entitlement),
        state=ClaimState.PENDING,
        pre_existing=None,
        duration=request.message.duration,
        starts_at=None,
        ends_at=None,
        ended_at=None,
        why_ended=None,
    )
