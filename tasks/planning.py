"""Planning of stored requests: look the facts up, let ``access.planning`` decide, and commit the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from access import email_address
from access.accounts import Account, NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind
from access.failures import Failure, Permanent
from access.faults import Phase
from access.guard import Facts
from access.lifecycle import ClaimState, OperationState, RequestState
from access.message import AccessRequest, Action
from access.methods import Direction
from access.operations import Claim, Operation, Purpose, Request, access_key
from access.planning import A_PERSON_DECIDES, Plan, Refusal, Step, Undecided, account_of, make_plan
from access.plans import SOURCE as PLAN
from access.plans import Reaction
from access.provisioning import Provisioning
from access.retry import RetryAt
from connectors.ports import Connector
from store.alarms import AlarmKind
from store.unit_of_work import Conflict, UnitOfWork
from tasks import settlement
from tasks.attempts import attempt, next_try
from tasks.faults import Row, begin_alarm
from tasks.feeding import Feeding, WaitsForFeeding
from tasks.guard import facts_for_plan
from tasks.held_revokes import hold_if_too_many
from tasks.lateness import is_too_late
from tasks.postponement import hold_request, put_request_back
from tasks.provider_first import WaitsForProvider, provider_comes_first
from tasks.removal_targets import Meant, meant_by
from tasks.revocation import claims_up_to, end_claims, spares_claims, taken_away_by, withdraw
from tasks.services import Services, new_id

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CalledBack:
    """The access to be taken away was never given: earlier requests for it are called back. ``access_key`` is by address."""

    access_key: str


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """The request is planned after an earlier one for the same person, which may make the account that it needs."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The first operation of a plan, leased to us, and the facts that the guard was asked with."""

    operation: Operation
    facts: Facts | None


_Waits = WaitsFor | WaitsForProvider | WaitsForFeeding

_BLOCKED_REMEDY = "Mend the reason and use 'provisor requests retry', or cancel it with 'provisor requests cancel'."

#: How often a request to take access away is planned again that cannot be decided.
_DECIDED_AGAIN = timedelta(hours=1)


class Planner:
    """Plans requests."""

    def __init__(self, services: Services, feeding: Feeding) -> None:
        self._services = services
        self._feeding = feeding

    def plan(self, request_id: str) -> Begun | None:
        """Plan a request that is due; the first operation, leased to us, when there is one to carry out now."""
        with self._services.store.read() as work:
            request = work.requests.get(request_id)
            restoring = work.restores.under_way()
        if request is None or request.state not in _UNDECIDED or restoring:
            return None
        if request.state is RequestState.BLOCKED and (
            request.due_at is None or self._services.mode is not Provisioning.ON
        ):
            return None  # Its operation is blocked and looked at, or nothing is to be changed now.
        if self._services.mode is Provisioning.OFF:
            self._hold(request, "Provisioning is off.")
            return None
        if request.due_at is not None and request.due_at > self._services.clock.now():
            return None
        if self._services.mode is Provisioning.ON and is_too_late(self._services, request):
            self._end(request, RequestState.FAILED, f"not given in time: {request.reason or 'its turn did not come.'}")
            return None
        if self._services.mode is Provisioning.ON and hold_if_too_many(self._services, request):
            return None
        fault = self._services.faults.held(Row.of_request(request))
        if fault is not None and hold_request(self._services, request, fault):
            return None
        return attempt("request", lambda: self._plan(request), lambda failure: self._postpone(request, failure))

    def _plan(self, request: Request) -> Begun | None:
        decision = self._decide(request)
        self._services.faults.passed(Row.of_request(request), Phase.READ)
        if isinstance(decision, Refusal):
            self._end(request, RequestState.REFUSED, decision.reason)
            return None
        if isinstance(decision, Undecided):
            self._block(request, decision)
            return None
        if isinstance(decision, WaitsFor):
            until = self._services.clock.now() + self._services.options.look_again
            self._wait(request, until, f"Request {decision.request_id} comes first.")
            return None
        if isinstance(decision, WaitsForFeeding):
            until = self._services.clock.now() + self._services.options.look_again
            self._wait(request, until, f"Request {decision.request_id} for the group that fills it comes first.")
            return None
        if isinstance(decision, WaitsForProvider):
            self._wait(request, decision.until, decision.why)
            return None
        if isinstance(decision, CalledBack):
            self._call_back(request, decision)
            return None
        first = self._commit(request, decision)
        return None if first is None else Begun(first, decision.facts)

    def _is_pending(self, request: Request, entitlement: Entitlement) -> bool:
        """Whether the request takes away what an earlier one is about to give to a person who has no account yet."""
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
        """Withdraw the earlier requests: nothing was given yet, so nothing is to be taken away."""
        now = self._services.clock.now()
        reason = "The access was still on its way, and is called back."
        with self._services.store.write(holding=called_back.access_key) as work:
            pending = work.claims.on(called_back.access_key, states=(ClaimState.PENDING,))
            if not pending:
                raise Conflict("the account was made in the meantime")
            only = request.message.claim_of
            for claim in claims_up_to(work, [each for each in pending if only in (None, each.request_id)], request):
                withdraw(work, claim.request_id, why=taken_away_by(request.id), now=now)
            settlement.finish(work, request.id, RequestState.DONE, now=now, reason=reason)
        _log.info("request.done", request_id=request.id, reason=reason)

    def _decide(self, request: Request) -> Plan | Refusal | Undecided | CalledBack | _Waits:
        message = request.message
        asked = message.entitlement_ref
        giving = message.action.direction is Direction.GIVE
        if giving and (earlier := self._account_action_before(request)) is not None:
            return earlier
        connector = self._services.connector(asked.system, request.lane)
        try:
            meant = self._to_give(connector, message) if giving else meant_by(self._services.store, connector, request)
        except Permanent as failure:
            if failure.status is not None:
                raise  # An answer of the service says nothing about the request as such.
            return Refusal(str(failure)) if giving else Undecided(str(failure))
        if isinstance(meant, Refusal):
            return meant
        account, entitlement = meant.account, meant.entitlement
        if (
            isinstance(account, Account)
            and (before := self._before(request, account, entitlement, connector)) is not None
        ):
            return before
        if (
            isinstance(account, NoMatch)
            and isinstance(entitlement, Entitlement)
            and self._is_pending(request, entitlement)
        ):
            return CalledBack(access_key(None, message.subject.email, entitlement.ref))
        if isinstance(account, NoMatch) and (maker := self._may_be_made(request)) is not None:
            return maker
        if isinstance(entitlement, Entitlement) and request.source == PLAN and self._wants_a_person(request):
            entitlement = replace(entitlement, by_person=entitlement.by_person or "the plan leaves it to a person")
        facts = Facts()
        if isinstance(account, Account) and isinstance(entitlement, Entitlement):
            facts = facts_for_plan(self._services, connector, account, entitlement, message.action.direction)
        return make_plan(
            message,
            account=account,
            entitlement=entitlement,
            policy=self._services.policy,
            automates=connector.automates,
            is_meant=lambda spelled: _names(connector, spelled, entitlement),
            facts=facts,
        )

    def _wants_a_person(self, request: Request) -> bool:
        """Whether the line of the plan that became this request is for a person."""
        with self._services.store.read() as work:
            line = work.plans.line(request.id)
        return line is not None and line.reaction is Reaction.TICKET

    @staticmethod
    def _to_give(connector: Connector, message: AccessRequest) -> Meant:
        asked = message.entitlement_ref
        by_name = asked.kind is not ResourceKind.ACCOUNT
        entitlement = connector.find_entitlement(asked) if by_name else account_of(asked.system)
        return Meant(connector.find_account(message.who), entitlement)

    def _before(
        self, request: Request, account: Account, entitlement: Entitlement | NoMatch, connector: Connector
    ) -> Plan | Refusal | Undecided | _Waits | None:
        """What is decided already for the account that was found, or has to come first."""
        first = _newcomer(request, account) or provider_comes_first(self._services, request, account, connector)
        if first is not None or isinstance(entitlement, NoMatch):
            return first
        return self._fed(request, account, entitlement, connector)

    def _fed(
        self, request: Request, account: Account, entitlement: Entitlement, connector: Connector
    ) -> Plan | Refusal | WaitsForFeeding | None:
        """The plan for a thing that another group fills, where policy and guard let the request pass."""
        message, policy = request.message, self._services.policy
        direction = message.action.direction

        def is_meant(spelled: EntitlementRef) -> bool:
            return _names(connector, spelled, entitlement)

        rule = policy.rule_for(entitlement.ref, entitlement.named, direction=direction, is_meant=is_meant)
        if rule is None or rule.fed_by is None or self._services.mode is not Provisioning.ON:
            return None
        facts = facts_for_plan(self._services, connector, account, entitlement, direction)
        allowed = make_plan(
            message,
            account=account,
            entitlement=entitlement,
            policy=policy,
            automates=connector.automates,
            is_meant=is_meant,
            facts=facts,
        )
        return self._feeding.plan(request, rule, account, entitlement) if isinstance(allowed, Plan) else None

    def _account_action_before(self, request: Request) -> WaitsFor | None:
        """An earlier request for the person's account that is not planned yet: requests for one person go in order."""
        if self._services.mode is not Provisioning.ON:
            return None
        with self._services.store.read() as work:
            earlier = work.requests.unplanned_before(request)
        actions = (Action.CREATE_ACCOUNT, Action.DEPROVISION_ACCOUNT)
        return next((WaitsFor(other) for other, action in earlier if action in actions), None)

    def _may_be_made(self, request: Request) -> WaitsFor | None:
        """An earlier request that may make the account which was not found."""
        email = request.message.subject.email
        system = request.message.entitlement_ref.system
        if self._services.mode is not Provisioning.ON or email is None or ResourceKind.ACCOUNT not in system.kinds:
            return None
        key = access_key(None, email, account_of(system).ref)
        with self._services.store.read() as work:
            making = [each for each in work.operations.not_over_at(key) if each.request_id != request.id]
            earlier = [each.request_id for each in making] + [
                other for other, _ in work.requests.unplanned_before(request)
            ]
        return WaitsFor(earlier[0]) if earlier else None

    def _wait(self, request: Request, until: datetime, why: str) -> None:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            work.requests.postpone(request, until=until, now=now, reason=why, tried=False, begun_at=until)
        _log.info("request.waits", request_id=request.id, why=why, until=until)

    def _block(self, request: Request, undecided: Undecided) -> None:
        """What cannot be decided about taking access away waits for a person, and is planned again each hour."""
        reason = undecided.reason
        if self._services.mode is not Provisioning.ON:
            self._hold(request, reason)
            return
        now = self._services.clock.now()
        due = now + _DECIDED_AGAIN
        with self._services.store.write() as work:
            if request.state is RequestState.BLOCKED:
                work.requests.postpone(request, until=due, now=now, reason=reason)
            elif work.requests.step(
                request.id,
                to=RequestState.BLOCKED,
                states=(request.state,),
                reason=reason,
                candidates=list(undecided.candidates) or None,
                due_at=due,
                dispatched_until=None,
            ):
                _drop_plan(work, request, now=now)
                work.audit.record(
                    "request.blocked", "request", request.id, now=now, request_id=request.id, reason=reason
                )
            what = f"Request {request.id} is blocked: {reason}"
            begin_alarm(work, AlarmKind.BLOCKED, "request", request.id, what=what, remedy=_BLOCKED_REMEDY, now=now)
        _log.error("request.blocked", request_id=request.id, reason=reason)

    def _hold(self, request: Request, reason: str) -> None:
        """Keep the request until Provisor starts with other settings or another policy: nothing is final before that."""
        now = self._services.clock.now()
        with self._services.store.write() as work:
            if request.state is RequestState.PLANNED and self._services.mode is Provisioning.PLAN:
                _drop_plan(work, request, now=now)
                work.requests.step(request.id, to=RequestState.RECEIVED, states=(request.state,))
                request = replace(request, state=RequestState.RECEIVED)
            work.requests.postpone(request, until=None, now=now, reason=reason, tried=False)
        _log.info("request.held", request_id=request.id, why=reason)

    def _postpone(self, request: Request, failure: Failure) -> None:
        """Plan the request later. What keeps it from being planned is waited for, however long it lasts."""
        verdict = next_try(
            self._services, failure, tries=request.tries + 1, first_tried_at=request.first_tried_at, final=False
        )
        assert isinstance(verdict, RetryAt)
        put_request_back(self._services, request, failure, until=verdict.at)

    def _end(self, request: Request, state: RequestState, reason: str) -> None:
        """End a request without doing anything: ``state`` says whether it is refused or failed.

        Where nothing is to be changed yet nothing is final: the request is held with the reason.
        """
        if self._services.mode is not Provisioning.ON:
            self._hold(request, reason)
            return
        now = self._services.clock.now()
        with self._services.store.write() as work:
            if settlement.finish(work, request.id, state, now=now, reason=reason):
                _drop_plan(work, request, now=now)
        level = _log.error if state is RequestState.FAILED else _log.info
        level(f"request.{state}", request_id=request.id, reason=reason)

    def _commit(self, request: Request, decision: Plan) -> Operation | None:
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
                _drop_plan(work, request, now=now)
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


#: The states in which a request may be planned.
_UNDECIDED = (RequestState.RECEIVED, RequestState.PLANNED, RequestState.BLOCKED)


def _newcomer(request: Request, account: Account) -> Undecided | None:
    """The account has the address by now, and was not among those that the request may have meant when it was blocked."""
    if request.settled_account or not request.candidates or account.id in request.candidates:
        return None
    return Undecided(
        f"{account.title} ({account.id}) has the address by now, and the request may have meant "
        f"{', '.join(request.candidates)}. {A_PERSON_DECIDES}",
        request.candidates,
    )


def _names(connector: Connector, spelled: EntitlementRef, entitlement: Entitlement | NoMatch) -> bool:
    """Whether the entitlement is found by this spelling."""
    found = connector.find_entitlement(spelled)
    return isinstance(found, Entitlement) and isinstance(entitlement, Entitlement) and found.ref == entitlement.ref


def _drop_plan(work: UnitOfWork, request: Request, *, now: datetime) -> None:
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
    )
