"""Entitlements: one kind of access on one resource, and how they are written down.

The written form is ``system:kind:part[:part]:right``, for example ``jumpcloud:group:Engineering:member``,
``jira:project-role:PAY:Administrators:assigned`` or ``jira:account:exists``. A part that holds a colon or a percent
sign is percent-encoded, so that any name survives the round trip.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Self
from urllib.parse import unquote

from access.text import shortened


class ResourceKind(StrEnum):
    """A kind of resource. A request can be about each of them but a project, whose roles it names."""

    #: A user group.
    GROUP = "group"
    #: A Jira project.
    PROJECT = "project"
    #: A role within one Jira project: its path is project, role.
    PROJECT_ROLE = "project-role"
    #: The account itself: its path is empty.
    ACCOUNT = "account"
    #: An application bound to users or groups.
    APPLICATION = "application"
    #: An administrator's role.
    ADMIN_ROLE = "admin-role"


#: The one right of each kind of resource that access is to, and how many path parts name the resource.
RIGHTS: dict[ResourceKind, tuple[str, int]] = {
    ResourceKind.GROUP: ("member", 1),
    ResourceKind.PROJECT_ROLE: ("assigned", 2),
    ResourceKind.ACCOUNT: ("exists", 0),
    ResourceKind.APPLICATION: ("assigned", 1),
    ResourceKind.ADMIN_ROLE: ("assigned", 1),
}


class System(StrEnum):
    """A system in which access exists."""

    # A member is its word in entitlements and settings, its name for people, and the kinds of its resources. The rest of
    # what Provisor has for a system is in the table of systems (worker/systems).

    #: JumpCloud's directory.
    JUMPCLOUD = (
        "jumpcloud",
        "JumpCloud",
        (ResourceKind.GROUP, ResourceKind.ACCOUNT, ResourceKind.APPLICATION, ResourceKind.ADMIN_ROLE),
    )
    #: One Jira Cloud site.
    JIRA = "jira", "Jira", (ResourceKind.GROUP, ResourceKind.PROJECT_ROLE, ResourceKind.ACCOUNT)

    #: The name for people.
    label: str
    #: The kinds of resource that the system has.
    kinds: frozenset[ResourceKind]

    def __new__(cls, word: str, label: str = "", kinds: Iterable[ResourceKind] = ()) -> Self:
        """Make the member of this word. A look-up by the word, ``System("jira")``, does not come here."""
        system = str.__new__(cls, word)
        system._value_ = word
        system.label = label
        system.kinds = frozenset(kinds)
        return system


@dataclass(frozen=True, slots=True)
class EntitlementRef:
    """An entitlement by name: with ids after it was found in its system, with ids or names in a request."""

    system: System
    kind: ResourceKind
    path: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in self.system.kinds:
            known = ", ".join(kind for kind in ResourceKind if kind in self.system.kinds)
            raise ValueError(f"{self.system} has no resources of the kind {self.kind}. Use one of: {known}.")
        _, parts = RIGHTS[self.kind]
        if len(self.path) != parts or not all(self.path):
            raise ValueError(
                f"A {self.system}:{self.kind} entitlement names {parts} part(s), not {len(self.path)}. "
                f"Write it as {written_form(self.system, self.kind)}."
            )

    @property
    def right(self) -> str:
        """What may be done: ``member``, ``assigned`` or ``exists``."""
        return RIGHTS[self.kind][0]

    def __str__(self) -> str:
        return ":".join((self.system, self.kind, *(_escaped(part) for part in self.path), self.right))

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> EntitlementRef:
        """Read the written form; cached, since the same few stand in many rows and messages.

        Raises ``ValueError`` with one sentence that says what is wrong and shows the right form.
        """
        parts = text.split(":")
        try:
            system = System(parts[0])
        except ValueError:
            known = ", ".join(System)
            raise ValueError(f"'{shortened(parts[0])}' is not a system Provisor knows. Use one of: {known}.") from None
        kind = next((kind for kind in RIGHTS if parts[1:2] == [kind]), None)
        if kind is None:
            known = ", ".join(RIGHTS)
            raise ValueError(f"'{shortened(text)}' names no kind of resource. Use one of: {known}.")
        right, count = RIGHTS[kind]
        if len(parts) != count + 3 or parts[-1] != right or not all(parts[2:-1]):
            raise ValueError(f"'{shortened(text)}' is not an entitlement. Write it as {written_form(system, kind)}.")
        try:
            path = tuple(unquote(part, errors="strict") for part in parts[2:-1])
        except UnicodeDecodeError:
            raise ValueError(
                f"'{shortened(text)}' has a percent sign that starts no UTF-8. Write a percent sign as %25."
            ) from None
        if any("\0" in part for part in path):
            raise ValueError(f"'{shortened(text)}' has a NUL in a name. Take %00 out.")
        return cls(system=system, kind=kind, path=path)


def _escaped(part: str) -> str:
    """Encode only what would be misread: patterns in policies are written against the names that people see."""
    return part.replace("%", "%25").replace(":", "%3A")


_PART_NAMES: dict[ResourceKind, tuple[str, ...]] = {
    ResourceKind.GROUP: ("<group>",),
    ResourceKind.PROJECT_ROLE: ("<project>", "<role>"),
    ResourceKind.ACCOUNT: (),
    ResourceKind.APPLICATION: ("<application>",),
    ResourceKind.ADMIN_ROLE: ("<role>",),
}


def written_form(system: System, kind: ResourceKind) -> str:
    """The written form of such an entitlement, with placeholders, for error messages and help."""
    return ":".join((system, kind, *_PART_NAMES[kind], RIGHTS[kind][0]))


@dataclass(frozen=True, slots=True)
class Way:
    """A group whose members have an application: its id, and its name as far as that was read."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Entitlement:
    """An entitlement as a connector found it in its system.

    ``ref`` is by ids, ``named`` the same by names (policies match either). ``by_person`` says in a clause why only a
    person can change it ("its members follow a rule (dynamic group)"), and is None when the API can. ``ways`` are
    the groups through which an application is given.
    """

    ref: EntitlementRef
    named: EntitlementRef
    title: str
    url: str | None = None
    by_person: str | None = None
    ways: tuple[Way, ...] = ()
