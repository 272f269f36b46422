"""Sync runs, their shards and their schedule in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from access.entitlements import System
from access.snapshots import RunState, SyncRun
from store.leases import LeasedTable, LeaseLost, among
from store.rows import from_row
from store.snapshot_tables import sync_runs, sync_schedule, sync_shards


@dataclass(frozen=True, slots=True)
class Shard:
    """A share of a stage's parts, read by one worker."""

    id: int
    run_id: str
    stage: int
    parts: Sequence[Mapping[str, Any]]
    tries: int
    fence: int


class SyncRuns(LeasedTable[SyncRun]):
    """Runs, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, sync_runs, SyncRun)

    def begin(self, run_id: str, system: System, *, previous_run_id: str | None, now: datetime) -> None:
        """Store a new run. The database refuses it (``Conflict``) while another run of the system is under way."""
        self._connection.execute(
            insert(sync_runs).values(
                id=run_id,
                system=str(system),
                state=str(RunState.RUNNING),
                previous_run_id=previous_run_id,
                started_at=now,
                due_at=now,
            )
        )

    def running(self, system: System) -> SyncRun | None:
        """The run of a system that is under way."""
        running = among(sync_runs.c.state, (RunState.RUNNING,))
        return self._first(select(sync_runs).where(sync_runs.c.system == str(system), running))

    def last(self, system: System) -> SyncRun | None:
        """The newest run of a system."""
        runs = select(sync_runs).where(sync_runs.c.system == str(system))
        return self._first(runs.order_by(sync_runs.c.started_at.desc()).limit(1))

    def count_calls(self, run_id: str, calls: int) -> None:
        """Add to the number of calls that the run has made."""
        self._connection.execute(
            update(sync_runs).where(sync_runs.c.id == run_id).values(calls=sync_runs.c.calls + calls)
        )

    def due_again(self, run_id: str, *, at: datetime) -> None:
        """Make the run due at ``at``."""
        self._connection.execute(
            update(sync_runs)
            .where(sync_runs.c.id == run_id, sync_runs.c.state == str(RunState.RUNNING))
            .values(due_at=at, dispatched_until=None)
        )

    def put_off(self, run_id: str, *, at: datetime, error: str, counted: bool = True) -> None:
        """Make the run due at ``at``, after a failure; ``counted`` is whether this was a try."""
        self._connection.execute(
            update(sync_runs)
            .where(sync_runs.c.id == run_id, sync_runs.c.state == str(RunState.RUNNING))
            .values(
                due_at=at, lease_until=None, dispatched_until=None, tries=sync_runs.c.tries + int(counted), error=error
            )
        )

    def finish(self, run_id: str, to: RunState, *, now: datetime, error: str | None = None) -> bool:
        """End the run; whether it was still running."""
        return self.step(
            run_id, to=to, states=(RunState.RUNNING,), finished_at=now, error=error, due_at=None, lease_until=None
        )

    # Shards

    def add_shards(
        self, run_id: str, stage: int, shards: Sequence[Sequence[Mapping[str, Any]]], *, now: datetime
    ) -> None:
        """Store the shards of a stage."""
        if shards:
            self._connection.execute(
                insert(sync_shards),
                [
                    {"run_id": run_id, "stage": stage, "parts": list(parts), "state": "ready", "due_at": now}
                    for parts in shards
                ],
            )

    def lease_shard(self, run_id: str, *, now: datetime, lasting: timedelta) -> Shard | None:
        """Lease the next shard that is due; None when there is none."""
        due = (
            select(sync_shards.c.id)
            .where(
                sync_shards.c.run_id == run_id,
                sync_shards.c.state == "ready",
                sync_shards.c.due_at <= now,
                or_(sync_shards.c.lease_until.is_(None), sync_shards.c.lease_until <= now),
            )
            .order_by(sync_shards.c.id)
            .limit(1)
        )
        if self._connection.dialect.name == "postgresql":
            due = due.with_for_update(skip_locked=True)
        statement = (
            update(sync_shards)
            .where(sync_shards.c.id.in_(due))
            .values(lease_until=now + lasting, fence=sync_shards.c.fence + 1)
            .returning(sync_shards)
        )
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else from_row(Shard, row)

    def renew(self, shard: Shard, *, until: datetime) -> None:
        """Make the lease of a shard longer. Raises ``LeaseLost``."""
        self._settle(shard, lease_until=until)

    def shard_done(self, shard: Shard, *, now: datetime) -> None:
        """Note that every part of the shard is complete, and make the run due. Raises ``LeaseLost``."""
        self._settle(shard, state="done", lease_until=None, due_at=None, error=None)
        self._connection.execute(
            update(sync_runs)
            .where(sync_runs.c.id == shard.run_id, sync_runs.c.state == str(RunState.RUNNING))
            .values(due_at=now)
        )

    def shard_later(self, shard: Shard, *, at: datetime, error: str, counted: bool = True) -> None:
        """Make the shard due at ``at``, after a failure; ``counted`` is whether this was a try. Raises ``LeaseLost``."""
        self._settle(shard, lease_until=None, due_at=at, tries=shard.tries + int(counted), error=error)

    def shards_left(self, run_id: str) -> tuple[int, datetime | None]:
        """How many shards of the run are not done, and when the next of them is free to be taken."""
        free_at = func.min(func.coalesce(sync_shards.c.lease_until, sync_shards.c.due_at))
        statement = select(func.count(), free_at).where(sync_shards.c.run_id == run_id, sync_shards.c.state == "ready")
        row = self._connection.execute(statement).one()
        return row[0], row[1]

    def rest(self, run_id: str, *, now: datetime) -> int:
        """How many shards of the run are not done. While some are left, the run becomes due when the next of them is free.

        The run's row is locked first, as it is when a shard is finished: else a shard finished at the same moment could be
        overlooked, and the run would wait although it may go on.
        """
        self._connection.execute(update(sync_runs).where(sync_runs.c.id == run_id).values(due_at=sync_runs.c.due_at))
        left, free_at = self.shards_left(run_id)
        if left:
            self.due_again(run_id, at=free_at or now)
        return left

    def progress(self, run_id: str) -> tuple[int, int]:
        """How many shards of the run there are, and how many are done."""
        statement = select(func.count(), func.count().filter(sync_shards.c.state == "done")).where(
            sync_shards.c.run_id == run_id
        )
        row = self._connection.execute(statement).one()
        return row[0], row[1]

    # Schedule

    def claim_slot(self, system: System, *, now: datetime, period: timedelta) -> bool:
        """Whether it is time for the next run of a system and this scheduler is the one to begin it."""
        moved = self._connection.execute(
            update(sync_schedule)
            .where(sync_schedule.c.system == str(system), sync_schedule.c.next_at <= now)
            .values(next_at=now + period)
        )
        if moved.rowcount == 1:
            return True
        known = self._connection.execute(
            select(sync_schedule.c.system).where(sync_schedule.c.system == str(system))
        ).first()
        if known is None:
            self._connection.execute(insert(sync_schedule).values(system=str(system), next_at=now + period))
            return True
        return False

    def _settle(self, shard: Shard, **columns: Any) -> None:
        statement = (
            update(sync_shards)
            .where(sync_shards.c.id == shard.id, sync_shards.c.fence == shard.fence, sync_shards.c.state == "ready")
            .values(columns)
        )
        if self._connection.execute(statement).rowcount != 1:
            raise LeaseLost(str(shard.id))
