"""Runs and snapshots as plain facts, and as sentences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from access.snapshots import RunState, Snapshot, SyncRun
from cli.output import moment
from store.queries.snapshots import Queries
from store.unit_of_work import Store

_HOUR = 3600
_MINUTE = 60
_DAY = 86_400


def run_facts(store: Store, joined: bool, run: SyncRun, *, now: datetime) -> dict[str, Any]:
    """One run, with what the current snapshot of its system holds."""
    with store.read() as work:
        snapshot = work.snapshots.current(run.system)
    plan = run.plan or {}
    ended = run.finished_at or now
    return {
        "system": str(run.system),
        "run": run.id,
        "joined": joined,
        "state": str(run.state),
        "method": plan.get("method"),
        "full": plan.get("full"),
        "notes": plan.get("notes", []),
        "credential_of": run.credential_of,
        "calls": run.calls,
        "seconds": round((ended - run.started_at).total_seconds(), 1),
        "counts": None if run.state is not RunState.COMPLETE else counts(store, str(run.system)),
        "error": run.error if run.state is RunState.FAILED else None,
        "snapshot": snapshot_facts(snapshot, now=now),
    }


def counts(store: Store, system: str) -> dict[str, int]:
    """What the current snapshot of a system holds."""
    with store.database.read() as connection:
        return Queries(connection).counts(system)


def snapshot_facts(snapshot: Snapshot | None, *, now: datetime) -> dict[str, Any] | None:
    """The current snapshot of a system."""
    if snapshot is None:
        return None
    return {
        "run": snapshot.run_id,
        "began_at": moment(snapshot.began_at),
        "completed_at": moment(snapshot.completed_at),
        "everything_read_at": moment(snapshot.full_run_at),
        "age_seconds": round(snapshot.age(now).total_seconds()),
    }


def told(facts: dict[str, Any]) -> str:
    """How a run ended, in one line."""
    if facts["state"] == RunState.COMPLETE:
        found = ", ".join(f"{count} {name}" for name, count in facts["counts"].items())
        how = "everything read" if facts["full"] else "what changed was read"
        notes = "".join(f"\n  - {note}" for note in facts["notes"])
        return (
            f"{facts['system']}: complete in {facts['seconds']} s: {found} "
            f"({facts['calls']} calls, method {facts['method']}, {how}).{notes}"
        )
    snapshot = facts["snapshot"]
    old = "" if snapshot is None else f" It is {age(timedelta(seconds=snapshot['age_seconds']))} old."
    return f"{facts['system']}: {facts['state']} after {facts['seconds']} s: {facts['error']}{old}"


def age(of: timedelta) -> str:
    """A time span for people, in its largest unit."""
    seconds = int(of.total_seconds())
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
