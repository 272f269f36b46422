"""The guard: what forbids a change of access, or leaves the change to a person. Pure.

Every road asks the guard with the facts of its day: the plan of a request, each later write by API, each ticket, and the
connector itself before it gives or takes. For taking access away the guard only ever chooses another way.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from access import email_address
from access.failures import Permanent
from access.methods import Direction


@dataclass(frozen=True, slots=True)
class Terms:
    """What policy says of a change.

    - ``suspended_too``: give it to suspended accounts, too.
    - ``keeps_last``: leave it to a person to take it from the last account that holds it.
    - ``protected_accounts``: ids and addresses of the accounts that only a person changes.
    """

    suspended_too: bool = False
    keeps_last: bool = False
    protected_accounts: Collection[str] = ()

    def protect(self, account_id: str | None, email: str | None) -> bool:
        """Whether this account is one of the protected."""
        return any(
            each == account_id or (email is not None and "@" in each and email_address.same(each, email))
            for each in self.protected_accounts
        )


#: What holds where policy says nothing.
NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Facts:
    """What speaks against a change today.

    - ``who``: the account, for people.
    - ``by_person``: a clause on why only a person can change the thing: protected, filled by a provider or by a rule.
    - ``account``: a clause on why only a person changes this account.
    - ``is_last``: no other usable account holds the access.
    - ``suspended``: somebody shut the account.
    - ``deprovisioned_by``: the request that deprovisions the account, and is not over.
    """

    who: str = "the account"
    by_person: str | None = None
    account: str | None = None
    is_last: bool = False
    suspended: bool = False
    deprovisioned_by: str | None = None


#: Nothing speaks against the change.
NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class ByPerson:
    """Only a person makes the change; ``why`` is a clause, ``warnings`` are sentences for whoever makes it."""

    why: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Barred:
    """Nothing is given; ``why`` is a sentence."""

    why: str


Ruling = ByPerson | Barred | None

#: Why only a person changes the account that Provisor itself uses.
OWN_ACCOUNT = "it changes Provisor's own account"
PROTECTED_ACCOUNT = "policy protects the account"
#: Why only a person changes a group that is filled elsewhere.
FILLED = "its members come from an identity provider"


class Guarded(Permanent):
    """A connector refuses a change because of what the guard ruled."""

    remedy_of_barred: ClassVar[str] = "Ask again when that is over."

    def __init__(self, ruling: ByPerson | Barred) -> None:
        by_person = isinstance(ruling, ByPerson)
        what = f"Provisor does not make the change: {ruling.why}." if by_person else ruling.why
        super().__init__(what, remedy="A person must do it." if by_person else self.remedy_of_barred)
        self.ruling = ruling


def judge(direction: Direction, facts: Facts, terms: Terms) -> Ruling:
    """What the guard says of a change; None lets it pass."""
    if direction is Direction.GIVE:
        if facts.deprovisioned_by is not None:
            return Barred(f"Request {facts.deprovisioned_by} deprovisions {facts.who}, so that nothing is given to it.")
        if facts.suspended and not terms.suspended_too:
            return Barred(f"{facts.who} is suspended, and policy gives suspended accounts nothing.")
    reasons = [why for why in (facts.by_person, facts.account) if why]
    warnings = []
    if facts.account == OWN_ACCOUNT:
        warnings.append(f"{facts.who} is the account that Provisor itself uses: it may stop working after this change.")
    elif facts.account:
        warnings.append(f"{facts.who} is a protected account: ask its owner before this change.")
    if direction is Direction.TAKE and facts.is_last:
        reasons.append("it takes the last administrator away")
        warnings.append(
            f"{facts.who} is the last administrator here. Make somebody else one first: afterwards nobody can do it."
        )
    return ByPerson(", and ".join(reasons), tuple(warnings)) if reasons else None
