"""Leavers: what becomes of the access of a person who has left. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from access.entitlements import EntitlementRef, ResourceKind, System
from access.lifecycle import LeaverState
from access.people import AccountRef
from access.plans import Line
from access.reactions import Reaction


class LeaverKind(StrEnum):
    """How a person left."""

    #: The directory shows the user as suspended.
    SUSPENDED = "suspended"
    #: The user is gone from the directory.
    DELETED = "deleted"
    #: Somebody asked to take everything.
    ASKED = "asked"

    @property
    def takes_everything(self) -> bool:
        """Whether standing and pre-existing access goes without an approval of its own."""
        return self is LeaverKind.DELETED


@dataclass(frozen=True, slots=True)
class Leaver:
    """A person who has left, or seems to have.

    - ``read_at``: when a single read first showed it; ``evidence`` is what the last one showed.
    - ``due_at``: when the user is read singly next.
    - ``why``: why it waits, or why it was no leaver.
    - ``maker``, ``reason``: who asked, and why, where somebody did.
    """

    id: int
    person: str
    kind: LeaverKind
    state: LeaverState
    noticed_at: datetime
    read_at: datetime | None = None
    left_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None
    evidence: str | None = None
    why: str | None = None
    maker: str | None = None
    reason: str | None = None
    #: The status that snapshots showed before they showed that the person leaves.
    was: str | None = None


class Seen(StrEnum):
    """What a single read of the user shows."""

    #: The user can be used.
    ACTIVE = "active"
    SUSPENDED = "suspended"
    #: Proven to be gone.
    GONE = "gone"
    #: Not there, without proof.
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """The first of two reads that have to agree; ``kind`` is what it shows."""

    kind: LeaverKind


@dataclass(frozen=True, slots=True)
class Left:
    """Two reads agree."""


@dataclass(frozen=True, slots=True)
class NotLeft:
    """The user is active, or as suspended as before: nothing is taken."""


def judge_read(leaver: Leaver, seen: Seen) -> ReadAgain | Left | NotLeft | None:
    """What follows from one single read; None where it proves nothing, and the user is read again."""
    if seen is Seen.UNSEEN:
        return None
    # Whoever was suspended before the first snapshot is no leaver, and a list that hid them for a while makes them none.
    if seen is Seen.ACTIVE or (seen is Seen.SUSPENDED and leaver.was == Seen.SUSPENDED):
        return NotLeft()
    kind = LeaverKind.SUSPENDED if seen is Seen.SUSPENDED else LeaverKind.DELETED
    if leaver.state is LeaverState.SEEN and kind is leaver.kind:
        return Left()
    return ReadAgain(kind)


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A claim that is a reason for access: timed when it has an end, ``pending`` before the access was seen."""

    id: str
    pre_existing: bool
    pending: bool
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """One access of a leaver: as the snapshot shows it, or as claims say.

    ``by_itself`` is a clause on what takes the access away without us: a rule, an identity provider; ``out_of_reach`` one on
    why Provisor cannot even have a person asked.
    """

    account: AccountRef
    account_title: str
    entitlement: EntitlementRef
    title: str
    shown: bool
    claims: tuple[HeldClaim, ...] = ()
    by_itself: str | None = None
    out_of_reach: str | None = None

    @property
    def passes(self) -> bool:
        """Whether claims for a time are all that gave it."""
        gave = [claim for claim in self.claims if not claim.pending]
        timed = bool(gave) and all(claim.ends_at is not None and not claim.pre_existing for claim in gave)
        return timed or (not gave and not self.shown)

    @property
    def nature(self) -> str:
        """What kind of access it is, for people."""
        if not self.claims:
            return "access that no request gave"
        if any(claim.pre_existing for claim in self.claims):
            return "access from before the first request"
        return "access for a time" if self.passes else "standing access"


@dataclass(frozen=True, slots=True)
class LeaverLines:
    """The lines of a leaver's plans: those that run by themselves, and those that a person has to approve."""

    automatic: Sequence[Line]
    to_approve: Sequence[Line]


#: What access gives by its kind, and above all an administrator's power: more goes first. Accounts go last, as their
#: groups and roles would come back with them.
_WEIGHTS = {
    ResourceKind.ADMIN_ROLE: 900,
    ResourceKind.PROJECT_ROLE: 300,
    ResourceKind.GROUP: 200,
    ResourceKind.APPLICATION: 100,
    ResourceKind.ACCOUNT: 10,
}
_POWER = 1000


def lines_for(
    kind: LeaverKind,
    held: Sequence[Held],
    accounts: Sequence[tuple[AccountRef, str]],
    *,
    gives_power: Callable[[EntitlementRef], bool],
    automate: bool,
) -> LeaverLines:
    """What is taken from a leaver, and what of it without asking. ``accounts`` are to be deprovisioned, with their titles.

    Claims for a time end by themselves. Everything else is a plan to approve, unless the user was deleted or policy automates
    it. Where somebody asked, all of it is a plan to approve.
    """
    timed: list[Line] = []
    rest: list[Line] = []
    for each in held:
        line = _line(each, kind, power=gives_power(each.entitlement))
        ends = [claim for claim in each.claims if claim.ends_at is not None or claim.pending]
        if line.reaction is Reaction.TAKE and kind is LeaverKind.SUSPENDED:
            timed += [replace(line, claim_id=claim.id, ends_at=claim.ends_at, reason=_TIMED) for claim in ends]
            if each.passes:
                continue
        rest.append(line)
    rest += [_deprovision(account, title, kind) for account, title in accounts]
    if kind.takes_everything or (automate and kind is LeaverKind.SUSPENDED):
        return LeaverLines([*timed, *rest], ())
    return LeaverLines(timed, rest)


_TIMED = "The person has left: access for a time ends now."


def _line(held: Held, kind: LeaverKind, *, power: bool) -> Line:
    why = held.out_of_reach or held.by_itself
    weight = _WEIGHTS[held.entitlement.kind] + (_POWER if power else 0)
    return Line(
        reaction=Reaction.NONE if why else Reaction.TAKE,
        system=held.account.system,
        account_id=held.account.id,
        account_title=held.account_title,
        entitlement=held.entitlement,
        title=held.title,
        reason=f"Stays: {why}." if why else f"The person has left ({kind}): {held.nature}.",
        weight=weight,
        ends_at=_last_end(held),
    )


def _deprovision(account: AccountRef, title: str, kind: LeaverKind) -> Line:
    return Line(
        reaction=Reaction.DEPROVISION,
        system=account.system,
        account_id=account.id,
        account_title=title,
        title=f"{account.system.label} account",
        reason=f"The person has left ({kind}).",
        weight=_WEIGHTS[ResourceKind.ACCOUNT],
    )


def _last_end(held: Held) -> datetime | None:
    """When the access would have ended by itself; None for access without an end."""
    ends = [claim.ends_at for claim in held.claims]
    if not ends or (held.shown and any(claim.pre_existing for claim in held.claims)):
        return None
    return None if None in ends else max(end for end in ends if end is not None)


def lines_to_give_back(taken: Sequence[Line]) -> Iterator[Line]:
    """The lines that give back what other lines took; accounts are for a person to open again."""
    seen: set[tuple[str, EntitlementRef | None]] = set()
    for line in taken:
        if (line.account_id, line.entitlement) in seen:
            continue
        seen.add((line.account_id, line.entitlement))
        gives = line.reaction is Reaction.TAKE
        yield Line(
            reaction=Reaction.GIVE if gives else Reaction.NONE,
            system=line.system,
            account_id=line.account_id,
            account_title=line.account_title,
            entitlement=line.entitlement,
            title=line.title,
            reason=f"Was taken by line {line.id}." if gives else "Open the account again in its administration first.",
            weight=0 if gives else 1,
            ends_at=line.ends_at,
        )


#: What no removal of access ends, for people.
CANNOT_BE_GONE: dict[System, tuple[str, ...]] = {
    System.JUMPCLOUD: (
        "Sessions that applications opened through JumpCloud last until the applications end them.",
        "Keys and passwords that the person copied from systems stay valid where they are used.",
    ),
    System.JIRA: (
        "Sessions of the Atlassian account last until it is deactivated or logged out everywhere.",
        "API tokens of the account stay valid as long as the account is active.",
        "Filters, dashboards, automation rules and leads that the account owns stay with it.",
    ),
}
