"""Jira groups that JumpCloud fills: access to one goes through the JumpCloud group that feeds it.

The claim stands on the Jira group. A request of its own asks for the JumpCloud group, under that group's own rule and claims;
it lives no longer than the claim that it serves. The Jira group is then read until the provider has passed the change on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from access.accounts import Account, NoMatch
from access.durations import LONGEST
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.guard import FILLED
from access.lifecycle import ENDS, STANDING, RequestState
from access.message import CHILD, CHILD_END, AccessRequest, Action, StoredRequest
from access.methods import Direction, Method
from access.operations import Claim, Operation, Purpose, Request, access_key
from access.people import AccountRef
from access.planning import Plan, Refusal, Step
from access.policy import Rule
from access.text import loose_name
from store.feeding import ended_parents
from store.queries.filled import filled_groups
from store.requests import ORDER, Received
from store.unit_of_work import UnitOfWork
from tasks.intake import Intake
from tasks.services import Services

#: The source of requests for groups that feed others.
SOURCE = "feeding"
#: How much longer than the claim that it serves the claim on the feeding group may live, should its end get lost.
_MARGIN = timedelta(days=1)
_AT_ONCE = 50
#: How old a snapshot may be that proves which group fills another.
_FRESH = timedelta(hours=24)


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

    def group_of(self, request: Request, rule: Rule, entitlement: Entitlement) -> EntitlementRef | None:
        """The group through which a request goes whose thing is filled; None where it goes another way.

        It is the one through which it has begun, or was given; else the one that policy names, or that is proven. Proven is what
        fresh snapshots of both systems show (``store.queries.filled``) and both systems still show: a provider fills the one, and
        the other has its name. Policy has to let that group be changed by API. Raises failure words.
        """
        if rule.through is None and entitlement.by_person != FILLED:
            return None
        message = request.message
        with self._services.store.read() as work:
            parents = [each for each in (request.id, message.claim_of) if each is not None]
            begun = next((each for one in parents if (each := work.requests.get(one + CHILD)) is not None), None)
        if begun is not None or message.claim_of is not None:
            return None if begun is None else begun.message.entitlement_ref
        return rule.through or self._checked(self._proven(entitlement), entitlement, message.action.direction)

    def _checked(
        self, group: EntitlementRef | None, entitlement: Entitlement, direction: Direction
    ) -> EntitlementRef | None:
        """The proven group, if the directory still shows it under the same name and policy lets it be changed by API."""
        services = self._services
        if group is None or System.JUMPCLOUD not in services.connectors:
            return None
        found = services.connector(System.JUMPCLOUD).find_entitlement(group)
        if isinstance(found, NoMatch) or loose_name(found.named.path[0]) != loose_name(entitlement.named.path[0]):
            return None
        own = services.policy.of(SOURCE).rule_for(found.ref, found.named, direction=direction)
        return group if own is not None and own.method(direction) is Method.CONNECTOR else None

    def _proven(self, entitlement: Entitlement) -> EntitlementRef | None:
        """The group that snapshots prove to fill a Jira group. What they show is no proof once it is old."""
        since = self._services.clock.now() - _FRESH
        with self._services.store.read() as work:
            shown = [work.snapshots.current(system) for system in System]
            if any(each is None or each.completed_at < since for each in shown):
                return None
            key = entitlement.ref.path[0]
            group = filled_groups(work.connection, key).get(key)
        return None if group is None else EntitlementRef(System.JUMPCLOUD, ResourceKind.GROUP, (group,))

    def plan(
        self, request: Request, group: EntitlementRef, account: Account, entitlement: Entitlement
    ) -> Plan | Refusal | WaitsForFeeding | None:
        """The plan of a request whose thing ``group`` fills; None where nobody proves which user of the directory it is about."""
        message = request.message
        user, child_id = self._user(account), request.id + CHILD
        with self._services.store.read() as work:
            child = work.requests.get(child_id)
        if user is None:
            return None
        if child is None:
            self._ask(child_id, request, group, user)
        if child is None or child.state not in ENDS["request"]:
            return WaitsForFeeding(child_id)
        if child.state is not RequestState.DONE:
            return Refusal(f"It goes through {group}, and request {child_id} for that is {child.state}: {child.reason}")
        why = f"it goes through {group}: request {child_id}"
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

    @staticmethod
    def is_fed(work: UnitOfWork, claim: Claim) -> bool:
        """Whether the end of a claim goes through the group that feeds its thing, as it was given, whatever policy says now."""
        return work.claims.of_request(claim.request_id + CHILD) is not None

    def _user(self, account: Account) -> str | None:
        """The user of the directory whom an account is proven to belong to; in the directory itself the account is the user."""
        if account.system is System.JUMPCLOUD:
            return account.id
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
                "reason": f"Request {request.id} is about {asked.entitlement}, which goes through this group. {asked.reason}"[
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
