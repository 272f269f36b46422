"""What the organization knows beyond Jira as plain JSON, and back; the rest is in the snapshot of the Jira world.

People may be named by address wherever a document is written by hand.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from simulator.atlassian.world import Key, World
from simulator.jira import snapshot as jira_snapshot
from simulator.switches import change_switches

_PARTS = ("switches", "keys", "platform_roles", "last_active", "deletions", "domains", "mfa")


def dump(world: World) -> dict[str, Any]:
    """Return everything that `load` needs to make the same world over the same Jira world."""
    keys = [asdict(key) for key in world.keys.values()]
    return {
        "switches": world.switches.model_dump(mode="json"),
        "keys": [{**key, "scopes": None if key["scopes"] is None else list(key["scopes"])} for key in keys],
        "platform_roles": {account: list(roles) for account, roles in world.platform_roles.items()},
        "last_active": {account: dict(products) for account, products in world.last_active.items()},
        "deletions": dict(world.deletions),
        "domains": list(world.domains),
        "mfa": sorted(world.mfa),
    }


def load(world: World, document: Mapping[str, Any]) -> None:
    """Add what a document holds to a world; raises ValueError for what is no part of one."""
    if unknown := sorted(set(document) - set(_PARTS)):
        raise ValueError(f"Unknown parts: {', '.join(unknown)}. Choose from: {', '.join(_PARTS)}.")
    change_switches(world.switches, **document.get("switches", {}))
    for row in document.get("keys", ()):
        scopes = row.get("scopes")
        key = Key(**{**row, "scopes": None if scopes is None else tuple(scopes)})
        world.keys[key.value] = key
    for who, roles in document.get("platform_roles", {}).items():
        world.platform_roles[world.jira.user(who).account_id] = list(roles)
    for who, products in document.get("last_active", {}).items():
        world.last_active[world.jira.user(who).account_id] = dict(products)
    world.deletions.update(document.get("deletions", {}))
    world.domains = list(document.get("domains", world.domains))
    world.mfa.update(world.jira.user(who).account_id for who in document.get("mfa", ()))


def replicate(world: World) -> World:
    """Return a copy of a world, and of the Jira world below, that goes on no further."""
    copy = World(jira_snapshot.replicate(world.jira))
    copy.keys.clear()
    copy.platform_roles.clear()
    load(copy, dump(world))
    return copy
