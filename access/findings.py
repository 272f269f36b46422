"""Findings: differences between what should be (claims) and what is (a complete snapshot), and what is done about them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from access.entitlements import EntitlementRef, System
from access.reactions import Reaction

#: The source of requests by which somebody adopts access that was found.
ADOPTION = "adopt"


class FindingKind(StrEnum):
    """How what is differs from what should be."""

    #: A claim is active, and the access is not there.
    MISSING = "missing"
    #: Access on a managed resource that neither a claim nor the baseline explains.
    UNEXPECTED = "unexpected"
    #: Such access that was taken away by us before.
    RETURNED = "returned"
    #: A Jira account whose person is gone or suspended in JumpCloud.
    ORPHAN = "orphan"
    #: A deprovisioned account still holds access.
    LEFTOVER = "leftover"
    #: A ticket said done, and the snapshot says no.
    UNVERIFIED = "unverified"
    #: A claim on a resource or an account that is gone.
    DANGLING = "dangling"
    #: Accounts that may be one person, unproven.
    DISPUTED = "disputed"

    @property
    def is_access(self) -> bool:
        """Whether it is access that is there and should not be, which a person may adopt."""
        return self in (FindingKind.UNEXPECTED, FindingKind.RETURNED, FindingKind.LEFTOVER)


class Profile(StrEnum):
    """What is done about the findings on an entitlement."""

    #: They are reported.
    WATCH = "watch"
    #: What our own late or lost write explains is repaired, and leftovers; the rest is reported or ticketed.
    MEND = "mend"
    #: Unexpected access is taken away too.
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class ProfileRule:
    """The profile of the entitlements that ``pattern`` matches.

    - ``auto``: what is taken away under ``strict`` needs no approval.
    - ``ticket``: a person is asked by ticket to take away what would only be reported.
    """

    pattern: str
    profile: Profile = Profile.WATCH
    auto: bool = False
    ticket: bool = False


#: What holds where no rule matches.
WATCHED = ProfileRule("*")


@dataclass(frozen=True, slots=True)
class React:
    """What is done about a finding, whether without an approval, and why."""

    reaction: Reaction
    why: str
    automatic: bool = True


def react(kind: FindingKind, rule: ProfileRule, *, ours: bool, group: bool) -> React | None:
    """What is done about a finding under its rule; None: it is reported.

    ``ours`` is whether a late or lost write of our own explains it. ``group`` is whether a group holds the access: requests
    change accounts only. What somebody else took away is never given back.
    """
    if rule.profile is Profile.WATCH or group:
        return None
    if kind is FindingKind.MISSING:
        return React(Reaction.GIVE, "our own late write took it away") if ours else None
    if not kind.is_access:
        return None
    if kind is FindingKind.LEFTOVER:
        return React(Reaction.TAKE, "the account was deprovisioned")
    if ours:
        return React(Reaction.TAKE, "our own late write gave it")
    if rule.profile is Profile.STRICT and kind is FindingKind.UNEXPECTED:
        return React(Reaction.TAKE, "nothing explains it", rule.auto)
    if rule.profile is Profile.STRICT:
        return React(Reaction.TAKE, "it was taken away before, and came back", rule.auto)
    return React(Reaction.TICKET, "nothing explains it, and policy has a person look at it") if rule.ticket else None


@dataclass(frozen=True, slots=True)
class Told:
    """Who made a difference, as a log tells it: ``by`` whom, when, and in which ``record``.

    ``cause`` is a clause on what of the system's own made the change, such as its own access request.
    """

    by: str
    at: datetime
    record: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Why nobody knows who made a difference, as a clause. ``again``: a log may tell it later."""

    why: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference as a snapshot shows it.

    - ``key``: what makes it one and the same over runs, with its kind and system.
    - ``group``: whether a group holds the access, and not an account.
    - ``ours_at``: when a late or lost write of our own went out that explains it.
    - ``cause``: a clause on what of the system's own explains it; such a difference is no finding.
    """

    kind: FindingKind
    system: System
    key: str
    account_id: str
    account_title: str
    detail: str
    entitlement: EntitlementRef | None = None
    title: str = ""
    claim_id: str | None = None
    request_id: str | None = None
    group: bool = False
    ours_at: datetime | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference over runs, from the snapshot that showed it first to the last that did.

    - ``first_run_id``, ``last_run_id``: the runs of these snapshots; of an open finding the last is the system's newest.
    - ``done_by``, ``done_at``, ``done_record``: who did it and when, by which entry of the service's log. ``not_known`` is a
      clause on why that is not known, and ``ask_since`` from when on the log is asked about it again.
    - ``ours_at``: when a late or lost write of our own went out that explains it.
    - ``ignored_until``: a person leaves it as it is until then; ``adopted_by_request`` is the request for a claim on it.
    """

    id: int
    kind: FindingKind
    system: System
    key: str
    account_id: str
    account_title: str
    title: str
    detail: str
    first_run_id: str
    first_seen_at: datetime
    entitlement: EntitlementRef | None = None
    claim_id: str | None = None
    request_id: str | None = None
    holder_is_group: bool = False
    ours_at: datetime | None = None
    last_seen_at: datetime | None = None
    done_by: str | None = None
    done_at: datetime | None = None
    done_record: str | None = None
    not_known: str | None = None
    ask_since: datetime | None = None
    ignored_until: datetime | None = None
    ignored_by: str | None = None
    ignored_why: str | None = None
    adopted_by_request: str | None = None
    closed_at: datetime | None = None
    closed_why: str | None = None

    @property
    def ours(self) -> bool:
        """Whether a late or lost write of our own explains it."""
        return self.ours_at is not None

    @property
    def may_be_ours(self) -> bool:
        """Whether we go by that: while the log may still tell who took access away, nobody says that it was us."""
        return self.ours and not (self.kind is FindingKind.MISSING and self.ask_since is not None)
