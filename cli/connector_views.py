from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from access.clock import SystemClock
from access.entitlements import System
from access.methods import Direction
from access.snapshots import RunState, SyncRun
from cli import output
from cli.output import moment
from cli.store_access import opened
from cli.sync_facts import age, counts, snapshot_facts
from config.settings import Settings
from store.unit_of_work import Store
from worker.systems.kit import SystemKit, Systems
from worker.systems.table import SYSTEMS

_COLUMNS = {
    "system": "system",
    "state": "state",
    "credential": "credential",
    "snapshot_at": "last snapshot",
    "snapshot_age": "age",
    "holds": "holds",
    "reads": "reads",
    "provisions": "changes by api",
}


def show(config: Path | None, *, as_json: bool) -> None:
    """Print the systems."""
    with opened(config, create=True) as (settings, store):
        rows = facts(settings, store, now=SystemClock().now())
    if as_json:
        output.print_json(rows)
        return
    output.print_table([_short(row) for row in rows], _COLUMNS, none="No systems.")
    output.print_lines("", f"Provisioning is {settings.provisioning}.", *filter(None, map(_what_failed, rows)))


def facts(settings: Settings, store: Store, *, now: datetime, systems: Systems = SYSTEMS) -> list[dict[str, Any]]:
    """What is connected, and what Provisor reads and changes there: one object for each system."""
    return [_facts(settings, store, system, kit, now=now) for system, kit in systems.items()]


def _facts(settings: Settings, store: Store, system: System, kit: SystemKit, *, now: datetime) -> dict[str, Any]:
    with store.read() as work:
        snapshot, last = work.snapshots.current(system), work.sync_runs.last(system)
    section = settings.systems[system]
    return {
        "system": str(system),
        "state": _state(section.credential_kind, last),
        "url": section.url,
        "credential": section.credential_kind,
        "organization_key": kit.organization_key(settings),
        "provisioning": str(settings.provisioning),
        "snapshot": snapshot_facts(snapshot, now=now),
        "counts": None if snapshot is None else counts(store, str(system)),
        "last_run": None if last is None else _run(last),
        "reads": sorted(kit.reads),
        "provisions": {str(direction): sorted(map(str, kinds)) for direction, kinds in kit.automated.items()},
    }


def _state(credential: str | None, last: SyncRun | None) -> str:
    if credential is None:
        return "not connected"
    if last is not None and last.state is RunState.RUNNING:
        return "syncing"
    return "failed" if last is not None and last.state is RunState.FAILED else "connected"


def _run(run: SyncRun) -> dict[str, Any]:
    return {
        "run": run.id,
        "state": str(run.state),
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        "method": (run.plan or {}).get("method"),
        "calls": run.calls,
        "error": run.error if run.state is RunState.FAILED else None,
    }


def _short(facts: dict[str, Any]) -> dict[str, Any]:
    snapshot, held = facts["snapshot"], facts["counts"]
    both = {kind for kinds in facts["provisions"].values() for kind in kinds}
    given, taken = (set(facts["provisions"][str(direction)]) for direction in (Direction.GIVE, Direction.TAKE))
    one_way = {kind: "give" if kind in given else "take" for kind in both if (kind in given) != (kind in taken)}
    return facts | {
        "snapshot_at": None if snapshot is None else snapshot["began_at"],
        "snapshot_age": None if snapshot is None else age(timedelta(seconds=snapshot["age_seconds"])),
        "holds": None if held is None else ", ".join(f"{count} {name}" for name, count in held.items()),
        "provisions": [f"{kind} ({one_way[kind]})" if kind in one_way else kind for kind in sorted(both)],
    }


def _what_failed(facts: dict[str, Any]) -> str:
    if facts["state"] != "failed":
        return ""
    last = facts["last_run"]
    return f"{facts['system']}: the sync of {last['started_at']} failed: {output.cell(last['error'])}"
