"""The process of the reconcile benchmark whose time and memory are measured."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import delete, insert, select, text, update

from access.clock import ManualClock
from access.entitlements import System
from access.policy import Policy, Rule
from access.ticket_routes import TicketRoute
from benchmarks.child import Commands, serve
from benchmarks.reconcile_data import BEGAN, CLAIMED, RUN, account, claimed, grant, group, holders
from store.database import Database
from store.snapshot_tables import grants, snapshot_parts, snapshots, sync_runs
from store.unit_of_work import Store, UnitOfWork
from tasks.reconciliation import Outcome, Reconciliation

_SYSTEM = str(System.JUMPCLOUD)


class _TimedStore(Store):
    """A store that knows its longest write."""

    longest = 0.0

    @contextmanager
    def write(self, *, holding: str | None = None) -> Iterator[UnitOfWork]:
        with super().write(holding=holding) as work:
            begun = time.perf_counter()
            yield work
        self.longest = max(self.longest, time.perf_counter() - begun)


class _Worker:
    def __init__(self, setup: dict[str, Any]) -> None:
        self._setup = setup
        self._store = _TimedStore(Database(setup["store_url"], pool_size=4))
        self._clock = ManualClock(BEGAN)
        policy = Policy(rules=(Rule("jumpcloud:group:*:member"),), ticket=TicketRoute("OPS"))
        self._reconciliation = Reconciliation(self._store, self._clock, policy)
        self._runs = 1

    def baseline(self, _asked: dict[str, Any]) -> dict[str, Any]:
        """Compare the first snapshot, which is the baseline."""
        outcome, seconds = self._reconcile()
        assert outcome.found == 0, "the first snapshot has no findings"
        if not self._store.database.is_sqlite:
            with self._store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE baseline"))
        return {"first": seconds, "first_longest_write": self._longest()}

    def change(self, _asked: dict[str, Any]) -> None:
        """A new snapshot, in which some claims lack their access, and others have access that nothing explains."""
        half = self._setup["differences"] // 2
        with self._store.database.write() as connection:
            for resource, holder in islice(claimed(self._setup), 0, None, max(1, self._claims() // half)):
                if half == 0:
                    break
                half -= 1
                gone = delete(grants).where(grants.c.resource == group(resource), grants.c.principal == holder)
                connection.execute(gone.where(grants.c.part_id == resource + 3))
            connection.execute(insert(grants), list(self._unexplained()))
        self._next_snapshot()

    def reconcile(self, _asked: dict[str, Any]) -> dict[str, Any]:
        """Compare the new snapshot."""
        outcome, seconds = self._reconcile()
        return {"found": outcome.found, "seconds": seconds, "longest_write": self._longest()}

    def again(self, _asked: dict[str, Any]) -> dict[str, Any]:
        """Compare a snapshot in which nothing changed since the last."""
        self._next_snapshot()
        outcome, seconds = self._reconcile()
        return {"again": outcome.found + outcome.closed, "unchanged": seconds}

    def _claims(self) -> int:
        return int(self._setup["grants"]) // CLAIMED

    def _unexplained(self) -> Iterator[dict[str, Any]]:
        wanted = self._setup["differences"] // 2
        for number in range(wanted):
            resource = number % self._setup["resources"]
            there = set(holders(self._setup, resource))
            start = number * 31
            free = next(
                who
                for step in range(self._setup["accounts"])
                if (who := account(start + step, self._setup)) not in there
            )
            yield grant(resource, free)

    def _next_snapshot(self) -> None:
        """The same lists as a new run, as a sync without changes makes it."""
        self._clock.advance(timedelta(hours=1))
        self._runs += 1
        run_id, now = f"sy-{self._runs}", self._clock.now()
        columns = (snapshot_parts.c.name, snapshot_parts.c.part_id)
        with self._store.database.write() as connection:
            run = {"id": run_id, "system": _SYSTEM, "state": "complete", "started_at": now, "finished_at": now}
            connection.execute(insert(sync_runs), run)
            for row in connection.execute(select(*columns).where(snapshot_parts.c.run_id == RUN)).all():
                connection.execute(insert(snapshot_parts), {"run_id": run_id, "name": row.name, "part_id": row.part_id})
            connection.execute(update(snapshots).values(run_id=run_id, began_at=now, completed_at=now))
        self._clock.advance(timedelta(minutes=1))

    def _reconcile(self) -> tuple[Outcome, float]:
        begun = time.perf_counter()
        outcome = self._reconciliation.reconcile(System.JUMPCLOUD)
        assert outcome.why_not is None, outcome.why_not
        return outcome, time.perf_counter() - begun

    def _longest(self) -> float:
        longest, self._store.longest = self._store.longest, 0.0
        return longest


def _start(setup: dict[str, Any]) -> Commands:
    # What is said on standard output is an answer.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    worker = _Worker(setup)
    return {
        "baseline": worker.baseline,
        "change": worker.change,
        "reconcile": worker.reconcile,
        "again": worker.again,
    }


if __name__ == "__main__":
    serve(_start)
