"""What is true in a simulated system, and what the current snapshot of it shows: in one form, to be compared whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from access.entitlements import System
from store.snapshot_tables import accounts, grants, resources, snapshot_parts, snapshots
from store.unit_of_work import Store

Document = Mapping[str, Any]

#: Roles of apps, which are nobody's access.
_INTERNAL_ROLE = "atlassian-addons"

#: JumpCloud's states in our words.
_STATES = {"ACTIVATED": "active", "STAGED": "staged", "SUSPENDED": "suspended"}


@dataclass(frozen=True, slots=True)
class Truth:
    """Accounts by id (kind, status), resources (kind, id, name, parent) and direct grants (kind, resource, principal)."""

    accounts: Mapping[str, tuple[str, str]]
    resources: frozenset[tuple[str, str, str, str | None]]
    grants: frozenset[tuple[str, str, str, str]]


def difference(snapshot: Truth, truth: Truth) -> dict[str, list[object]]:
    """What a snapshot shows too much of, and what it lacks; nothing when it is right."""
    pairs = {
        "accounts": (set(snapshot.accounts.items()), set(truth.accounts.items())),
        "resources": (snapshot.resources, truth.resources),
        "grants": (snapshot.grants, truth.grants),
    }
    found: dict[str, list[object]] = {}
    for name, (one, other) in pairs.items():
        found |= {f"too many {name}": list(one - other)} if one - other else {}
        found |= {f"no {name}": list(other - one)} if other - one else {}
    return found


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


def jumpcloud_truth(dump: Document) -> Truth:
    """What a snapshot of this JumpCloud organization has to show."""
    told = not dump["switches"]["missing_state"]
    people = {user["id"]: ("user", _user_status(user, told=told)) for user in dump["users"]}
    people |= {one["id"]: ("admin", "suspended" if one.get("suspended") else "active") for one in dump["admins"]}
    roles = {role["name"]: role["id"] for role in dump["roles"]}
    groups = [group for group in dump["groups"] if group.get("kind", "user_group") == "user_group"]
    things = {("admin-role", role["id"], role["name"], None) for role in dump["roles"]}
    things |= {("group", group["id"], group["name"], None) for group in groups}
    things |= {("application", app["id"], app["display_label"], None) for app in dump["applications"]}
    held = {("group", group["id"], "account", member) for group in groups for member in group["members"]}
    held |= {("admin-role", roles[one["role"]], "account", one["id"]) for one in dump["admins"]}
    for app in dump["applications"]:
        held |= {("application", app["id"], "group", group) for group in app["groups"]}
        held |= {("application", app["id"], "account", user) for user in app["users"]}
    return Truth(people, frozenset(things), frozenset(held))


def _user_status(user: Document, *, told: bool) -> str:
    """``told`` is whether the service says a user's state; where it does not, the suspended alone are known."""
    state = _STATES[user["state"]]
    if state == "staged" and not told:
        state = "active"
    return "locked" if state == "active" and user.get("details", {}).get("account_locked") else state


def jira_truth(dump: Document) -> Truth:
    """What a snapshot of this Jira site has to show."""
    live = [project for project in dump["projects"] if project["status"] == "live"]
    groups = {group["id"]: group for group in dump["groups"]}
    people = {user["account_id"]: (user["account_type"], _account_status(user)) for user in dump["users"]}
    things = {("group", group["id"], group["name"], None) for group in groups.values()}
    things |= {("project", project["id"], project["name"], None) for project in live}
    held = {("group", group["id"], "account", member) for group in groups.values() for member in group["members"]}
    for project in live:
        owner = project["id"] if project["style"] == "next-gen" else None
        for role in dump["roles"]:
            if role["project_id"] != owner or role["name"].startswith(_INTERNAL_ROLE):
                continue
            path = f"{project['id']}/{role['id']}"
            things.add(("project-role", path, role["name"], project["id"]))
            for actor in project["roles"].get(role["id"], ()):
                if actor["user"]:
                    held.add(("project-role", path, "account", actor["user"]))
                elif actor["group"] in groups:
                    held.add(("project-role", path, "group", actor["group"]))
    return Truth(people, frozenset(things), frozenset(held))


def _account_status(user: Document) -> str:
    if user["account_status"] == "closed":
        return "deleted"
    return "active" if (user["account_status"], user["membership_status"]) == ("active", "active") else "suspended"
