"""Rows of snapshots as plain facts: what ``--json`` prints, and what tables choose from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from access.entitlements import RIGHTS, EntitlementRef, ResourceKind, System
from cli.output import moment

Row = Mapping[str, Any]


def account_facts(row: Row) -> dict[str, Any]:
    """One account."""
    return _plain(row)


def resource_facts(row: Row) -> dict[str, Any]:
    """One resource."""
    return _plain(row)


def entitlement_facts(row: Row) -> dict[str, Any]:
    """The entitlement that a resource carries."""
    plain = _plain(row)
    named = named_entitlement(row)
    return {
        "entitlement": plain["entitlement"],
        "named": None if named is None else str(named),
        "system": plain["system"],
        "kind": plain["kind"],
        "resource": plain["id"],
        "resource_name": plain["name"],
        "project": plain["parent_key"],
        "holders": plain["holders"],
        "holder_groups": plain["holder_groups"],
        "url": plain["url"],
        "attributes": plain["attributes"],
        "snapshot_began_at": plain["snapshot_began_at"],
    }


def grant_facts(row: Row) -> dict[str, Any]:
    """One grant. ``held`` is direct or group; ``since`` is known where the system itself says it."""
    through = row["through"]
    return {
        "system": row["system"],
        "account": row["account"],
        "account_kind": row["account_kind"],
        "account_title": row["account_title"],
        "account_status": row["account_status"],
        "username": row["username"],
        "email": row["email"],
        "kind": row["kind"],
        "resource": row["resource"],
        "resource_name": row["resource_name"],
        "project": row["parent_key"],
        "project_name": row["parent_name"],
        "entitlement": row["entitlement"],
        "held": "direct" if through is None else "group",
        "through": through,
        "through_name": row["through_name"],
        "since": _spelled(row["since"]),
        "first_seen_at": _spelled(row["first_seen"]),
        "last_active": _spelled(row["last_active"]),
        "claim": row["claim"],
        "request": row["request_id"],
        "claim_ends_at": _spelled(row["ends_at"]),
        "snapshot_began_at": _spelled(row["began_at"]),
    }


#: A million grants have few different moments: most of them are of one snapshot.
_spelled = lru_cache(maxsize=4096)(moment)


def written_entitlement(row: Row) -> EntitlementRef | None:
    """The entitlement of a resource by ids; None for what carries none."""
    return None if row["entitlement"] is None else EntitlementRef.parse(row["entitlement"])


def named_entitlement(row: Row) -> EntitlementRef | None:
    """The entitlement of a resource by the names that policies are written with; None where names are missing."""
    kind = ResourceKind(row["kind"])
    if kind not in RIGHTS:
        return None
    path: tuple[str, ...] = (row["name"],)
    if kind is ResourceKind.PROJECT_ROLE:
        if not row["parent_key"]:
            return None
        path = (row["parent_key"], row["name"])
    return EntitlementRef(System(row["system"]), kind, path) if all(path) else None


def _plain(row: Row) -> dict[str, Any]:
    plain = {name: moment(value) if isinstance(value, datetime) else value for name, value in row.items()}
    return {
        **{name: value for name, value in plain.items() if name != "began_at"},
        "snapshot_began_at": plain["began_at"],
    }
