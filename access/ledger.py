"""The ledger: how long access was held past due, and what each second of that waited for. Pure.

Moments are those of the store's clock. Sums are exact: they are counted in whole microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from access.entitlements import EntitlementRef
from access.faults import Scope
from access.lifecycle import STANDING, ClaimState

if TYPE_CHECKING:
    from access.operations import Claim


class Cause(StrEnum):
    """What a second past due waited for. Of several causes at one moment the first of this order counts."""

    #: A person's decision: the removal is blocked, or a restore is under way.
    PERSON = "person"
    #: A person's work on a ticket.
    TICKET = "ticket"
    #: A credential that was refused, or a permission that is missing.
    CREDENTIAL = "credential"
    #: A system that did not answer.
    AWAY = "away"
    #: Our own rate budget, or a wait that the service asked for.
    BUDGET = "budget"
    #: Nothing that is known: its turn had not come, no process ran, or it was written and not seen gone yet.
    UNSEEN = "unseen"


class Ended(StrEnum):
    """How a time past due came to its end."""

    #: A read showed the access gone.
    GONE = "gone"
    #: Another claim holds the access from then on.
    HELD = "held"
    #: A person settled it as it was: the access may still be there.
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Mark:
    """From ``since`` on the work ``ref`` waits for ``cause``, until its next mark."""

    ref: str
    cause: Cause
    since: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """A time in which the removal waited for ``cause``; without ``until`` it lasts."""

    cause: Cause
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Whose:
    """The access that a row of the ledger is about, and the request, claim and operation that it comes from."""

    access_key: str
    entitlement: EntitlementRef
    title: str
    account_id: str | None
    account_title: str
    email: str | None
    request_id: str
    claim_id: str | None = None
    operation_id: str | None = None

    @property
    def person(self) -> str:
        """Whom people know by the access: the address by which it was asked for, else what the system calls the account."""
        return self.email or self.account_title


@dataclass(frozen=True, slots=True)
class Overstay:
    """A time in which an access was held past due: until a read showed it gone, or until now while ``ended`` is None.

    ``bound`` is how much of it may be too much: the time from the read or write before that read.
    """

    whose: Whose
    since: datetime
    until: datetime
    causes: Mapping[Cause, timedelta]
    bound: timedelta
    ended: Ended | None = None

    @property
    def total(self) -> timedelta:
        """How long the access was held past due."""
        return self.until - self.since


class SeenBy(StrEnum):
    """What showed that access is missing on which a claim stands."""

    #: A look at the access that another operation needed.
    LOOK = "look"
    #: A removal of ours that a newer claim had overtaken.
    REMOVAL = "removal"
    #: A complete snapshot.
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Understay:
    """A time in which an access was missing on which a claim stood: from what showed that, until it was back or not claimed.

    ``bound`` is how much longer it may have been missing before: the time from the read before. Without ``ended`` it lasts.
    """

    whose: Whose
    since: datetime
    until: datetime
    seen_by: SeenBy
    bound: timedelta
    ended: str | None = None

    @property
    def total(self) -> timedelta:
        """How long the access was missing."""
        return self.until - self.since


_SCOPES = {
    Scope.SYSTEM: Cause.AWAY,
    Scope.ENTITLEMENT: Cause.AWAY,
    Scope.CREDENTIAL: Cause.CREDENTIAL,
    Scope.PERMISSION: Cause.CREDENTIAL,
    Scope.PROJECT: Cause.TICKET,
    Scope.OWN: Cause.UNSEEN,
}


def cause_of(scope: Scope | None) -> Cause:
    """The cause that a fault of this scope is; what shows no fault was put off by a budget."""
    return Cause.BUDGET if scope is None else _SCOPES[scope]


def waits_of(marks: Iterable[Mark]) -> Sequence[Wait]:
    """The waits that marks tell of, which are in the order of their writing. A mark begins no sooner than the one before it."""
    by_ref: dict[str, list[Mark]] = {}
    for mark in marks:
        by_ref.setdefault(mark.ref, []).append(mark)
    found = []
    for each in by_ref.values():
        begins = list(accumulate((mark.since for mark in each), max))
        found += [
            Wait(mark.cause, since, until)
            for mark, since, until in zip(each, begins, [*begins[1:], None], strict=True)
            if until is None or until > since
        ]
    return found


def divide(since: datetime, until: datetime, waits: Iterable[Wait]) -> Mapping[Cause, timedelta]:
    """The time from ``since`` to ``until`` by causes, each moment once. The parts add up to the whole."""
    known = [each for each in waits if each.cause is not Cause.UNSEEN]
    clipped = [(max(since, each.since), min(until, each.until or until), each.cause) for each in known]
    edges = sorted({since, until, *(edge for begin, end, _ in clipped if begin < end for edge in (begin, end))})
    order = {cause: place for place, cause in enumerate(Cause)}
    parts = dict.fromkeys(Cause, timedelta(0))
    for begin, end in pairwise(edges):
        causes = [cause for first, last, cause in clipped if first <= begin and end <= last]
        parts[min(causes, key=order.__getitem__, default=Cause.UNSEEN)] += end - begin
    return parts


def held_until(claim: Claim, *, asked_at: datetime | None = None) -> datetime | None:
    """Until when the claim is a reason for its access; None while no end is set.

    ``asked_at`` is when a request came in to take the access away. The claim holds no longer than that.
    """
    ends = [claim.ends_at, asked_at]
    if claim.state is ClaimState.ENDED:
        ends.append(claim.ended_at)
    return min((each for each in ends if each is not None), default=None)


def overdue_since(
    claims: Iterable[Claim], *, asked: Mapping[str, datetime], now: datetime, asked_at: datetime | None = None
) -> datetime | None:
    """Since when access is held for no reason any more; None when there is a reason, or never was one.

    ``claims`` are those on one access, ``asked`` says by their ids which were asked to end, and when. ``asked_at`` is when
    a request came in to take the access away, whoever gave it: it counts where no claim stands.
    """
    dues: list[datetime] = []
    ends: list[datetime] = []
    for claim in claims:
        if claim.starts_at is not None and claim.state is ClaimState.ENDED:
            ends += [end for end in (held_until(claim),) if end is not None and end <= now]
        elif claim.starts_at is not None and claim.state in STANDING:
            until = held_until(claim, asked_at=asked.get(claim.id))
            if until is None or until > now:
                return None
            if claim.pre_existing and claim.id not in asked and asked_at is None:
                return None  # Its end takes nothing away.
            dues.append(max(until, claim.starts_at))
    if not dues and asked_at is not None:
        dues.append(asked_at)
    return max([*dues, *ends]) if dues else None
