"""What the store holds of the current snapshot of a system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from access.entitlements import System
from store.snapshot_tables import accounts, grants, resources, snapshot_parts, snapshots
from store.unit_of_work import Store
from tests.connectors.snapshot_truth import Truth


def shown(store: Store, system: System) -> Truth:
    """The current snapshot, in which nothing may be twice."""
    rows = {table: kept(store, system, table) for table in ("accounts", "resources", "grants")}
    people = [(row["id"], (row["kind"], row["status"])) for row in rows["accounts"]]
    things = [(row["kind"], row["id"], row["name"], row["parent"]) for row in rows["resources"]]
    held = [(row["kind"], row["resource"], row["principal_kind"], row["principal"]) for row in rows["grants"]]
    identities: Iterable[object] = [who for who, _ in people] + [thing[:2] for thing in things] + held
    assert [one for one, times in Counter(identities).items() if times > 1] == []
    return Truth(dict(people), frozenset(things), frozenset(held))


def kept(store: Store, system: System, table: str) -> list[dict[str, Any]]:
    """Every row of a table that belongs to the current snapshot, whole."""
    of = {"accounts": accounts, "resources": resources, "grants": grants}[table]
    statement = (
        of.select()
        .join(snapshot_parts, snapshot_parts.c.part_id == of.c.part_id)
        .join(snapshots, snapshots.c.run_id == snapshot_parts.c.run_id)
        .where(snapshots.c.system == str(system))
        .order_by(*of.primary_key.columns)
    )
    with store.database.read() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def everything(store: Store, system: System) -> list[object]:
    """The current snapshot to the last byte, its own record among it."""
    with store.database.read() as connection:
        record = connection.execute(snapshots.select().where(snapshots.c.system == str(system))).mappings().all()
    return [
        [dict(row) for row in record],
        *(kept(store, system, table) for table in ("accounts", "resources", "grants")),
    ]


def rows_stored(store: Store) -> int:
    """Rows of all parts, whatever snapshot or run they belong to."""
    with store.database.read() as connection:
        return sum(len(connection.execute(table.select()).all()) for table in (accounts, resources, grants))
