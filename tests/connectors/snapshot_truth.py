"""What is true in a simulated system, and what a snapshot of it shows: in one form, to be compared whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.reading import AccountRow, GrantRow, ResourceRow, Row

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


def shown(rows: Iterable[Row]) -> Truth:
    """The rows of a snapshot, in which nothing may come twice."""
    people: dict[str, tuple[str, str]] = {}
    resources, held = set[tuple[str, str, str, str | None]](), set[tuple[str, str, str, str]]()
    for row in (every := list(rows)):
        match row:
            case AccountRow():
                people[row.id] = (row.kind, row.status)
            case ResourceRow():
                resources.add((row.kind, row.id, row.name, row.parent))
            case GrantRow():
                held.add((row.kind, row.resource, row.principal_kind, row.principal))
    assert len(people) + len(resources) + len(held) == len(every), "a row came twice"
    return Truth(people, frozenset(resources), frozenset(held))


def is_between(snapshot: Truth, earlier: Truth, later: Truth) -> bool:
    """Whether each list is what it was at some moment between two, while somebody changed things."""
    for name in ("resources", "grants"):
        seen, one, other = (getattr(truth, name) for truth in (snapshot, earlier, later))
        assert one & other <= seen <= one | other, name
    people, one, other = (set(truth.accounts.items()) for truth in (snapshot, earlier, later))
    assert one & other <= people <= one | other
    return True


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
