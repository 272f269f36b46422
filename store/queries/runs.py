"""The progress of a sync run, for people who watch it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from access.snapshots import SyncRun
from store.snapshot_tables import parts, snapshot_parts, sync_shards
from store.snapshots import TABLES


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a run: shards of its stage, those done, rows read so far, and why a shard last had to wait."""

    run: SyncRun
    shards: int
    done: int
    rows: int
    waiting: str | None


def progress_of(connection: Connection, run: SyncRun) -> RunProgress:
    """The progress of a run. Rows of lists that are still being read count too."""
    s = sync_shards.c
    shards, done, waiting = connection.execute(
        select(
            func.count(),
            func.count().filter(s.state == "done"),
            func.max(s.error).filter(s.state == "ready", s.tries > 0),
        ).where(s.run_id == run.id, s.stage == run.stage)
    ).one()
    finished = connection.execute(
        select(func.coalesce(func.sum(parts.c.rows), 0))
        .join(snapshot_parts, snapshot_parts.c.part_id == parts.c.id)
        .where(snapshot_parts.c.run_id == run.id)
    ).scalar_one()
    if waiting is None and run.tries:
        waiting = run.error
    return RunProgress(run, shards, done, int(finished) + _unfinished(connection, run), waiting)


def _unfinished(connection: Connection, run: SyncRun) -> int:
    """Rows of parts that are being read: they belong to no snapshot yet, so they are found by their system and time."""
    open_parts = select(parts.c.id).where(
        parts.c.system == str(run.system), parts.c.complete.is_(False), parts.c.read_at >= run.started_at
    )
    numbers = list(connection.execute(open_parts).scalars())
    if not numbers:
        return 0
    counts = (
        connection.execute(select(func.count()).select_from(table).where(table.c.part_id.in_(numbers))).scalar_one()
        for table in TABLES.values()
    )
    return sum(counts)
