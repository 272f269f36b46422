"""Runs and snapshots: the records of taking a complete snapshot of a system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from access.entitlements import System


class RunState(StrEnum):
    """Where a sync run stands."""

    #: Parts are being read.
    RUNNING = "running"
    #: Every part is complete, and the run is (or was) the current snapshot.
    COMPLETE = "complete"
    #: It could not be completed; the snapshot before it stays.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One attempt at a snapshot. ``stage`` is the one being read, -1 before it is planned; ``calls`` are calls made so far."""

    id: str
    system: System
    state: RunState
    plan: Mapping[str, Any] | None
    stage: int
    previous_run_id: str | None
    started_at: datetime
    finished_at: datetime | None
    calls: int
    tries: int
    credential_of: str | None
    error: str | None
    due_at: datetime | None
    fence: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The current snapshot of a system: the run behind it, when that began and was complete, and when all was last read."""

    system: System
    run_id: str
    began_at: datetime
    completed_at: datetime
    full_run_at: datetime

    def age(self, now: datetime) -> timedelta:
        """How old what it shows is: counted from when reading began."""
        return now - self.began_at


@dataclass(frozen=True, slots=True)
class ShrinkGuard:
    """What counts as suspicious shrinking: losing more than ``share`` of a list that had at least ``at_least`` rows."""

    share: float = 0.3
    at_least: int = 10

    def suspicious(self, *, before: int, now: int) -> bool:
        """Whether a list that had ``before`` rows and now has ``now`` must be read a second time."""
        return before >= self.at_least and now < before * (1 - self.share)
