"""The facts for the guard, read from a system now, and the guard that stands in each connector's own give and take."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from access.accounts import Account, Subject
from access.entitlements import Entitlement, ResourceKind
from access.guard import OWN_ACCOUNT, PROTECTED_ACCOUNT, Facts, Guarded, judge
from access.methods import Direction
from connectors.ports import Connector, Target

#: How old the name of a thing, and what only a person changes, may be when a change is decided on the first time.
FACTS_AT_MOST_OLD = timedelta(seconds=60)


def read_facts(
    connector: Connector, target: Target, direction: Direction, *, thing: Entitlement | None = None
) -> Facts:
    """What speaks against a change today. Of what is missing nothing is told: the write says why it cannot be made.

    ``thing`` is the entitlement as it was found just now.
    """
    terms = target.terms
    account = None
    # The profile is only read where it decides.
    if target.account_id is not None and (
        direction is Direction.GIVE or any("@" in x for x in terms.protected_accounts)
    ):
        found = connector.find_account(Subject(id=target.account_id))
        account = found if isinstance(found, Account) else None
    facts = account_facts(connector, target, account, direction)
    if target.entitlement.kind is ResourceKind.ACCOUNT:
        return facts
    by_person = thing.by_person if thing else connector.why_by_person(target.entitlement)
    return replace(facts, by_person=by_person)


def account_facts(connector: Connector, target: Target, account: Account | None, direction: Direction) -> Facts:
    """The facts of a change that depend on the account: ``account`` as it was found, None where it is not known."""
    account_id, terms = target.account_id, target.terms
    if account_id is None:
        return Facts()
    email = (account.email if account else None) or target.email
    is_own = connector.is_own(account_id)
    return Facts(
        who=f"{account.title} ({account_id})" if account else f"{account_id}",
        account=OWN_ACCOUNT if is_own else PROTECTED_ACCOUNT if terms.protect(account_id, email) else None,
        is_last=_is_last(connector, target, direction),
        suspended=account is not None and account.suspended,
    )


def require_allowed(connector: Connector, target: Target, direction: Direction) -> None:
    """Refuse what the guard bars or leaves to a person, whatever the plan said. Raises ``Guarded``.

    Whether the account is the last administrator is read anew for each removal: another may just have left.
    """
    if target.facts is None:
        facts = read_facts(connector, target, direction)
    else:
        facts = replace(target.facts, is_last=_is_last(connector, target, direction))
    ruling = judge(direction, facts, target.terms)
    if ruling is not None:
        raise Guarded(ruling)


def _is_last(connector: Connector, target: Target, direction: Direction) -> bool:
    if direction is Direction.GIVE or not target.terms.keeps_last or target.account_id is None:
        return False
    return connector.is_last_holder(target.entitlement, target.account_id, leaving=target.leaving)
