"""The log of a system in memory: what was noted in it, as late and as far back as a test wants it."""

from __future__ import annotations

from datetime import datetime, timedelta

from access.attribution import Reading
from access.clock import Clock
from access.entitlements import EntitlementRef, ResourceKind, System
from access.findings import NotKnown
from access.truth import Change, Log


class FakeLog:
    """A log that reads changes of groups. ``away`` and ``unreadable`` say why it cannot be read, for now or at all."""

    def __init__(self, clock: Clock) -> None:
        self.lag = timedelta(0)
        self.away: str | None = None
        self.unreadable: str | None = None
        self.reads: list[datetime] = []
        self._clock = clock
        self._changes: list[Change] = []

    def note(
        self, account: str, entitlement: str, *, present: bool, by: str = "grace@example.com", cause: str | None = None
    ) -> None:
        """Somebody changes access now."""
        group, at = EntitlementRef.parse(entitlement).path[0], self._clock.now()
        entry = f"e{len(self._changes) + 1}"
        self._changes.append(
            Change(at, ResourceKind.GROUP, group, account, present=present, by=by, record=entry, cause=cause)
        )

    def read(self, system: System, since: datetime) -> Reading:
        del system
        self.reads.append(since)
        if self.away is not None:
            return NotKnown(self.away, again=True)
        if self.unreadable is not None:
            return Log(gaps={ResourceKind.GROUP: self.unreadable})
        seen = self._clock.now() - self.lag
        changes = [each for each in self._changes if each.at <= seen]
        return Log(changes, reaches={ResourceKind.GROUP: since - timedelta(days=30)})
