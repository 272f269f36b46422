"""Planning of stored requests: look the facts up, let ``access.planning`` decide, and commit the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from access.accounts import Account, NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind
from access.failures import Failure, Permanent
from access.faults import Phase
from access.guard import Facts
from access.ledger import Cause
from access.lifecycle import ClaimState, RequestState
from access.message import AccessRequest, Action
from access.methods import Direction, Method
from access.operations import Lane, Operation, Request, access_key
from access.planning import A_PERSON_DECIDES, Plan, Refusal, Undecided, account_of, make_plan
from access.plans import SOURCE as PLAN
from access.policy import Rule
from access.provisioning import Provisioning
from access.reactions import Reaction
from access.retry import RetryAt
from connectors.ports import Connector
from store.alarms import AlarmKind
from store.outbox import Topic
from store.unit_of_work import Conflict
from tasks import settlement
from tasks.attempts import attempt, next_try
from tasks.extension import ComesAfter, extend
from tasks.faults import Row, begin_alarm
from tasks.feeding import Feeding, WaitsForFeeding
from tasks.guard import facts_for_plan
from tasks.held_revokes import hold_if_too_many
from tasks.lateness import is_too_late
from tasks.plan_keeper import PlanKeeper, drop_plan
from tasks.postponement import hold_request, put_request_back
from tasks.provider_first import WaitsForProvider, provider_comes_first
from tasks.removal_targets import Meant, meant_by
from tasks.revocation import claims_up_to, taken_away_by, withdraw
from tasks.services import Services

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
        self._keeper = PlanKeeper(services)

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
        return attempt("request", lambda: self._begin(request), lambda failure: self._postpone(request, failure))

    def _begin(self, request: Request) -> Begun | None:
        if self._services.mode is Provisioning.ON and is_too_late(self._services, request):
            self._end(request, RequestState.FAILED, f"not given in time: {request.reason or 'its turn did not come.'}")
            return None
        if self._services.mode is Provisioning.ON and hold_if_too_many(self._services, request):
            return None
        if request.message.action is Action.EXTEND:  # It needs no system, so no fault holds it.
            self._extend(request)
            return None
        fault = self._services.faults.held(Row.of_request(request))
        if fault is not None and hold_request(self._services, request, fault):
            return None
        return self._plan(request)

    def _extend(self, request: Request) -> None:
        outcome = extend(self._services, request)
        if isinstance(outcome, Refusal):
            self._end(request, RequestState.REFUSED, outcome.reason)
        elif isinstance(outcome, ComesAfter):
            self._wait_for(request, outcome.request_id)
        elif self._services.mode is not Provisioning.ON:
            self._hold(request, outcome.what)

    def _plan(self, request: Request) -> Begun | None:
        decision = self._decide(request)
        self._services.faults.passed(Row.of_request(request), Phase.READ)
        waits = self._services.mode is Provisioning.ON and not _may_start(request, self._services.clock.now())
        if isinstance(decision, Refusal) and not (waits and decision.may_pass):
            self._end(request, RequestState.REFUSED, decision.reason)
            return None
        if isinstance(decision, Refusal):
            self._wait_for_start(request, but=f" Today it would be refused: {decision.reason}")
            return None
        if isinstance(decision, Undecided):
            self._block(request, decision)
            return None
        if isinstance(decision, WaitsFor):
            self._wait_for(request, decision.request_id)
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
        if waits:
            self._wait_for_start(request)
            return None
        first = self._keeper.commit(request, decision)
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
            facts = facts_for_plan(self._services, connector, account, entitlement, request)
        return make_plan(
            message,
            account=account,
            entitlement=entitlement,
            policy=self._services.policy,
            automates=connector.automates,
            now=self._services.clock.now(),
            source=request.source,
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
        direction, own = message.action.direction, policy.of(request.source)

        def is_meant(spelled: EntitlementRef) -> bool:
            return _names(connector, spelled, entitlement)

        rule = own.rule_for(entitlement.ref, entitlement.named, direction=direction, is_meant=is_meant)
        if rule is None or rule.method(direction) is not Method.CONNECTOR:
            return None
        if direction is Direction.GIVE and entitlement.ref.kind is ResourceKind.APPLICATION:
            refusal = _without_a_way(rule, entitlement, connector)
            if refusal is not None:
                return refusal
        if self._services.mode is not Provisioning.ON:
            return None
        group = self._feeding.group_of(request, rule, entitlement)
        if group is None:
            return None
        facts = facts_for_plan(self._services, connector, account, entitlement, request)
        allowed = make_plan(
            message,
            account=account,
            entitlement=entitlement,
            policy=policy,
            automates=connector.automates,
            now=self._services.clock.now(),
            source=request.source,
            is_meant=is_meant,
            facts=facts,
        )
        return self._feeding.plan(request, group, account, entitlement) if isinstance(allowed, Plan) else None

    def _account_action_before(self, request: Request) -> WaitsFor | None:
        """An earlier request for the person's account that is not planned yet: requests for one person go in order."""
        if self._services.mode is not Provisioning.ON:
            return None
        with self._services.store.read() as work:
            earlier = work.requests.unplanned_before(request, now=self._services.clock.now())
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
                other for other, _ in work.requests.unplanned_before(request, now=self._services.clock.now())
            ]
        return WaitsFor(earlier[0]) if earlier else None

    def _wait_for(self, request: Request, earlier: str) -> None:
        until = self._services.clock.now() + self._services.options.look_again
        self._wait(request, until, f"Request {earlier} comes first.")

    def _wait(self, request: Request, until: datetime, why: str) -> None:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            work.requests.postpone(request, until=until, now=now, reason=why, tried=False, begun_at=until)
        _log.info("request.waits", request_id=request.id, why=why, until=until)

    def _wait_for_start(self, request: Request, *, but: str = "") -> None:
        """Policy allows the request today. It is asked again at the start, from which the time to give it counts."""
        starts, now = request.message.starts_at, self._services.clock.now()
        assert starts is not None
        why = f"It is to begin at {starts:%Y-%m-%d %H:%M:%S} UTC.{but}"
        with self._services.store.write() as work:
            work.requests.postpone(request, until=starts, now=now, reason=why, tried=False)
            if request.reason != why:
                work.audit.record(
                    "request.scheduled", "request", request.id, now=now, request_id=request.id, at=starts.isoformat()
                )
        _log.info("request.scheduled", request_id=request.id, until=starts)

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
                drop_plan(work, request, now=now)
                if request.lane is Lane.REVOKE:
                    work.ledger.mark(Topic.REQUEST, request.id, Cause.PERSON, since=now)
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
                drop_plan(work, request, now=now)
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
                drop_plan(work, request, now=now)
        level = _log.error if state is RequestState.FAILED else _log.info
        level(f"request.{state}", request_id=request.id, reason=reason)


#: The states in which a request may be planned.
_UNDECIDED = (RequestState.RECEIVED, RequestState.PLANNED, RequestState.BLOCKED)


def _may_start(request: Request, now: datetime) -> bool:
    starts = request.message.starts_at
    return starts is None or starts <= now


def _newcomer(request: Request, account: Account) -> Undecided | None:
    """The account has the address by now, and was not among those that the request may have meant when it was blocked."""
    if request.settled_account or not request.candidates or account.id in request.candidates:
        return None
    return Undecided(
        f"{account.title} ({account.id}) has the address by now, and the request may have meant "
        f"{', '.join(request.candidates)}. {A_PERSON_DECIDES}",
        request.candidates,
    )


def _without_a_way(rule: Rule, entitlement: Entitlement, connector: Connector) -> Refusal | None:
    """Why an application is not given: policy names none of the groups through which it is; None where it does."""
    ways = ", ".join(f"{way.name} ({way.id})" for way in entitlement.ways) or "none"
    bound = f"Groups that are bound to {entitlement.title}: {ways}."
    if rule.via is None:
        return Refusal(f"Policy rule '{rule.pattern}' does not say through which group it is given (via). {bound}")
    found = connector.find_entitlement(rule.via)
    if isinstance(found, NoMatch):
        return Refusal(f"{found.sentence()} {bound}")
    if found.ref.path[0] not in {way.id for way in entitlement.ways}:
        return Refusal(
            f"{found.title}, which policy rule '{rule.pattern}' names, is not bound to the application. {bound}"
        )
    return None


def _names(connector: Connector, spelled: EntitlementRef, entitlement: Entitlement | NoMatch) -> bool:
    """Whether the entitlement is found by this spelling."""
    found = connector.find_entitlement(spelled)
    return isinstance(found, Entitlement) and isinstance(entitlement, Entitlement) and found.ref == entitlement.ref
