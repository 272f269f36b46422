"""Parts of snapshots: what is forgotten leaves nothing, and what nobody needs goes, without touching anybody's work."""

from __future__ import annotations

from access.entitlements import System
from access.snapshots import RunState
from store.snapshot_tables import accounts, parts, snapshot_parts
from store.snapshots import PartRead
from store.unit_of_work import Store, UnitOfWork
from tests.store.records import NOW


def begin_run(store: Store, run_id: str, system: System) -> None:
    with store.write() as work:
        work.sync_runs.begin(run_id, system, previous_run_id=None, now=NOW)


def begin_part(work: UnitOfWork, name: str, system: System) -> int:
    """A part with one row."""
    number = work.snapshots.begin_part(system, name, now=NOW)
    account = {"id": "u1", "kind": "user", "title": "Ada", "status": "active", "attributes": {}}
    work.snapshots.add_rows("accounts", [{"part_id": number, **account}])
    return number


def kept(store: Store) -> set[str]:
    """The parts that are there; each has its row, and no other row is there."""
    with store.database.read() as connection:
        found = {row.id: row.name for row in connection.execute(parts.select())}
        assert {row.part_id for row in connection.execute(accounts.select())} == found.keys()
        assert {row.part_id for row in connection.execute(snapshot_parts.select())} <= found.keys()
    return set(found.values())


def test_a_part_that_is_forgotten_leaves_nothing(store: Store) -> None:
    with store.write() as work:
        number = begin_part(work, "users", System.JIRA)
        begin_part(work, "groups", System.JIRA)
        work.snapshots.forget_part(number)
    assert kept(store) == {"groups"}


def test_what_no_snapshot_needs_goes_and_what_is_being_read_stays(store: Store) -> None:
    """Unfinished parts of a system that is read at this moment may be somebody's work; of another they are remains."""
    for run_id, state in (("old", RunState.COMPLETE), ("current", RunState.COMPLETE), ("reading", None)):
        begin_run(store, run_id, System.JIRA)
        with store.write() as work:
            number = begin_part(work, f"of {run_id}", System.JIRA)
            work.snapshots.finish_parts(run_id, [PartRead(number, f"of {run_id}", 1)])
            if state is not None:
                work.sync_runs.finish(run_id, state, now=NOW)
                work.snapshots.publish(run_id, System.JIRA, began_at=NOW, full=True, now=NOW)
    with store.write() as work:
        begin_part(work, "unfinished", System.JIRA)
        begin_part(work, "left behind", System.JUMPCLOUD)
        while work.snapshots.tidy():
            pass
    assert kept(store) == {"of current", "of reading", "unfinished"}
