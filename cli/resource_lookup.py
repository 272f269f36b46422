"""The one resource that an argument names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from access.entitlements import EntitlementRef, ResourceKind, System
from cli.output import cell
from cli.problems import Problem
from cli.snapshots import Row

if TYPE_CHECKING:
    from store.queries.snapshots import Queries

#: Resources that are named in the problem when several match.
_MOST_CANDIDATES = 5


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
