"""The guard on every road: what speaks against a change today, from the system and from the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from access.accounts import Account, Subject
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.guard import Barred, ByPerson, Facts, Ruling, judge
from access.methods import Direction, Method
from access.operations import Operation, Request, access_key
from access.planning import account_of
from connectors.guard import account_facts, read_facts
from connectors.ports import Connector, Holdings, Target
from store.unit_of_work import UnitOfWork
from tasks.services import Services

#: How many of an account's holdings are asked about, whether the account is the last administrator there: each costs calls.
_MOST_HELD = 20

_NOBODY_KNOWS = "Provisor cannot see who else has this role. Make sure that somebody has, before you take it away."


def target_of(services: Services, operation: Operation, facts: Facts | None = None) -> Target:
    """The target of an operation, with what policy says of it today, and the facts that were read in this attempt."""
    return Target.of(
        operation, services.policy_of(operation.request_id).terms(operation.entitlement, operation.named), facts
    )


def deprovisioned_by(work: UnitOfWork, system: System, account_id: str | None) -> str | None:
    """The request that deprovisions the account, and is not over; None when there is none."""
    if account_id is None or ResourceKind.ACCOUNT not in system.kinds:
        return None
    key = access_key(account_id, None, account_of(system).ref)
    return work.operations.taker_at(key)


def facts_for_plan(
    services: Services, connector: Connector, account: Account, entitlement: Entitlement, request: Request
) -> Facts:
    """The facts about an account that was found for a request just now."""
    terms = services.policy.of(request.source).terms(entitlement.ref, entitlement.named)
    direction = request.message.action.direction
    facts = account_facts(
        connector, Target(entitlement.ref, account.id, account.email, terms=terms), account, direction
    )
    with services.store.read() as work:
        return replace(facts, deprovisioned_by=deprovisioned_by(work, account.system, account.id))


def facts_now(
    services: Services, connector: Connector, operation: Operation, *, thing: Entitlement | None = None
) -> Facts:
    """The facts about an operation today. ``thing`` is its entitlement as it was found just now. Raises failure words.

    Before a removal by API the connector itself asks for the last administrator.
    """
    target = target_of(services, operation)
    if operation.via is Method.CONNECTOR:
        target = replace(target, terms=replace(target.terms, keeps_last=False))
    facts = read_facts(connector, target, operation.direction, thing=thing)
    with services.store.read() as work:
        return replace(facts, deprovisioned_by=deprovisioned_by(work, operation.system, operation.account_id))


def rule_on(services: Services, operation: Operation, facts: Facts) -> Ruling:
    """What the guard says of an operation, given these facts."""
    ruling = judge(operation.direction, facts, target_of(services, operation).terms)
    if isinstance(ruling, Barred) and facts.suspended and operation.position > 0:
        return ByPerson("the new account arrived suspended, and has to be activated first")
    return ruling


def warnings_of(
    connector: Connector, services: Services, operation: Operation, holdings: Holdings | None
) -> Iterator[str]:
    """What else a person has to know before a removal: where the account to be deprovisioned is the last administrator."""
    if operation.direction is Direction.GIVE or operation.account_id is None:
        return
    policy = services.policy
    if operation.entitlement.kind is ResourceKind.ACCOUNT:
        account = connector.find_account(Subject(id=operation.account_id))
        if isinstance(account, Account) and account.managed_by:
            yield (
                f"{operation.account_title} is managed by {account.managed_by}: change it there too, "
                "or it may come back as it was."
            )
    if operation.entitlement.kind is ResourceKind.ADMIN_ROLE:
        yield _NOBODY_KNOWS
    named = _held(operation.system, holdings) if holdings else ()
    powerful = [ref for ref in named if policy.gives_power(ref)][:_MOST_HELD]
    for ref in powerful:
        found = connector.find_entitlement(ref)
        if isinstance(found, Entitlement) and connector.is_last_holder(found.ref, operation.account_id):
            yield f"{operation.account_title} is the last who has {found.title}. Give that to somebody else first."


def _held(system: System, holdings: Holdings) -> Iterator[EntitlementRef]:
    for name in holdings.groups:
        yield EntitlementRef(system, ResourceKind.GROUP, (name,))
    for written in holdings.project_roles:
        key, _, name = written.partition(": ")
        yield EntitlementRef(system, ResourceKind.PROJECT_ROLE, (key, name))
