"""Parts of snapshots and their rows, and the one step that makes a run the current snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from access.entitlements import EntitlementRef, System
from access.snapshots import Snapshot
from store.database import allow_long_statements
from store.rows import from_row
from store.snapshot_tables import accounts, grants, parts, resources, snapshot_parts, snapshots, sync_runs

#: The tables that hold rows of parts, by the word the engine calls their rows.
TABLES: Mapping[str, Table] = {"accounts": accounts, "resources": resources, "grants": grants}

#: Parts whose rows are deleted in one transaction when no snapshot needs them any more.
_SWEEP = 20


# Built once, as in ``store/leases.py``: a sync carries them out for every list.
_PART_OF = select(snapshot_parts.c.part_id).where(
    snapshot_parts.c.run_id == bindparam("this_run"), snapshot_parts.c.name == bindparam("this_name")
)


def _carrying() -> Update:
    old, new = grants.alias("old"), grants
    same = and_(
        old.c.part_id == bindparam("earlier_part"),
        old.c.kind == new.c.kind,
        old.c.resource == new.c.resource,
        old.c.principal_kind == new.c.principal_kind,
        old.c.principal == new.c.principal,
    )
    earlier = select(old.c.first_seen).where(same).scalar_subquery()
    return update(new).where(new.c.part_id == bindparam("this_part"), exists().where(same)).values(first_seen=earlier)


_CARRY = _carrying()


def lists_of(run_id: str) -> Select[Any]:
    """The parts of a run, by name, and how each was read."""
    return (
        select(snapshot_parts.c.name, parts.c.read_at, parts.c.rows, parts.c.facts)
        .join(parts, parts.c.id == snapshot_parts.c.part_id)
        .where(snapshot_parts.c.run_id == run_id)
        .order_by(snapshot_parts.c.name)
    )


@dataclass(frozen=True, slots=True)
class PartRead:
    """A part that was read completely: its number, name and row count, and how it was read."""

    number: int
    name: str
    rows: int
    facts: Mapping[str, Any] | None = None


class Snapshots:
    """Snapshots, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        allow_long_statements(connection)

    def current(self, system: System) -> Snapshot | None:
        """The current snapshot of a system."""
        row = self._connection.execute(select(snapshots).where(snapshots.c.system == str(system))).mappings().first()
        return None if row is None else from_row(Snapshot, row)

    def shows(self, ref: EntitlementRef, account_id: str, *, completed_after: datetime) -> bool:
        """Whether the current snapshot, if it was complete after that moment, shows that the account has this directly."""
        found = (
            select(grants.c.part_id)
            .join(snapshot_parts, snapshot_parts.c.part_id == grants.c.part_id)
            .join(snapshots, snapshots.c.run_id == snapshot_parts.c.run_id)
            .where(
                snapshots.c.system == str(ref.system),
                snapshots.c.completed_at > completed_after,
                grants.c.principal == account_id,
                grants.c.principal_kind == "account",
                grants.c.kind == str(ref.kind),
                grants.c.resource == "/".join(ref.path),
            )
        )
        return self._connection.execute(found.limit(1)).first() is not None

    def begin_part(self, system: System, name: str, *, now: datetime) -> int:
        """Store a new, empty part; returns its number."""
        return self.begin_parts(system, [name], now=now)[name]

    def begin_parts(self, system: System, names: Sequence[str], *, now: datetime) -> dict[str, int]:
        """Store new, empty parts in one statement; returns their numbers by name."""
        statement = insert(parts).returning(parts.c.id, parts.c.name, sort_by_parameter_order=True)
        rows = self._connection.execute(
            statement, [{"system": str(system), "name": name, "read_at": now} for name in names]
        )
        return {row.name: row.id for row in rows}

    def add_rows(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Store rows of parts, each with its ``part_id``."""
        if rows:
            self._connection.execute(insert(TABLES[table]), rows)

    def finish_parts(self, run_id: str, read: Sequence[PartRead]) -> None:
        """Note that parts are complete and belong to the run."""
        if not read:
            return
        self._connection.execute(
            update(parts).where(parts.c.id == bindparam("this_id")),
            [{"this_id": each.number, "rows": each.rows, "complete": True, "facts": each.facts} for each in read],
        )
        self._connection.execute(
            insert(snapshot_parts),
            [{"run_id": run_id, "name": each.name, "part_id": each.number} for each in read],
        )

    def lists(self, run_id: str) -> Iterator[RowMapping]:
        """The parts of a run, by name: ``name``, ``read_at``, ``rows`` and ``facts`` of how each was read."""
        yield from self._connection.execute(lists_of(run_id)).mappings()

    def forget_part(self, number: int) -> None:
        """Delete a part that was not finished, with its rows."""
        for table in TABLES.values():
            self._connection.execute(delete(table).where(table.c.part_id == number))
        self._connection.execute(delete(parts).where(parts.c.id == number))

    def keep(self, run_id: str, previous_run_id: str, names: Sequence[str]) -> list[str]:
        """Take over parts of the previous run unchanged; returns the names of those that it had."""
        kept: list[str] = []
        for start in range(0, len(names), 500):
            some = list(names[start : start + 500])
            statement = select(snapshot_parts.c.name, snapshot_parts.c.part_id).where(
                snapshot_parts.c.run_id == previous_run_id, snapshot_parts.c.name.in_(some)
            )
            found = [
                {"run_id": run_id, "name": row.name, "part_id": row.part_id}
                for row in self._connection.execute(statement)
            ]
            if found:
                self._connection.execute(insert(snapshot_parts), found)
            kept += [str(row["name"]) for row in found]
        return kept

    def outlived(self, run_id: str, previous_run_id: str) -> set[str]:
        """The previous run's parts with grants to somebody, or of something, that this run has not found.

        Nothing tells of each thing that is lost by a deletion. To be asked when the run has its accounts and groups;
        resources of a kind it has none of yet are not missed.
        """
        found_accounts = self._found(accounts, run_id)
        found = self._found(resources, run_id)
        kinds = select(resources.c.kind).join(snapshot_parts, snapshot_parts.c.part_id == resources.c.part_id)
        gone = or_(
            and_(
                grants.c.principal_kind == "account",
                ~found_accounts.where(accounts.c.id == grants.c.principal).exists(),
            ),
            and_(
                grants.c.principal_kind == "group",
                ~found.where(resources.c.kind == "group", resources.c.id == grants.c.principal).exists(),
            ),
            and_(
                grants.c.kind.in_(kinds.where(snapshot_parts.c.run_id == run_id)),
                ~found.where(resources.c.kind == grants.c.kind, resources.c.id == grants.c.resource).exists(),
            ),
        )
        before = snapshot_parts.alias("before")
        statement = (select(before.c.name).distinct().join(grants, grants.c.part_id == before.c.part_id)).where(
            before.c.run_id == previous_run_id, gone
        )
        return set(self._connection.execute(statement).scalars())

    @staticmethod
    def _found(table: Table, run_id: str) -> Select[Any]:
        """The rows of a run, to be narrowed down."""
        mine = and_(snapshot_parts.c.part_id == table.c.part_id, snapshot_parts.c.run_id == run_id)
        return select(table.c.id).join(snapshot_parts, mine).correlate(grants)

    def sizes(self, run_id: str, names: Sequence[str] | None = None) -> dict[str, int]:
        """The row counts of a run's parts, by name."""
        statement = select(snapshot_parts.c.name, parts.c.rows).join(parts, parts.c.id == snapshot_parts.c.part_id)
        statement = statement.where(snapshot_parts.c.run_id == run_id)
        if names is not None:
            statement = statement.where(snapshot_parts.c.name.in_(list(names)))
        return {row.name: row.rows for row in self._connection.execute(statement)}

    def part_of(self, run_id: str, name: str) -> int | None:
        """The number of a run's part."""
        return self._connection.execute(_PART_OF, {"this_run": run_id, "this_name": name}).scalar()

    def ids(self, number: int) -> set[tuple[str, ...]]:
        """The identities of a part's rows, to compare two readings of one list."""
        found: set[tuple[str, ...]] = set()
        for table in TABLES.values():
            keys = [column for column in table.primary_key.columns if column.name != "part_id"]
            rows = self._connection.execute(select(*keys).where(table.c.part_id == number))
            found.update(tuple(map(str, row)) for row in rows)
        return found

    def granted_resources(self, number: int) -> Sequence[str]:
        """The resources whose grants a part holds."""
        statement = select(grants.c.resource).where(grants.c.part_id == number).distinct()
        return list(self._connection.execute(statement).scalars())

    def carry_first_seen(self, number: int, before: int, *, resources: Sequence[str] | None = None) -> None:
        """Copy ``first_seen`` of the grants that the part ``before`` had too; only for ``resources``, when given."""
        statement = _CARRY if resources is None else _CARRY.where(grants.c.resource.in_(list(resources)))
        self._connection.execute(statement, {"this_part": number, "earlier_part": before})

    def resources(self, run_id: str, kind: str) -> Iterator[RowMapping]:
        """The resources of a kind among the run's parts, by id."""
        statement = (
            select(resources)
            .join(snapshot_parts, snapshot_parts.c.part_id == resources.c.part_id)
            .where(snapshot_parts.c.run_id == run_id, resources.c.kind == kind)
            .order_by(resources.c.id)
        )
        yield from self._connection.execute(statement).mappings()

    def has_account(self, run_id: str, account_id: str) -> bool:
        """Whether a run has found this account."""
        found = (
            select(accounts.c.id)
            .join(snapshot_parts, snapshot_parts.c.part_id == accounts.c.part_id)
            .where(snapshot_parts.c.run_id == run_id, accounts.c.id == account_id)
        )
        return self._connection.execute(found.limit(1)).first() is not None

    def count_resources(self, run_id: str, kind: str) -> int:
        """How many resources of a kind the run has found."""
        statement = (
            select(func.count())
            .select_from(resources)
            .join(snapshot_parts, snapshot_parts.c.part_id == resources.c.part_id)
            .where(snapshot_parts.c.run_id == run_id, resources.c.kind == kind)
        )
        return self._connection.execute(statement).scalar_one()

    def publish(self, run_id: str, system: System, *, began_at: datetime, full: bool, now: datetime) -> None:
        """Make the run the current snapshot, in this one step."""
        values = {"run_id": run_id, "began_at": began_at, "completed_at": now}
        if full:
            values["full_run_at"] = began_at
        changed = self._connection.execute(update(snapshots).where(snapshots.c.system == str(system)).values(values))
        if changed.rowcount == 0:
            values["full_run_at"] = began_at
            self._connection.execute(insert(snapshots).values(system=str(system), **values))

    def tidy(self) -> int:
        """Delete some parts that neither a current snapshot nor a run under way needs; returns how many."""
        needed = (
            select(snapshot_parts.c.part_id)
            .join(sync_runs, sync_runs.c.id == snapshot_parts.c.run_id)
            .where((sync_runs.c.state == "running") | sync_runs.c.id.in_(select(snapshots.c.run_id)))
        )
        running = select(sync_runs.c.system).where(sync_runs.c.state == "running")
        # Unfinished parts of a system that is being read may be somebody's work at this moment.
        removable = (
            select(parts.c.id)
            .where(parts.c.id.not_in(needed), parts.c.complete.is_(True) | parts.c.system.not_in(running))
            .limit(_SWEEP)
        )
        numbers = list(self._connection.execute(removable).scalars())
        if numbers:
            for table in TABLES.values():
                self._connection.execute(delete(table).where(table.c.part_id.in_(numbers)))
            self._connection.execute(delete(snapshot_parts).where(snapshot_parts.c.part_id.in_(numbers)))
            self._connection.execute(delete(parts).where(parts.c.id.in_(numbers)))
        return len(numbers)
