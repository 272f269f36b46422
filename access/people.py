"""Persons: accounts that belong together across systems, joined by proof only. Pure.

A person is a user of the directory (JumpCloud) with the accounts that are proven to be theirs. Nothing is guessed and nothing
is scored: what may belong together and is not proven is *disputed*, until a person decides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from access import email_address
from access.entitlements import System


class Proof(StrEnum):
    """What joins an account to a person."""

    #: Both show one address, on a domain that is verified to be ours.
    SHOWN = "shown"
    #: The same, and the Atlassian organization manages the account: it has verified the domain itself.
    MANAGED = "managed"
    #: JumpCloud itself links the user and the administrator.
    LINKED = "linked"
    #: We made the account for the address that the user had then.
    MADE = "made"
    #: A person decided it.
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class AccountRef:
    """One account, by its system's own id."""

    system: System
    id: str

    def __str__(self) -> str:
        return f"{self.system}:{self.id}"


@dataclass(frozen=True, slots=True)
class Addressed:
    """An account with an address, as a complete snapshot has it.

    - ``is_user``: a user of the directory, who can be a person.
    - ``shown``: the system shows the address; else only our own record has it.
    - ``managed``: the organization manages the account.
    - ``made_for``: the user for whose address we made the account, where that is all that is known of it.
    """

    account: AccountRef
    address: str
    is_user: bool = False
    shown: bool = True
    managed: bool = False
    made_for: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """An account that proof joins to a person, as one look shows it. ``person`` is the id of the user."""

    person: str
    account: AccountRef
    proof: Proof
    address: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """An account that may be a person's; ``why`` says in a sentence what keeps it from being proven."""

    person: str
    account: AccountRef
    why: str


def match_address(holders: Sequence[Addressed], *, domains: Collection[str]) -> Match | tuple[Dispute, ...] | None:
    """What it proves that ``holders`` have one address, each in its snapshot; None where it says nothing.

    ``domains`` are verified to be ours: nobody else can have an address there.
    """
    users = [each for each in holders if each.is_user]
    others = [each for each in holders if not each.is_user]
    if not users or not others:
        return None
    why = _why_unproven(users, others, domains)
    if why is not None:
        return tuple(Dispute(user.account.id, other.account, why) for user in users for other in others)
    (user,), (other,) = users, others
    proof = Proof.MADE if not other.shown else Proof.MANAGED if other.managed else Proof.SHOWN
    return Match(user.account.id, other.account, proof, other.address)


def _why_unproven(users: Sequence[Addressed], others: Sequence[Addressed], domains: Collection[str]) -> str | None:
    address = users[0].address
    if len(users) > 1:
        return f"{len(users)} JumpCloud users have the address {address}."
    if len(others) > 1:
        return f"{len(others)} accounts have the address {address}: {', '.join(str(each.account) for each in others)}."
    (other,) = others
    if other.account.system is System.JUMPCLOUD:
        return f"JumpCloud links the administrator and the user to nobody; both have the address {address}."
    if not other.shown and other.made_for == users[0].account.id:
        return None
    if not other.shown:
        return f"The account does not show its address; only our own record says that it is {address}."
    if not other.managed and not is_verified(address, domains):
        return f"Both show {address}, whose domain is not among the verified ones (people.domains)."
    return None


def is_verified(address: str, domains: Collection[str]) -> bool:
    """Whether the address is on one of these domains, and not merely on one below it."""
    domain = email_address.normalized(address).rpartition("@")[2]
    return domain in {email_address.normalized(f"x@{each}").rpartition("@")[2] for each in domains}


@dataclass(frozen=True, slots=True)
class Link:
    """What is stored of an account and a person. ``joined`` is False while the proof was seen in one look only.

    ``seen_until`` is the end of the look that showed it first: a later look at both sides confirms it.
    """

    person: str
    account: AccountRef
    proof: Proof
    address: str | None
    joined: bool
    seen_until: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """The moments of the snapshots that a match was read from: when the older began, and when the newer was complete."""

    began_at: datetime
    completed_at: datetime


class Verdict(StrEnum):
    """What follows from a match."""

    #: Remember that it was seen; a later look confirms it.
    SEEN = "seen"
    #: The account is the person's from now on.
    JOINED = "joined"
    #: Nothing new.
    KEEP = "keep"


def judge_match(
    match: Match, look: Look, *, of_account: Link | None, of_person: Sequence[Link], split: bool
) -> Verdict | Dispute:
    """What follows from ``match``, given what is stored of its account and of the accounts joined to its person.

    The two sides are read at different moments, and an address may change hands between them. So a match counts when a look
    that began after the first had ended shows it again: then both had the address at one moment. A join stays: the account is
    the same human's, whatever address it has later. What speaks against a join is disputed.
    """
    if split:
        return Verdict.KEEP
    if of_account is not None and of_account.joined:
        if of_account.person == match.person:
            return Verdict.KEEP
        return Dispute(
            match.person, match.account, f"It has the address of this person, and is joined to {of_account.person}."
        )
    rival = next((link for link in of_person if _are_rivals(link, match)), None)
    if rival is not None:
        return Dispute(match.person, match.account, f"Another account is joined to this person: {rival.account}.")
    if match.proof is Proof.LINKED:
        return Verdict.JOINED
    same = of_account is not None and (of_account.person, of_account.address) == (match.person, match.address)
    if same and of_account is not None and look.began_at > of_account.seen_until:
        return Verdict.JOINED
    return Verdict.KEEP if same else Verdict.SEEN


def _are_rivals(link: Link, match: Match) -> bool:
    """Whether one human would have two accounts of a kind; only a person can say that they do."""
    return link.account.system is match.account.system and link.account != match.account
