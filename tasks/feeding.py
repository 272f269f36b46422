"""Jira groups that JumpCloud fills: access to one goes through the JumpCloud group that feeds it.

The claim stands on the Jira group. A request of its own asks for the JumpCloud group, under that group's own rule and claims;
it lives no longer than the claim that it serves. The Jira group is then read until the provider has passed the change on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from access.accounts import Account
from access.durations import LONGEST
from access.entitlements import Entitlement, EntitlementRef
from access.lifecycle import ENDS, STANDING, RequestState
from access.message import CHILD, CHILD_END, AccessRequest, Action, StoredRequest
from access.methods import Method
from access.operations import Claim, Operation, Purpose, Request, access_key
from access.people import AccountRef
from access.planning import Plan, Refusal, Step
from access.policy import Rule
from store.feeding import ended_parents
from store.requests import ORDER, Received
from store.unit_of_work import UnitOfWork
from tasks.intake import Intake
from tasks.services import Services

#: The source of requests for groups that feed others.
SOURCE = "feeding"
#: How much longer than the claim that it serves the claim on the feeding group may live, should its end get lost.
_MARGIN = timedelta(days=1)
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class WaitsForFeeding:
    """The request for the feeding group comes first."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The feeding group is held by something else, so that what it gives stays."""

    why: str


@dataclass(frozen=True, slots=True)
class StillFed:
    """The end of the claim on the feeding group is on its way."""


class Feeding:
    """Asks for the groups that feed others, and ends what was asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._intake = Intake(services.store, services.clock, services.publisher)

    def plan(
        self, request: Request, rule: Rule, account: Account, entitlement: Entitlement
    ) -> Plan | Refusal | WaitsForFeeding | None:
        """The plan of a request whose thing is fed; None where nobody proves which user of the directory it is about."""
        message = request.message
        user = self._user(account)
        if rule.fed_by is None or user is None or rule.method(message.action.direction) is not Method.CONNECTOR:
            return None
        child_id = request.id + CHILD
        with self._services.store.read() as work:
            child = work.requests.get(child_id)
        if child is None:
            self._ask(child_id, request, rule.fed_by, user)
        if child is None or child.state not in ENDS["request"]:
            return WaitsForFeeding(child_id)
        if child.state is not RequestState.DONE:
            return Refusal(f"{rule.fed_by} fills it, and request {child_id} for that is {child.state}: {child.reason}")
        why = f"{rule.fed_by} fills it: request {child_id}"
        step = Step(message.action.direction, entitlement, Method.PROPAGATION, why)
        return Plan((step,), account)

    def end_orphans(self) -> None:
        """Revoke what was asked for of feeding groups where the claim that it served has ended; safe to repeat."""
        with self._services.store.read() as work:
            found = ended_parents(work.connection, limit=_AT_ONCE)
        for child_id in found:
            with self._services.store.read() as work:
                child = work.requests.get(child_id)
            if child is not None:
                self._revoke(child)

    def before_taking(self, work: UnitOfWork, operation: Operation) -> Kept | StillFed | None:
        """What keeps the provider from passing the end of a claim on; None where it is to be expected by now."""
        if operation.purpose is not Purpose.EXPIRY:
            return None
        claim = work.claims.of_request(operation.request_id + CHILD)
        if claim is None:
            return None
        if claim.state in STANDING:
            return StillFed()
        return _kept_by(work, claim)

    def gave(self, work: UnitOfWork, operation: Operation) -> bool:
        """Whether the account was not in the feeding group before."""
        claim = work.claims.of_request(operation.request_id + CHILD)
        return claim is not None and claim.pre_existing is False

    def is_fed(self, claim: Claim, rule: Rule | None) -> bool:
        """Whether the end of a claim goes through the group that feeds its thing."""
        if rule is None or rule.fed_by is None:
            return False
        with self._services.store.read() as work:
            return work.claims.of_request(claim.request_id + CHILD) is not None

    def _user(self, account: Account) -> str | None:
        """The user of the directory whom an account is proven to belong to."""
        with self._services.store.read() as work:
            link = work.persons.link_of(AccountRef(account.system, account.id))
        return link.person if link is not None and link.joined else None

    def _ask(self, child_id: str, request: Request, group: EntitlementRef, user: str) -> None:
        asked = request.message
        duration = None if asked.duration is None else min(asked.duration + _MARGIN, LONGEST)
        message = asked.model_copy(
            update={
                "id": child_id,
                "subject": asked.subject.model_copy(update={"id": user, "email": None, "username": None}),
                "entitlement": str(group),
                "duration": duration if asked.action is Action.GRANT else None,
                "claim_of": None if asked.claim_of is None else asked.claim_of + CHILD,
                "reason": f"Request {request.id} is about {asked.entitlement}, which this group fills. {asked.reason}"[
                    :5000
                ],
            }
        )
        self._hand_in(message)

    def _revoke(self, child: Request) -> None:
        asked = child.message
        self._hand_in(
            StoredRequest.model_validate(
                {
                    "id": child.id.removesuffix(CHILD) + CHILD_END,
                    "action": str(Action.REVOKE),
                    "subject": {"id": asked.subject.id},
                    "entitlement": asked.entitlement,
                    "claim_of": child.id,
                    "reason": f"What request {child.id} served has ended.",
                }
            )
        )

    def _hand_in(self, message: AccessRequest) -> None:
        now: datetime = self._services.clock.now()
        with self._services.store.write(holding=ORDER) as work:
            if work.requests.get(message.id) is not None:
                return
            wake_ups = self._intake.add(work, [Received(message, SOURCE, now)])
        self._services.publisher.send(wake_ups)


def _kept_by(work: UnitOfWork, claim: Claim) -> Kept | None:
    if claim.pre_existing:
        return Kept(f"the account was in {claim.named} before the first claim")
    standing = work.claims.on(access_key(claim.account_id, claim.email, claim.entitlement), states=STANDING)
    if standing:
        return Kept(f"request {standing[0].request_id} holds {claim.named}, which fills it")
    return None
