"""Provisor's worker as a child of the sync benchmark: it takes snapshots when asked, as it does for ``provisor sync``."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from access.entitlements import System
from access.snapshots import RunState
from benchmarks.child import Commands, serve
from config.settings import Settings
from demo.worker_thread import WorkerThread
from httpclient.redaction import Redaction
from store.snapshot_tables import accounts, grants, snapshot_parts, snapshots
from store.unit_of_work import Store
from worker.process import WorkerProcess, prepare
from worker.telemetry import start_logging

#: How often it is looked whether a run is over; how long it took stands in its own record, so this may be coarse.
_LOOK_SECONDS = 0.05
_HELD = ("group", "application", "project-role")


@dataclass(frozen=True, slots=True)
class _Syncs:
    process: WorkerProcess

    def sync(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Take a snapshot with the whole worker."""
        syncing, store = self.process.provisor.syncing, self.process.provisor.store
        run_id = syncing.begin(System(asked["system"]), full=asked["full"])
        while True:
            with store.read() as work:
                run = work.sync_runs.get(run_id)
            assert run is not None, "a run is never deleted"
            if run.state is not RunState.RUNNING:
                break
            time.sleep(_LOOK_SECONDS)  # noqa: TID251 - the run is the workers' threads'; this one only looks at its end
        assert run.finished_at is not None, "it is over"
        plan = run.plan or {}
        return {
            "seconds": (run.finished_at - run.started_at).total_seconds(),
            "state": str(run.state),
            "error": run.error,
            "method": plan.get("method"),
            "full": plan.get("full"),
        }


def _snapshot(store: Store, system: str) -> dict[str, Any]:
    """How much the current snapshot shows, and of accounts and holders a digest."""
    with store.database.read() as connection:
        people = (
            select(accounts.c.id)
            .join(snapshot_parts, snapshot_parts.c.part_id == accounts.c.part_id)
            .join(snapshots, snapshots.c.run_id == snapshot_parts.c.run_id)
            .where(snapshots.c.system == system)
        )
        held = (
            select(grants.c.resource, grants.c.principal)
            .join(snapshot_parts, snapshot_parts.c.part_id == grants.c.part_id)
            .join(snapshots, snapshots.c.run_id == snapshot_parts.c.run_id)
            .where(snapshots.c.system == system, grants.c.kind.in_(_HELD))
        )
        return {
            "accounts": connection.execute(select(func.count()).select_from(people.subquery())).scalar(),
            "held": connection.execute(select(func.count()).select_from(held.subquery())).scalar(),
            "digest": digest(
                connection.execute(people).scalars(),
                ((row.resource, row.principal) for row in connection.execute(held)),
            ),
        }


def digest(people: Iterable[str], held: Iterable[tuple[str, str]]) -> str:
    """The same for the same accounts and holders, in whatever order they come."""
    lines = sorted([*people, *(f"{resource} {holder}" for resource, holder in held)])
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _start(settings: dict[str, Any]) -> Commands:
    start_logging(level="info", form="json", redaction=Redaction([]))
    process = prepare(Settings(**settings))
    WorkerThread(process).start()
    return {
        "sync": _Syncs(process).sync,
        "snapshot": lambda asked: _snapshot(process.provisor.store, asked["system"]),
    }


if __name__ == "__main__":
    serve(_start)
