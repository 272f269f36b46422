"""The current snapshots, as commands use them: what they hold, and, on standard error, which are missing or old."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from access.clock import SystemClock
from access.entitlements import EntitlementRef, ResourceKind, System
from access.snapshots import Snapshot
from cli.output import age, cell, moment, print_note
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from config.settings import Settings
    from store.queries.snapshots import Queries
    from store.unit_of_work import Store

#: A row of a query: its columns by name.
Row = Mapping[str, Any]

#: The age from which a snapshot is called old, where no schedule takes one.
_OLD = timedelta(days=1)
#: The age from which a snapshot is called old, in periods of the schedule.
_PERIODS = 2
#: Resources that are named in the problem when several match.
_MOST_CANDIDATES = 5


@contextmanager
def current_snapshots(config: Path | None, system: System | None) -> Iterator[tuple[Settings, Queries]]:
    """The settings, and queries at one moment of the current snapshots. Raises ``Problem`` when there is no snapshot."""
    from store.queries.snapshots import one_moment

    with opened(config) as (settings, store), one_moment(store.database) as queries:
        require_snapshots(queries, settings, system, now=SystemClock().now())
        yield settings, queries


def require_snapshots(
    queries: Queries, settings: Settings, system: System | None, *, now: datetime
) -> Sequence[Snapshot]:
    """The current snapshots of ``system``, or of all; prints which are missing or old. Raises ``Problem`` for none."""
    snapshots = queries.snapshots(None if system is None else str(system))
    if not snapshots:
        of = "" if system is None else f" of {system}"
        raise Problem(f"There is no complete snapshot{of} yet.", "Run 'provisor sync', or wait for 'provisor up' to.")
    for absent in missing_snapshots(snapshots, settings, system):
        print_note(f"There is no complete snapshot of {absent} yet, so nothing of it is shown. Run 'provisor sync'.")
    limit = _OLD if settings.sync.period is None else settings.sync.period * _PERIODS
    for snapshot in snapshots:
        if snapshot.age(now) > limit:
            print_note(
                f"The snapshot of {snapshot.system} is {age(snapshot.age(now))} old "
                f"({snapshot.began_at:%Y-%m-%d %H:%M} UTC). Run 'provisor sync' for a new one."
            )
    return snapshots


def missing_snapshots(snapshots: Sequence[Snapshot], settings: Settings, system: System | None) -> list[System]:
    """The connected systems, or ``system`` alone, that have none of ``snapshots``."""
    present = {snapshot.system for snapshot in snapshots}
    return [
        each
        for each, section in settings.systems.items()
        if section.enabled and each not in present and system in (None, each)
    ]


def counts(store: Store, system: System) -> dict[str, int]:
    """How many accounts, resources and direct grants the current snapshot of a system holds."""
    from store.queries.snapshots import one_moment

    with one_moment(store.database) as queries:
        return queries.counts(str(system))


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


def row_facts(row: Row) -> dict[str, Any]:
    """An account or a resource, with the moment at which its snapshot began."""
    facts = {name: moment(value) if isinstance(value, datetime) else value for name, value in row.items()}
    began_at = facts.pop("began_at")
    return {**facts, "snapshot_began_at": began_at}


def the_resource(
    queries: Queries, named: str, *, system: System | None = None, kind: ResourceKind | None = None
) -> Row:
    """The resource of this id, name, ``KEY:role`` or written entitlement. Raises ``Problem`` for none, or several."""
    found = _matching(queries, named, system=system, kind=kind)
    if not found:
        raise Problem(
            f"There is no resource '{cell(named)}' in the last snapshot.",
            "See 'provisor resources list --text …' for those there are.",
        )
    if len(found) > 1:
        some = ", ".join(str(row["entitlement"] or row["id"]) for row in found[:_MOST_CANDIDATES])
        raise Problem(
            f"'{cell(named)}' names {len(found)} resources: {some}{', …' if found[_MOST_CANDIDATES:] else ''}.",
            "Name one of them by its id or by the written form of its entitlement.",
        )
    return found[0]


def _matching(queries: Queries, named: str, *, system: System | None, kind: ResourceKind | None) -> Sequence[Row]:
    from store.queries.snapshots import Filters

    try:
        ref = EntitlementRef.parse(named)
    except ValueError:
        return list(queries.resources(Filters(system=system, kind=kind, resource=named)))
    if ref.kind is ResourceKind.ACCOUNT:
        raise Problem(
            f"{ref} is held by every account of {ref.system}.", f"See 'provisor accounts list --system {ref.system}'."
        )
    for spelled in ("/".join(ref.path), ":".join(ref.path)):
        found = list(queries.resources(Filters(system=ref.system, kind=str(ref.kind), resource=spelled)))
        if found:
            return found
    return ()
