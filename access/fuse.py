"""The fuse: how much access may be taken away that no request foresaw. Pure.

An end that the request set which made or extended the claim is foreseen, and is never counted here. Removals of plans count
for their system, a leaver counts as one person, and revokes that take what somebody else gave count for their producer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """So many within ``window``: ``at_least``, or ``share`` of all when that is more, and never more than ``at_most``."""

    at_least: int
    window: timedelta
    share: float = 0.0
    at_most: int | None = None

    def allowed(self, total: int) -> int:
        """How many may be counted within one window where there are ``total`` of them."""
        allowed = max(self.at_least, int(self.share * total))
        return allowed if self.at_most is None else min(allowed, self.at_most)


@dataclass(frozen=True, slots=True)
class FuseLimits:
    """The limits of the fuse.

    - ``grants``: removals in one system, of its managed grants.
    - ``persons``: leavers, of all people.
    - ``revokes``: requests of one producer that take what it did not give; beyond them one goes on every ``pace``.
    - ``absence``: how long all processes may be away; ends of claims later than that count like removals of a plan.
    """

    grants: Limit = Limit(50, timedelta(hours=24), 0.05, 200)
    persons: Limit = Limit(5, timedelta(hours=24), 0.01)
    revokes: Limit = Limit(50, timedelta(minutes=10))
    pace: timedelta = timedelta(minutes=1)
    absence: timedelta = timedelta(days=7)

    def is_by_jump(self, ends_at: datetime, *, last_seen_at: datetime | None) -> bool:
        """Whether an end came so long after any process was last at work that the clock may have jumped."""
        return last_seen_at is not None and ends_at > last_seen_at + self.absence


def turn_of(begun: Sequence[datetime], *, limit: Limit, pace: timedelta, now: datetime) -> datetime:
    """When the next revoke of a producer may begin whose earlier ones began, or will begin, at these moments.

    That is now, unless the window is full, with what waits: then each goes ``pace`` after the one before.
    """
    if sum(1 for moment in begun if moment > now - limit.window) < limit.allowed(0):
        return now
    return max([*begun, now]) + pace


#: Ways in that only a person at the command line uses, as ``requests.source`` begins with them.
_COMMAND_LINE = ("submit", "inbox", "file", "dead-letter", "plan", "operator")


def is_counted(source: str) -> bool:
    """Whether revokes that came in this way are counted as a producer's: not those of plans or of a person's command."""
    return source.partition(":")[0].partition(" ")[0] not in _COMMAND_LINE


#: The scope that remembers when a process was last at work.
CLOCK = "clock"

#: The scope of the fuse that all leavers count in.
PERSONS = "persons"


def system_scope(system: str) -> str:
    """The scope that removals in a system count in."""
    return f"system:{system}"


def producer_scope(source: str) -> str:
    """The scope that the revokes of a producer count in."""
    return f"producer:{source}"
