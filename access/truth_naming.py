"""Which account and which resource a ticket means, by the lists of a system. Pure.

The rules are those of decision 20: an id proves an account, and an address does while the system shows it on exactly one. A
name is a candidate; a username, or a full name that one account has alone, proves it only where the operator said so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from access import email_address
from access.accounts import Account
from access.entitlements import EntitlementRef, ResourceKind, System
from access.text import loose_name, named
from access.truth import Reason

_ADDRESS = re.compile(r"[^\s<>()\[\]{},;:\"'|]+@[^\s<>()\[\]{},;:\"'|@]+\.[^\s<>()\[\]{},;:\"'|@.]+")
_MOST_CANDIDATES = 5
#: Among more names similar ones are not looked for: each look takes as long as there are names.
_MOST_COMPARED = 2000
_PARTS_OF_A_ROLE = re.compile(r"\s*[:/|]\s*|\s+-\s+")


class NameProof(StrEnum):
    """Which words prove who is meant, besides ids and addresses, by the operator's word."""

    #: None: words name candidates.
    NONE = "candidates"
    #: A username.
    USERNAME = "usernames"
    #: A full name that one account of the system has alone.
    UNIQUE = "unique"


@dataclass(frozen=True, slots=True)
class SaidPerson:
    """Whom a ticket names: in words, or by the Jira account that a field of people holds, with its address if Jira shows it."""

    text: str
    jira_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why what a ticket names is not one account or resource: one sentence, with the candidates."""

    reason: Reason
    because: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource of a system, as lists have it. ``scope`` is how people call the project of a role: its key, and its name."""

    kind: ResourceKind
    id: str
    name: str
    scope: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.scope[0]}:{self.name}" if self.scope else self.name


def addresses_in(text: str) -> list[str]:
    """The addresses in a text, each once."""
    found = (match.rstrip(".") for match in _ADDRESS.findall(text))
    return list(dict.fromkeys(address.removeprefix("mailto:") for address in found))


class Accounts:
    """The accounts of one system. ``hidden`` are those that show no address."""

    def __init__(self, system: System, accounts: Iterable[Account]) -> None:
        self.system = system
        self._by_id = {account.id: account for account in accounts}
        self._by_address: dict[str, list[Account]] = defaultdict(list)
        self._by_name: dict[str, list[Account]] = defaultdict(list)
        self.hidden: list[Account] = []
        for account in self._by_id.values():
            self._by_name[loose_name(account.title)].append(account)
            if account.email:
                self._by_address[email_address.normalized(account.email)].append(account)
            else:
                self.hidden.append(account)

    def get(self, account_id: str) -> Account | None:
        """The account of an id."""
        return self._by_id.get(account_id)

    def meant(self, said: SaidPerson, names: NameProof = NameProof.NONE) -> Account | Unclear:
        """The one account that a ticket means."""
        if said.jira_id is not None and self.system is System.JIRA:
            found = self._by_id.get(said.jira_id)
            return found or Unclear(
                Reason.PERSON_UNKNOWN, f"Jira lists no account {said.jira_id} ({said.text}) any more."
            )
        address = said.email or next(iter(addresses_in(said.text)), None)
        if address is not None:
            return self._of_address(address, said.text)
        if said.jira_id is not None:
            return self._candidates(
                said.text,
                Reason.ADDRESS_HIDDEN,
                f"Jira hides the address of {said.text}, which {self.system.label} needs",
            )
        return self._of_words(said.text.strip(), names)

    def gone(self, said: SaidPerson) -> str | None:
        """The id of an account that a field of people holds, so that it existed, and that this system lists no more."""
        return said.jira_id if self.system is System.JIRA and said.jira_id not in self._by_id else None

    def _of_address(self, address: str, text: str) -> Account | Unclear:
        found = self._by_address.get(email_address.normalized(address), [])
        if len(found) == 1:
            return found[0]
        label = self.system.label
        if found:
            return Unclear(Reason.PERSON_AMBIGUOUS, f"Several accounts of {label} have {address}: {_written(found)}.")
        if not self.hidden:
            return Unclear(
                Reason.PERSON_UNKNOWN,
                f"No account of {label} has the address {address} now: it may be deleted, or have another address.",
            )
        near = self._near(text.replace(address, "").strip() or address.partition("@")[0])
        return Unclear(
            Reason.ADDRESS_HIDDEN,
            f"No account of {label} shows the address {address}, and {len(self.hidden)} hide theirs{_perhaps(near)}.",
        )

    def _of_words(self, text: str, names: NameProof) -> Account | Unclear:
        if text in self._by_id:
            return self._by_id[text]
        by_username = named(
            text, (each for each in self._by_id.values() if each.username), lambda each: each.username or ""
        )
        by_name = self._by_name.get(loose_name(text), [])
        proven = {NameProof.USERNAME: by_username, NameProof.UNIQUE: by_name}.get(names, [])
        if len(proven) == 1:
            return proven[0]
        both = [*by_username, *(each for each in by_name if each not in by_username)]
        if len(both) > 1:
            return Unclear(
                Reason.PERSON_AMBIGUOUS, f"{text} may be several accounts of {self.system.label}: {_written(both)}."
            )
        if both:
            return Unclear(
                Reason.PERSON_AMBIGUOUS,
                f"A name proves nobody: {text} may be {_written(both)}. If your tickets name people by usernames, or by full "
                "names that are unique, set names to usernames or unique below person in the mapping.",
            )
        return self._candidates(text, Reason.PERSON_UNKNOWN, f"No account of {self.system.label} is called {text}")

    def _candidates(self, text: str, reason: Reason, because: str) -> Unclear:
        return Unclear(reason, f"{because}{_perhaps(self._near(text))}.")

    def _near(self, text: str) -> list[Account]:
        wanted = loose_name(text)
        words = set(wanted.replace(".", " ").split())
        exact = self._by_name.get(wanted, [])
        if exact:
            return exact[:_MOST_CANDIDATES]
        near = [found for name, found in self._by_name.items() if words and words <= set(name.split())]
        if not near and len(self._by_name) <= _MOST_COMPARED:
            near = [
                self._by_name[name]
                for name in get_close_matches(wanted, list(self._by_name), n=_MOST_CANDIDATES, cutoff=0.75)
            ]
        return [account for found in near for account in found][:_MOST_CANDIDATES]


class Things:
    """The resources of one system that access is to."""

    def __init__(self, system: System, things: Iterable[Thing]) -> None:
        self.system = system
        self._by_kind: dict[ResourceKind, list[Thing]] = defaultdict(list)
        for thing in things:
            self._by_kind[thing.kind].append(thing)

    def get(self, kind: ResourceKind, ident: str) -> Thing | None:
        """The resource of an id."""
        return next((thing for thing in self._by_kind[kind] if thing.id == ident), None)

    def called(self, kind: ResourceKind, text: str) -> list[Thing]:
        """The resources of a kind that have this id or name."""
        things = self._by_kind[kind]
        if kind is ResourceKind.PROJECT_ROLE:
            return self._roles(things, text)
        if by_id := [thing for thing in things if thing.id == text.strip()]:
            return by_id
        return named(text, things, lambda thing: thing.name)

    def of_path(self, ref: EntitlementRef) -> list[Thing]:
        """The resources that a written entitlement names, by ids or names."""
        if ref.kind is ResourceKind.PROJECT_ROLE:
            project, role = ref.path
            return self._role_of(self._by_kind[ref.kind], project, role)
        return self.called(ref.kind, ref.path[0]) if ref.path else []

    def near(self, kind: ResourceKind, text: str) -> list[Thing]:
        """Resources with a similar name."""
        titles = {loose_name(thing.title): thing for thing in self._by_kind[kind]}
        return [
            titles[name] for name in get_close_matches(loose_name(text), list(titles), n=_MOST_CANDIDATES, cutoff=0.6)
        ]

    def _roles(self, things: Sequence[Thing], text: str) -> list[Thing]:
        """The roles called ``PAY:Developers``, ``PAY / Developers``, ``Payments - Developers`` or ``PAY Developers``."""
        parts = _PARTS_OF_A_ROLE.split(text.strip(), maxsplit=1)
        splits = [parts] if len(parts) > 1 else [text.strip().split(maxsplit=1)]
        for project, role in (split for split in splits if len(split) > 1):
            if found := self._role_of(things, project, role):
                return found
        return []

    def _role_of(self, things: Sequence[Thing], project: str, role: str) -> list[Thing]:
        own = [thing for thing in things if thing.id.partition("/")[0] == project]
        own = own or [thing for thing in things if named(project, thing.scope, str)]
        return [thing for thing in own if thing.id.rpartition("/")[2] == role] or named(
            role, own, lambda thing: thing.name
        )


def written_entitlement(text: str, aliases: Mapping[str, str]) -> EntitlementRef | None:
    """The entitlement that a text is written as, or that the mapping calls so; None for a name."""
    written = next((ref for name, ref in aliases.items() if loose_name(name) == loose_name(text)), text.strip())
    try:
        return EntitlementRef.parse(written)
    except ValueError:
        return None


def the_thing(
    text: str, kinds: Sequence[tuple[System, ResourceKind]], aliases: Mapping[str, str], things: Mapping[System, Things]
) -> tuple[System, Thing] | Unclear:
    """The one resource that a ticket means by a text: an alias of the mapping, a written entitlement, a name of the ``kinds``."""
    ref = written_entitlement(text, aliases)
    found: list[tuple[System, Thing]] = []
    if ref is not None:
        kinds = [(ref.system, ref.kind)]
    if (account := next((system for system, kind in kinds if kind is ResourceKind.ACCOUNT), None)) is not None:
        return account, Thing(ResourceKind.ACCOUNT, "", "an account")
    if ref is not None:
        found = [(ref.system, thing) for thing in _of(things, ref.system).of_path(ref)]
    else:
        for system, kind in kinds:
            found += [(system, thing) for thing in _of(things, system).called(kind, text)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{system.label} {thing.kind} {thing.title} ({thing.id})" for system, thing in found)
        return Unclear(Reason.RESOURCE_AMBIGUOUS, f"{text} may be several things: {listed}.")
    near = [thing.title for system, kind in kinds for thing in _of(things, system).near(kind, text)]
    where = " or ".join(f"{kind} of {system.label}" for system, kind in kinds) or "thing"
    maybe = f" (near it: {', '.join(near[:_MOST_CANDIDATES])})" if near else ""
    return Unclear(
        Reason.RESOURCE_UNKNOWN,
        f"No {where} is called {text} now{maybe}: it may be renamed or deleted, or may not be shown to this credential.",
    )


def _of(things: Mapping[System, Things], system: System) -> Things:
    return things.get(system) or Things(system, ())


def _written(accounts: Sequence[Account]) -> str:
    shown = ", ".join(
        f"{each.title} <{each.email}>" if each.email else f"{each.title} ({each.id})"
        for each in accounts[:_MOST_CANDIDATES]
    )
    return shown if len(accounts) <= _MOST_CANDIDATES else f"{shown} and {len(accounts) - _MOST_CANDIDATES} more"


def _perhaps(accounts: Sequence[Account]) -> str:
    return f"; it may be {_written(accounts)}" if accounts else ""
