"""Whether what a closed ticket says of somebody's access is true. Pure.

A ticket says *given* or *taken*. Whether the access is so now is read from the system. Whether it was so when the ticket was
closed is told by the system's log alone, by going back from now through its entries; a log proves that something did not
happen only for the time that it reaches back to, and only for kinds of change that it is known to keep
([decision 30](../docs/adr/0030-a-ticket-is-untrue-only-by-proof.md)).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from access.entitlements import ResourceKind
from access.methods import Direction

#: How far the clocks of a system and of the ticketing system may be apart, and how late a log may be [assumed].
SKEW = timedelta(minutes=5)
#: A ticket that was closed so short a time ago may be ahead of the lists and of the log [observed: logs].
SETTLING = timedelta(minutes=15)


class Verdict(StrEnum):
    """What is said of a ticket. The first one that applies to any of its accesses is the ticket's."""

    # A member is its word in files, and its words for people.

    #: It is not as the ticket says, and was not at any time since the ticket was closed.
    NOT_TRUE = "not_true", "not true"
    #: It was as the ticket says, and is so no longer, although nobody agreed to that.
    NO_LONGER = "no_longer_true", "was true and is no longer"
    #: Neither can be proven.
    UNSAID = "cannot_be_said", "cannot be said"
    #: It was as the ticket says until the time, or the other ticket, that was agreed.
    ENDED = "ended_as_agreed", "was true and ended as agreed"
    #: It is as the ticket says.
    TRUE = "true", "true"

    #: The words for people.
    label: str

    def __new__(cls, word: str, label: str = "") -> Self:
        """Make the member of this word."""
        verdict = str.__new__(cls, word)
        verdict._value_ = word
        verdict.label = label
        return verdict


class Reason(StrEnum):
    """Why a verdict is what it is."""

    AS_SAID = "as_said"
    AGREED_END = "agreed_end"
    OTHER_TICKET = "other_ticket"
    CHANGED_SINCE = "changed_since"
    SUSPENDED_SINCE = "suspended_since"
    NEVER_DONE = "never_done"
    OTHER_PERSON = "other_person"
    OTHER_RESOURCE = "other_resource"
    ACCOUNT_SUSPENDED = "account_suspended"
    UNDONE_BEFORE = "undone_before"
    OUTLIVED = "outlived"
    #: The reasons why something cannot be said.
    TICKET_UNREADABLE = "ticket_unreadable"
    PERSON_UNKNOWN = "person_unknown"
    PERSON_AMBIGUOUS = "person_ambiguous"
    ADDRESS_HIDDEN = "address_hidden"
    RESOURCE_UNKNOWN = "resource_unknown"
    RESOURCE_AMBIGUOUS = "resource_ambiguous"
    RESOURCE_RENAMED = "resource_renamed"
    SYSTEM_UNREADABLE = "system_unreadable"
    LOG_UNREADABLE = "log_unreadable"
    BEFORE_THE_LOG = "before_the_log"
    LOG_CONTRADICTS = "log_contradicts"
    TOO_CLOSE = "too_close"
    TOO_FRESH = "too_fresh"


@dataclass(frozen=True, slots=True)
class Access:
    """One account's hold on one resource of a system, by ids."""

    account: str
    kind: ResourceKind
    resource: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a closed ticket says: that an account was given access, or had it taken away.

    ``closed`` is when the ticket was last closed as done, at the latest; ``closed_from`` at the earliest, where only the day is
    known. ``end`` is when the access was to be over, and ``end_from`` the first
    moment at which ending it is as agreed: for a day its beginning.
    """

    ticket: str
    action: Direction
    access: Access
    closed: datetime
    created: datetime | None = None
    closed_from: datetime | None = None
    end: datetime | None = None
    end_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """How an access stands in the system.

    ``ways`` are the groups through which the resource gives access to their members, whoever they are, each with whether the
    account is in it; ``direct`` is the account's own hold. ``usable`` is False for an account that somebody shut.
    ``unlogged`` says why the log cannot tell of this access at all (its members follow a rule, …), None when it can.
    """

    read_at: datetime
    direct: bool
    ways: Mapping[str, bool] = field(default_factory=dict)
    usable: bool = True
    unlogged: str | None = None

    @property
    def present(self) -> bool:
        """Whether the account holds the access in any way."""
        return self.direct or any(self.ways.values())


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of a log: from ``at`` on a principal held a resource, or held it no more.

    For ``ResourceKind.ACCOUNT`` the principal is an account, and ``present`` whether it could be used. ``by`` names the actor.
    ``of_group`` says that the principal is a group. ``record`` is the entry's id in the log, and ``cause`` a clause on what of
    the system's own made the change, None for somebody's own change.
    """

    at: datetime
    kind: ResourceKind
    resource: str
    principal: str
    present: bool
    by: str | None = None
    of_group: bool = False
    record: str = ""
    cause: str | None = None


class Log:
    """What the log of a system tells: ``changes``, of which those of one moment stand newest first.

    ``reaches`` is since when it has every change of a kind, ``gaps`` why it has not. ``named`` says of resources that were made
    or renamed since when they have the name that they have now.
    """

    def __init__(
        self,
        changes: Iterable[Change] = (),
        *,
        reaches: Mapping[ResourceKind, datetime] | None = None,
        gaps: Mapping[ResourceKind, str] | None = None,
        named: Mapping[tuple[ResourceKind, str], datetime] | None = None,
    ) -> None:
        self.changes = tuple(sorted(changes, key=lambda change: change.at, reverse=True))
        self._reaches = dict(reaches or {})
        self._gaps = dict(gaps or {})
        self._named = dict(named or {})
        self._of: dict[tuple[ResourceKind, str, str], list[Change]] = defaultdict(list)
        for change in self.changes:
            self._of[change.kind, change.resource, change.principal].append(change)

    def of(self, kind: ResourceKind, resource: str, principal: str) -> Sequence[Change]:
        """The changes of one hold, newest first."""
        return self._of.get((kind, resource, principal), ())

    def with_actors(self, title: Callable[[str], str]) -> Log:
        """The same log with the actors as ``title`` calls them."""
        changes = [replace(each, by=title(each.by)) if each.by else each for each in self.changes]
        return Log(changes, reaches=self._reaches, gaps=self._gaps, named=self._named)

    def named_since(self, kind: ResourceKind, resource: str) -> datetime | None:
        """Since when a resource has its name; None where the log tells of no other."""
        return self._named.get((kind, resource))

    def gap(self, kind: ResourceKind, since: datetime) -> tuple[Reason, str] | None:
        """Why the log does not have every change of a kind since a time; None when it has."""
        if kind in self._gaps:
            return Reason.LOG_UNREADABLE, self._gaps[kind]
        reaches = self._reaches.get(kind)
        if reaches is None:
            return Reason.LOG_UNREADABLE, "the log shows no change of this kind at all, so it may not keep them"
        if reaches > since:
            return Reason.BEFORE_THE_LOG, f"the log reaches back to {reaches:%Y-%m-%d %H:%M} UTC only"
        return None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of a statement: ``because`` is one sentence, ``as_said`` whether it is so now, None where unknown.

    ``since`` and ``by`` say when it ceased to be so, and who did that, where the log says so.
    """

    verdict: Verdict
    reason: Reason
    because: str
    as_said: bool | None = None
    since: datetime | None = None
    by: str | None = None


def unsaid(reason: Reason, because: str, *, as_said: bool | None = None) -> Judgement:
    """That it cannot be said."""
    return Judgement(Verdict.UNSAID, reason, because, as_said)
