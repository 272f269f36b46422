"""How old what the snapshots show is, said where it matters: nobody should take an old snapshot for the truth of today."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from access.entitlements import System
from access.snapshots import Snapshot
from cli.problems import Problem
from cli.sync_facts import age
from config.settings import Settings
from store.queries.snapshots import Queries

#: How old a snapshot may be where none is taken by the clock.
_OLD = timedelta(days=1)
#: Periods that a snapshot may be late before it is called old.
_PERIODS = 2


def require_snapshots(look: Queries, settings: Settings, system: System | None, *, now: datetime) -> Sequence[Snapshot]:
    """The current snapshots of the system, or of all; says on standard error which are old or missing.

    Raises ``Problem`` when there is none.
    """
    snapshots = look.snapshots(None if system is None else str(system))
    if not snapshots:
        of = "" if system is None else f" of {system}"
        raise Problem(f"There is no complete snapshot{of} yet.", "Run 'provisor sync', or wait for 'provisor up' to.")
    unseen = [
        f"There is no complete snapshot of {each} yet, so nothing of it is shown. Run 'provisor sync'."
        for each in missing(snapshots, settings, system)
    ]
    for sentence in (*unseen, *_old(snapshots, settings, now)):
        sys.stderr.write(f"provisor: {sentence}\n")
    return snapshots


def missing(snapshots: Sequence[Snapshot], settings: Settings, system: System | None) -> list[System]:
    """The systems that are wanted and connected, and have no snapshot."""
    seen = {snapshot.system for snapshot in snapshots}
    return [
        each
        for each, section in settings.systems.items()
        if section.enabled and each not in seen and system in (None, each)
    ]


def age_of(snapshot: Snapshot, now: datetime) -> str:
    """The age of a snapshot, for people."""
    return age(snapshot.age(now))


def _old(snapshots: Sequence[Snapshot], settings: Settings, now: datetime) -> list[str]:
    period = settings.sync.period
    limit = _OLD if period is None else period * _PERIODS
    return [
        f"The snapshot of {snapshot.system} is {age(snapshot.age(now))} old "
        f"({snapshot.began_at:%Y-%m-%d %H:%M} UTC). Run 'provisor sync' for a new one."
        for snapshot in snapshots
        if snapshot.age(now) > limit
    ]
