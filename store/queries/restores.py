"""What a restore leaves open: access that appeared after the backup, and that no claim explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Text, exists, func, literal, select

from access.entitlements import System
from access.lifecycle import ClaimState
from store.leases import among
from store.queries.parts import current_parts, entitlement, in_snapshot, named
from store.restores import Restore
from store.snapshot_tables import accounts, grants, resources, snapshots
from store.tables import claims, restored_accesses
from store.unit_of_work import Store

_EXPLAINS = (ClaimState.PENDING, ClaimState.ACTIVE, ClaimState.ENDING)


def systems_read_since(store: Store, restore: Restore) -> frozenset[str]:
    """The systems of which a snapshot was begun since the restore began."""
    with store.database.read() as connection:
        found = select(snapshots.c.system).where(snapshots.c.began_at >= restore.began_at)
        return frozenset(connection.execute(found).scalars())


def unexplained(store: Store, system: System) -> Iterator[Mapping[str, Any]]:
    """The accesses of the current snapshot that the backup's did not show, and that no claim explains."""
    of, g = named(str(system)), grants.c
    written = entitlement(of, g.kind, g.resource)
    key = g.principal + literal(" ", Text) + written
    explained = exists().where(claims.c.access_key == key, among(claims.c.state, _EXPLAINS))
    who, what = accounts.alias("who"), resources.alias("what")
    statement = (
        select(
            of.label("system"),
            g.principal.label("account"),
            func.coalesce(who.c.title, g.principal).label("account_title"),
            func.coalesce(what.c.name, g.resource).label("resource_name"),
            written.label("entitlement"),
            g.first_seen,
        )
        .select_from(grants)
        .outerjoin(who, (who.c.id == g.principal) & in_snapshot(who.c.part_id, of))
        .outerjoin(what, (what.c.id == g.resource) & (what.c.kind == g.kind) & in_snapshot(what.c.part_id, of))
        .where(
            g.part_id.in_(current_parts(of)),
            g.principal_kind == "account",
            ~exists().where(restored_accesses.c.access_key == key),
            ~explained,
        )
        .order_by(written, g.principal)
    )
    with store.database.read() as connection:
        yield from map(dict, connection.execute(statement).mappings())
