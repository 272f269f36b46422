"""The forecast: which access is taken away until a moment, when, and at what cost in calls, time and tickets. Pure.

It knows what is known now: claims that stand, their ends, and the present rates. What comes in meanwhile is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from access.durations import parse_duration
from access.entitlements import System
from access.lifecycle import STANDING, ClaimState
from access.methods import Method
from access.operations import Claim

_HOUR = timedelta(hours=1)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Letters that name a day of the week.
_SHORT = 3

#: Calls of one removal: a look, the facts of the guard, the write and the read back (JumpCloud groups take 4 [measured]); by
#: ticket those to the system itself.
CALLS = {Method.CONNECTOR: 4, Method.TICKET: 4}
#: Calls to the ticketing system for one ticket until it is open.
CALLS_OF_A_TICKET = 3


@dataclass(frozen=True, slots=True)
class Removal:
    """Access that is taken away ``at`` a moment, which is now for what is overdue."""

    at: datetime
    claim: Claim
    via: Method

    @property
    def system(self) -> System:
        """The system it is taken from."""
        return self.claim.entitlement.system


@dataclass(frozen=True, slots=True)
class Pace:
    """The present budget of a system: calls a second, the calls that it keeps for a burst, and until when it is stopped."""

    rate: float
    burst: float = 0.0
    stopped_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """What is due within one hour in one system. ``done_at`` is when the last of it can be done, after what is due before."""

    begins_at: datetime
    system: System
    removals: int
    tickets: int
    calls: int
    done_at: datetime

    @property
    def minutes(self) -> float:
        """The minutes from the first moment of the hour until all of it can be done."""
        return max(0.0, (self.done_at - self.begins_at).total_seconds() / 60)


def parse_until(text: str, now: datetime) -> datetime:
    """The moment that a person means: a day of the week (its end; today counts), a date (its end), or a duration from now.

    Days are those of UTC. Raises ``ValueError`` with a clause that says how to write one.
    """
    word = text.strip().lower()
    days = [number for number, day in enumerate(_DAYS) if len(word) >= _SHORT and day.startswith(word)]
    if days:
        return _end_of(now.date().toordinal() + (days[0] - now.weekday()) % 7)
    try:
        day = datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        try:
            return now + parse_duration(text)
        except ValueError as exc:
            raise ValueError("is no day; write friday, 2026-12-04 or a duration such as 48h") from exc
    if day.date() < now.date():
        raise ValueError("is over; write a day to come")
    return _end_of(day.date().toordinal())


def removals_until(
    until: datetime, standing: Iterable[Claim], *, now: datetime, method_of: Mapping[str, Method]
) -> Sequence[Removal]:
    """What is taken away until then, in order. ``standing`` are the claims on each access; ``method_of`` is by claim ids.

    The last claim to end takes the access away, unless the access was there before the first.
    """
    by_access: dict[str, list[Claim]] = {}
    for claim in standing:
        if claim.state in STANDING:
            by_access.setdefault(claim.access_key, []).append(claim)
    found = []
    for claims in by_access.values():
        ends = [claim.ends_at if claim.state is ClaimState.ACTIVE else now for claim in claims]
        if any(end is None or end > until for end in ends):
            continue
        last_end, last = max(
            ((end, claim) for end, claim in zip(ends, claims, strict=True) if end is not None),
            key=lambda each: each[0],
        )
        if last.state is ClaimState.ENDING or not last.pre_existing:
            found.append(Removal(max(now, last_end), last, method_of[last.id]))
    return sorted(found, key=lambda each: (each.at, each.claim.id))


def by_hour(removals: Sequence[Removal], paces: Mapping[System, Pace], *, now: datetime) -> Sequence[Hour]:
    """The removals by hour and system. A system without a pace has no limit."""
    groups: dict[tuple[datetime, System], list[Removal]] = {}
    for each in removals:
        groups.setdefault((each.at.replace(minute=0, second=0, microsecond=0), each.system), []).append(each)
    free_at: dict[System, datetime] = {}
    hours = []
    for (begins_at, system), due in sorted(groups.items(), key=lambda each: each[0]):
        tickets = sum(each.via is Method.TICKET for each in due)
        calls = sum(CALLS[each.via] for each in due)
        pace = paces.get(system)
        start = max(due[0].at, free_at.get(system, now), (pace and pace.stopped_until) or now)
        done_at = max(due[-1].at, start + _time_for(calls, pace))
        free_at[system] = done_at
        hours.append(Hour(begins_at, system, len(due), tickets, calls, done_at))
    return hours


def _time_for(calls: int, pace: Pace | None) -> timedelta:
    if pace is None:
        return timedelta(0)
    return timedelta(seconds=max(0.0, calls - pace.burst) / pace.rate)


def _end_of(ordinal: int) -> datetime:
    return datetime.combine(datetime.fromordinal(ordinal + 1).date(), time(), tzinfo=UTC)
