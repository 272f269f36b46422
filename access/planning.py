"""The decision how a request is fulfilled: its operations with their methods, or a refusal that says why.

Pure: the caller has looked up the account and the entitlement. The same facts always give the same plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from access.accounts import Account, NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.guard import NO_TERMS, NOTHING, Barred, Facts, Ruling, judge
from access.message import AccessRequest, present_fields
from access.methods import Direction, Method
from access.policy import AccountProof, IsMeant, MissingAccount, Policy, Rule
from access.timing import against_time_of_grant

#: Whether a system's API can do this at all.
Automates = Callable[[ResourceKind, Direction], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a plan, with the reason for its method."""

    direction: Direction
    entitlement: Entitlement
    via: Method
    why: str
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The operations in order; ``account`` is None when the first operation makes the account.

    ``facts`` are those of which the guard was asked, where there is an account.
    """

    steps: tuple[Step, ...]
    account: Account | None
    facts: Facts | None = None


@dataclass(frozen=True, slots=True)
class Undecided:
    """Whose access the request takes away is not proven; ``reason`` names who it may be. A person decides.

    ``candidates`` are the ids of those accounts.
    """

    reason: str
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request is refused; ``reason`` says why in one sentence for the person who asked.

    ``may_pass``: the person has no account yet, so that a request that begins later may be allowed then.
    """

    reason: str
    may_pass: bool = False


def make_plan(
    request: AccessRequest,
    *,
    account: Account | NoMatch,
    entitlement: Entitlement | NoMatch,
    policy: Policy,
    automates: Automates,
    now: datetime,
    source: str,
    is_meant: IsMeant = lambda _: True,
    facts: Facts = NOTHING,
) -> Plan | Refusal | Undecided:
    """The plan for a request, or its refusal.

    ``source`` is who handed the request in, ``automates`` says what the system's API can do at all, ``is_meant`` whether the
    entitlement, as a rule spells it, is found to be this one, ``facts`` what speaks against changes of the account.
    """
    if isinstance(entitlement, NoMatch):
        return Refusal(entitlement.sentence())
    direction = request.action.direction
    rule = rule_for(policy, entitlement.ref, entitlement.named, direction=direction, is_meant=is_meant, source=source)
    if isinstance(rule, Refusal):
        return rule
    policy = policy.of(source)
    if refusal := against_policy(request, rule, direction, entitlement):
        return refusal
    against = against_time_of_grant(
        request, most=rule.max_duration, now=now, named=str(entitlement.named), pattern=rule.pattern
    )
    if direction is Direction.GIVE and against is not None:
        return Refusal(against)
    if isinstance(account, NoMatch):
        planned = _without_account(
            request, missing=account, entitlement=entitlement, rule=rule, policy=policy, automates=automates
        )
        if isinstance(planned, Refusal) and not account.contradiction:
            return replace(planned, may_pass=True)
        return planned
    if unproven := _unproven(request, account, entitlement, rule, policy):
        return unproven
    who = f"{account.title} ({account.id})"
    facts = replace(facts, who=who, suspended=account.suspended, by_person=entitlement.by_person)
    ruling = judge(direction, facts, policy.terms(entitlement.ref, entitlement.named))
    if isinstance(ruling, Barred):
        return Refusal(ruling.why)
    return Plan(
        (_step(direction, entitlement, rule, automates, products=request.products or rule.products, ruling=ruling),),
        account,
        facts,
    )


def _unproven(
    request: AccessRequest, account: Account, entitlement: Entitlement, rule: Rule, policy: Policy
) -> Refusal | Undecided | None:
    """What follows where it is not proven, as far as it has to be, that the account is the person's."""
    direction = request.action.direction
    if direction is Direction.TAKE and not account.email_proven:
        return Undecided(
            f"{account.title} ({account.id}) was found by an address that the system hides, which is no proof for taking "
            f"access away. {A_PERSON_DECIDES}",
            (account.id,),
        )
    if direction is Direction.GIVE and not account.email_proven and policy.wants_proof(rule, entitlement):
        return Refusal(
            f"{account.title} ({account.id}) was found by an address that the system hides, and policy rule '{rule.pattern}' "
            f"gives {entitlement.named} to proven accounts only. Send the request again with the account's id."
        )
    if account.may_be_longer and rule.proof is not AccountProof.OPTIONAL:
        return Refusal(
            f"The address {request.subject.email} is not proven to be anybody's: {account.title} ({account.id}) hides an address "
            f"that begins so, and may be longer. Send the request again with the account's id, or set 'proof: optional' in "
            f"policy rule '{rule.pattern}'."
        )
    return None


def rule_for(
    policy: Policy,
    ref: EntitlementRef,
    named: EntitlementRef,
    *,
    direction: Direction,
    is_meant: IsMeant,
    source: str,
) -> Rule | Refusal:
    """The rule that decides about a request from ``source``, or why there is none."""
    rule = policy.of(source).rule_for(ref, named, direction=direction, is_meant=is_meant)
    if rule is not None:
        return rule
    if policy.rule_for(ref, named, direction=direction, is_meant=is_meant) is not None:
        return Refusal(
            f"Policy lets others ask for {named}, and not '{source}', from where the request came. "
            "Add the source to the rule's sources, or send the request from one of those."
        )
    return Refusal(f"No policy rule matches {named}. Add a rule for it to the policy file.")


A_PERSON_DECIDES = (
    "A person decides with 'provisor requests settle'; it goes on by itself when an account shows the address."
)


def against_policy(
    request: AccessRequest, rule: Rule, direction: Direction, entitlement: Entitlement
) -> Refusal | None:
    """Why the rule does not let the request be fulfilled, whatever its times are."""
    if rule.method(direction) is Method.DENY:
        verb = "give" if direction is Direction.GIVE else "take away"
        return Refusal(f"Policy rule '{rule.pattern}' does not allow to {verb} {entitlement.named}.")
    if refusal := _lacks_required(request, rule):
        return refusal
    if entitlement.ref.kind is ResourceKind.ACCOUNT and (refusal := _wants_other_products(request, rule)):
        return refusal
    return None


def _lacks_required(request: AccessRequest, rule: Rule) -> Refusal | None:
    missing = sorted(set(rule.facts_for(request.action.direction)) - present_fields(request))
    if not missing:
        return None
    return Refusal(f"Policy rule '{rule.pattern}' requires {', '.join(missing)}. Send the request again with it.")


def _wants_other_products(request: AccessRequest, rule: Rule) -> Refusal | None:
    """Products cost licences: where a rule names some, a request may not ask for others."""
    others = sorted(set(request.products) - set(rule.products))
    if not others or not rule.products:
        return None
    return Refusal(
        f"Policy rule '{rule.pattern}' gives new accounts {', '.join(rule.products)}, and not {', '.join(others)}. "
        "Send the request again without it."
    )


def _without_account(
    request: AccessRequest,
    *,
    missing: NoMatch,
    entitlement: Entitlement,
    rule: Rule,
    policy: Policy,
    automates: Automates,
) -> Plan | Refusal | Undecided:
    """The plan for a person who has no account in the system: make the account first, as policy says, or refuse."""
    wants_account = entitlement.ref.kind is ResourceKind.ACCOUNT
    if missing.contradiction:
        return Refusal(missing.sentence())
    if request.action.direction is Direction.TAKE:
        return Undecided(f"{missing.sentence()} {A_PERSON_DECIDES}", missing.ids)
    if missing.several or missing.unproven or request.subject.id:
        return Refusal(missing.sentence())
    if not wants_account and rule.missing_account is MissingAccount.REFUSE:
        return Refusal(f"{missing.sentence()} Policy rule '{rule.pattern}' does not allow to make the account.")
    if not request.subject.email:
        return Refusal(f"{missing.sentence()} To have the account made, name the person by email.")
    if wants_account:
        step = _step(Direction.GIVE, entitlement, rule, automates, products=request.products or rule.products)
        return Plan((step,), None)
    account_entitlement = account_of(entitlement.ref.system)
    account_rule = policy.rule_for(account_entitlement.ref, direction=Direction.GIVE)
    if account_rule is None or account_rule.give is Method.DENY:
        return Refusal(f"{missing.sentence()} Policy does not allow to make accounts in {entitlement.ref.system}.")
    if refusal := _lacks_required(request, account_rule) or _wants_other_products(request, account_rule):
        return refusal
    products = request.products or rule.products or account_rule.products
    first = _step(Direction.GIVE, account_entitlement, account_rule, automates, products=products)
    if rule.missing_account is MissingAccount.TICKET:
        first = Step(
            Direction.GIVE, account_entitlement, Method.TICKET, "policy has a person make the account", products
        )
    ruling = judge(Direction.GIVE, Facts(by_person=entitlement.by_person), NO_TERMS)
    return Plan((first, _step(Direction.GIVE, entitlement, rule, automates, ruling=ruling)), None)


def account_of(system: System) -> Entitlement:
    """The entitlement of having an account in ``system`` at all."""
    ref = EntitlementRef(system=system, kind=ResourceKind.ACCOUNT, path=())
    return Entitlement(ref=ref, named=ref, title=f"an account in {system.label}")


def _step(
    direction: Direction,
    entitlement: Entitlement,
    rule: Rule,
    automates: Automates,
    *,
    products: tuple[str, ...] = (),
    ruling: Ruling = None,
) -> Step:
    via, why = _method_for(direction, entitlement, rule, automates, ruling)
    if entitlement.ref.kind is not ResourceKind.ACCOUNT or direction is Direction.TAKE:
        products = ()
    return Step(direction, entitlement, via, why, products)


def _method_for(
    direction: Direction, entitlement: Entitlement, rule: Rule, automates: Automates, ruling: Ruling
) -> tuple[Method, str]:
    if rule.method(direction) is Method.TICKET:
        return Method.TICKET, f"policy rule '{rule.pattern}' has a person do it"
    if ruling is not None:
        return Method.TICKET, ruling.why
    if not automates(entitlement.ref.kind, direction):
        verb = "given" if direction is Direction.GIVE else "taken away"
        return (
            Method.TICKET,
            f"{entitlement.title} cannot be {verb} through the {entitlement.ref.system.label} API",
        )
    return Method.CONNECTOR, f"policy rule '{rule.pattern}' and the API allow it"
