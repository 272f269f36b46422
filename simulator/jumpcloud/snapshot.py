"""The truth of a world as plain JSON, and back.

A document has any of `switches`, `organization`, `users`, `admins`, `roles`, `keys`, `service_accounts`, `groups`,
`applications`, `directories`, `events` and `organizations` (documents of the other organizations behind the same
keys). Ids may be left out and are given then. `members` of a group, and `users` and `groups` of an application, are
ids, or what a person would write: an e-mail address, a user name, a group name.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from simulator.folding import ascii_lower
from simulator.jumpcloud.journal import seconds
from simulator.jumpcloud.people import stored_text
from simulator.jumpcloud.records import (
    Admin,
    Application,
    Directory,
    Group,
    Key,
    Role,
    ServiceAccount,
    User,
)
from simulator.jumpcloud.world import World
from simulator.switches import change_switches

_PARTS = (
    "switches",
    "organization",
    "roles",
    "users",
    "admins",
    "keys",
    "service_accounts",
    "groups",
    "applications",
    "directories",
    "events",
    "organizations",
)
_ALWAYS = ("id", "name", "description", "active", "api_key_allowed", "enabled")
"""Fields whose empty value is not their default."""


def dump(world: World) -> dict[str, Any]:
    """Return everything that is true in this world."""
    return {
        "switches": world.switches.model_dump(mode="json"),
        "organization": {"id": world.organization_id, "name": world.organization_name},
        "roles": [_slim(role) for role in world.roles],
        "users": [_slim(user) for user in world.users],
        "admins": [_slim(admin) for admin in world.admins],
        "keys": [_slim(key) for key in world.keys.values()],
        "service_accounts": [_slim(account) for account in world.service_accounts.values()],
        "groups": [{**_slim(group), "members": list(world.members.rights(group.id))} for group in world.groups],
        "applications": [
            {
                **_slim(application),
                "groups": list(world.app_groups.rights(application.id)),
                "users": list(world.app_users.rights(application.id)),
            }
            for application in world.applications
        ],
        "directories": [_slim(directory) for directory in world.directories],
        "events": [event.body for event in world.journal],
        "organizations": [dump(other) for other in world.organizations.values()],
    }


def load(world: World, document: Mapping[str, Any]) -> None:
    """Add what the document holds; raises ValueError when it makes no sense."""
    if unknown := sorted(set(document) - set(_PARTS)):
        raise ValueError(f"Unknown parts: {', '.join(unknown)}. Choose from: {', '.join(_PARTS)}.")
    change_switches(world.switches, **document.get("switches", {}))
    organization = document.get("organization", {})
    world.organization_id = world.journal.organization = organization.get("id", world.organization_id)
    world.organization_name = organization.get("name", world.organization_name)
    world.roles.fill(_records(world, Role, document, "roles"))
    _load_users(world, document)
    _load_access(world, document)
    _load_groups(world, document)
    _load_applications(world, document)
    world.directories.fill(_records(world, Directory, document, "directories"))
    world.journal.restore(list(document.get("events", [])))
    for other in document.get("organizations", []):
        added = World(clock=world.clock, founded=False)
        load(added, other)
        world.organizations[added.organization_id] = added


def replicate(world: World) -> World:
    """Return a copy of a world that goes on no further; tokens work there too."""
    copy = World(clock=world.clock, founded=False)
    load(copy, dump(world))
    copy.tokens.update(world.tokens)
    copy.suggestions.update({group: dict(waiting) for group, waiting in world.suggestions.items()})
    return copy


def _load_users(world: World, document: Mapping[str, Any]) -> None:
    users = _records(world, User, document, "users")
    for user in users:
        world.user_ids[ascii_lower(user.email)] = world.user_ids[ascii_lower(user.username)] = user.id
    world.users.fill(users)


def _load_access(world: World, document: Mapping[str, Any]) -> None:
    world.admins.fill(_records(world, Admin, document, "admins"))
    by_email = {admin.email: admin.id for admin in world.admins}
    for row in document.get("keys", []):
        admin_id = row.get("admin_id") or by_email.get(str(row.get("admin", "")).lower())
        if admin_id is None:
            raise ValueError(f"No administrator has the key {row['key']!r}. Give admin_id, or his e-mail as admin.")
        world.keys[row["key"]] = Key(row["key"], admin_id, row.get("created", world.clock()), row.get("expires_at"))
    for row in document.get("service_accounts", []):
        account = ServiceAccount(**{**row, "secrets": tuple(row["secrets"])})
        world.service_accounts[account.client_id] = account


def _load_groups(world: World, document: Mapping[str, Any]) -> None:
    rows = document.get("groups", [])
    groups = _records(world, Group, document, "groups", besides=("members",))
    for row, group in zip(rows, groups, strict=True):
        world.group_ids[group.name.casefold()] = group.id
        world.members.fill(group.id, [user_id_of(world, name) for name in row.get("members", ())])
    world.groups.fill(groups)


def _load_applications(world: World, document: Mapping[str, Any]) -> None:
    rows = document.get("applications", [])
    applications = _records(world, Application, document, "applications", besides=("groups", "users"))
    for row, application in zip(rows, applications, strict=True):
        world.app_groups.fill(application.id, [group_id_of(world, name) for name in row.get("groups", ())])
        world.app_users.fill(application.id, [user_id_of(world, name) for name in row.get("users", ())])
    world.applications.fill(applications)


def user_id_of(world: World, name: str) -> str:
    """Return the id of a user given by id, e-mail address or user name; raises ValueError."""
    if name in world.users:
        return name
    found = world.user_ids.get(ascii_lower(str(name)))
    if found is None:
        raise ValueError(f"There is no user {name!r}.")
    return found


def group_id_of(world: World, name: str) -> str:
    """Return the id of a group given by id or name; raises ValueError."""
    if name in world.groups:
        return name
    found = world.group_ids.get(str(name).casefold())
    if found is None:
        raise ValueError(f"There is no group {name!r}.")
    return found


def _records(
    world: World, kind: Any, document: Mapping[str, Any], part: str, *, besides: tuple[str, ...] = ()
) -> list[Any]:
    known = {field.name for field in fields(kind)}
    made = []
    for row in document.get(part, []):
        values = {name: value for name, value in row.items() if name not in besides}
        if unknown := sorted(set(values) - known):
            raise ValueError(
                f"Unknown fields in {part}: {', '.join(unknown)}. Choose from: {', '.join(sorted(known))}."
            )
        _complete(world, kind, values)
        try:
            made.append(kind(**values))
        except TypeError as exc:
            raise ValueError(f"A row of {part} is not complete: {exc}.") from exc
    return made


def _complete(world: World, kind: Any, values: dict[str, Any]) -> None:
    """Bring values into the form of the record, and give what was left out and can be given."""
    if "id" in values:
        world.ids.skip_past(values["id"])
    else:
        values["id"] = world.ids.next()
    if kind in {User, Admin, Application}:
        created = values.get("created", int(world.clock() * 1000))
        values["created"] = int(seconds(created) * 1000) if isinstance(created, str) else created
    if kind in {User, Admin}:
        values["email"] = stored_text(world, str(values.get("email", "")))
    if kind is User:
        values["username"] = stored_text(world, str(values.get("username") or values["email"].partition("@")[0]))
    if kind is Application:
        values.setdefault("display_label", values.get("name", ""))
    for name in {"scopes", "exemptions"} & values.keys():
        values[name] = tuple(values[name])


def _slim(record: Any) -> dict[str, Any]:
    """Return a record as plain JSON, without the fields that have nothing to say."""
    return {
        field.name: list(value) if isinstance(value, tuple) else value
        for field in fields(record)
        if (value := getattr(record, field.name)) or field.name in _ALWAYS
    }
