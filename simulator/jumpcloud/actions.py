"""What a person does in the console: changes that do not come through the API of the client under test.

Users are named by id, e-mail address or user name, groups by id or name, administrators by id or e-mail address,
applications by id or label. Further `fields` have their names on the wire.
"""

import secrets
from dataclasses import replace
from typing import Any

from simulator.actions import ActionError, actions_by_name, perform
from simulator.jumpcloud import applications, groups, people, rules
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.records import ACCESS_REQUEST, CONSOLE, Actor, Application, Directory, Key
from simulator.jumpcloud.snapshot import group_id_of, user_id_of
from simulator.jumpcloud.world import World

_ACCESS_REQUESTS = replace(CONSOLE, auth_method=ACCESS_REQUEST)


def add_user(world: World, *, email: str, username: str | None = None, **fields: Any) -> dict[str, Any]:
    """Add a system user; without a user name the local part of the address is one."""
    fields |= {"email": email, "username": username or email.partition("@")[0]}
    return {"id": people.create_user(world, CONSOLE, fields).id}


def change_user(world: World, *, user: str, **fields: Any) -> dict[str, Any]:
    """Change fields of a system user."""
    return {"id": people.change_user(world, CONSOLE, user_id_of(world, user), fields).id}


def suspend_user(world: World, *, user: str) -> dict[str, Any]:
    """Suspend a system user."""
    return change_user(world, user=user, state="SUSPENDED")


def activate_user(world: World, *, user: str) -> dict[str, Any]:
    """Activate a system user."""
    return change_user(world, user=user, state="ACTIVATED")


def lock_user(world: World, *, user: str, seconds: float | None = None) -> dict[str, Any]:
    """Lock a system user out, for so many seconds or until unlocked."""
    return {"id": people.lock_user(world, CONSOLE, user_id_of(world, user), seconds=seconds).id}


def unlock_user(world: World, *, user: str) -> dict[str, Any]:
    """Let a locked system user in again, as a reset of the password does."""
    return {"id": people.unlock_user(world, CONSOLE, user_id_of(world, user)).id}


def delete_user(world: World, *, user: str) -> dict[str, Any]:
    """Delete a system user."""
    return {"id": people.remove_user(world, CONSOLE, user_id_of(world, user)).id}


def add_group(world: World, *, name: str, **fields: Any) -> dict[str, Any]:
    """Add a group."""
    return {"id": groups.create_group(world, CONSOLE, {"name": name, **fields}).id}


def change_group(world: World, *, group: str, **fields: Any) -> dict[str, Any]:
    """Change fields of a group; the id stays."""
    return {"id": groups.change_group(world, CONSOLE, group_id_of(world, group), fields).id}


def delete_group(world: World, *, group: str) -> dict[str, Any]:
    """Delete a group."""
    return {"id": groups.remove_group(world, CONSOLE, group_id_of(world, group)).id}


def add_member(world: World, *, group: str, user: str) -> dict[str, Any]:
    """Add a user to a group."""
    return _change_member(world, group, "add", user)


def remove_member(world: World, *, group: str, user: str) -> dict[str, Any]:
    """Take a user out of a group."""
    return _change_member(world, group, "remove", user)


def approve_access_request(world: World, *, group: str, user: str) -> dict[str, Any]:
    """Approve a user's request for a group in JumpCloud's own Access Requests, which adds the user."""
    return _change_member(world, group, "add", user, by=_ACCESS_REQUESTS)


def end_access_request(world: World, *, group: str, user: str) -> dict[str, Any]:
    """Let the access that such a request gave come to its end, which takes the user out."""
    return _change_member(world, group, "remove", user, by=_ACCESS_REQUESTS)


def _change_member(world: World, group: str, op: str, user: str, *, by: Actor = CONSOLE) -> dict[str, Any]:
    group_id, user_id = group_id_of(world, group), user_id_of(world, user)
    groups.change_member(world, by, group_id, op, user_id)
    return {"group": group_id, "user": user_id}


def master_group(world: World, *, group: str, directory: str, kind: str = "active_directory") -> dict[str, Any]:
    """Let another directory (made when its name is new) have the say about the members of a group."""
    found = next((each for each in world.directories if directory in {each.id, each.name}), None)
    if found is None:
        found = Directory(world.ids.next(), directory, kind)
        world.directories.put(found)
    known = groups.known_group(world, group_id_of(world, group))
    groups.place_group(world, replace(known, mastered_by=found.id))
    return {"group": known.id, "directory": found.id}


def release_group(world: World, *, group: str) -> dict[str, Any]:
    """Let JumpCloud itself have the say about the members of a group again."""
    known = groups.known_group(world, group_id_of(world, group))
    groups.place_group(world, replace(known, mastered_by=""))
    return {"group": known.id}


def sync_group(world: World, *, group: str, members: list[str] | None = None) -> dict[str, Any]:
    """Let the other directory take back what was changed by hand, and bring its own `members` when given."""
    group_id = group_id_of(world, group)
    rules.take_back(world, group_id)
    if members is not None:
        ought = dict.fromkeys(user_id_of(world, each) for each in members)
        for user_id in [each for each in world.members.rights(group_id) if each not in ought]:
            world.members.remove(group_id, user_id, seen_from=world.later())
        for user_id in ought:
            if not world.members.has(group_id, user_id):
                world.members.add(group_id, user_id, seen_from=world.later())
    return {"group": group_id, "members": len(world.members.rights(group_id))}


def add_organization(world: World, *, organization_id: str, name: str = "Other Corp") -> dict[str, Any]:
    """Add another organization that keys of several organizations open; fill it by actions with `organization`."""
    if organization_id in {world.organization_id, *world.organizations}:
        raise ValueError(f"There is an organization {organization_id!r} already.")
    added = World(clock=world.clock, organization_id=organization_id, founded=False)
    added.organization_name = name
    world.organizations[organization_id] = added
    return {"id": organization_id}


def set_organization(world: World, *, organization_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    """Give the organization another id or name, as if the keys belonged to another one."""
    world.organization_id = world.journal.organization = organization_id or world.organization_id
    world.organization_name = name or world.organization_name
    return {"id": world.organization_id, "name": world.organization_name}


def add_application(world: World, *, name: str, **fields: Any) -> dict[str, Any]:
    """Add an SSO application."""
    return {"id": applications.create_application(world, CONSOLE, {"name": name, **fields}).id}


def delete_application(world: World, *, application: str) -> dict[str, Any]:
    """Delete an SSO application with its bindings."""
    found = _application(world, application)
    return {"id": applications.remove_application(world, CONSOLE, found.id).id}


def bind_application(
    world: World, *, application: str, group: str | None = None, user: str | None = None
) -> dict[str, Any]:
    """Bind a group or a user to an application."""
    return _change_binding(world, application, "add", group, user)


def unbind_application(
    world: World, *, application: str, group: str | None = None, user: str | None = None
) -> dict[str, Any]:
    """Unbind a group or a user from an application."""
    return _change_binding(world, application, "remove", group, user)


def _change_binding(world: World, application: str, op: str, group: str | None, user: str | None) -> dict[str, Any]:
    if (group is None) == (user is None):
        raise ValueError("Name a group or a user.")
    kind = "user" if group is None else "user_group"
    ident = user_id_of(world, user or "") if group is None else group_id_of(world, group)
    found = _application(world, application)
    groups.change_binding(world, CONSOLE, found, op, (kind, ident), from_app=True)
    return {"application": found.id, kind: ident}


def add_admin(world: World, *, email: str, **fields: Any) -> dict[str, Any]:
    """Add an administrator with a key (`apiKey`, else one is made)."""
    key = fields.pop("apiKey", None) or _new_key()
    made = people.create_admin(world, CONSOLE, {"email": email, **fields, "apiKey": key})
    return {"id": made.id, "api_key": key}


def change_admin(world: World, *, admin: str, **fields: Any) -> dict[str, Any]:
    """Change fields of an administrator."""
    return {"id": people.change_admin(world, CONSOLE, _admin(world, admin), fields).id}


def delete_admin(world: World, *, admin: str) -> dict[str, Any]:
    """Delete an administrator; the key dies with him."""
    return {"id": people.remove_admin(world, CONSOLE, _admin(world, admin)).id}


def reset_key(
    world: World, *, admin: str, api_key: str | None = None, expires_at: float | None = None
) -> dict[str, Any]:
    """Give an administrator another key; the old one is no good any more. Times are seconds since 1970."""
    admin_id = _admin(world, admin)
    world.keys = {text: key for text, key in world.keys.items() if key.admin_id != admin_id}
    text = api_key or _new_key()
    world.keys[text] = Key(text, admin_id, world.clock(), expires_at)
    return {"api_key": text}


def expire_key(world: World, *, api_key: str) -> dict[str, Any]:
    """Let a key expire now."""
    if api_key not in world.keys:
        raise ValueError("There is no such key.")
    world.keys[api_key] = replace(world.keys[api_key], expires_at=world.clock())
    return {"api_key": api_key}


def change_service_account(
    world: World,
    *,
    client_id: str,
    role: str | None = None,
    enabled: bool | None = None,
    secrets: list[str] | None = None,
) -> dict[str, Any]:
    """Change the role, the secrets or the state of a service account."""
    account = world.service_accounts.get(client_id)
    if account is None:
        raise ValueError(f"There is no service account {client_id!r}.")
    world.service_accounts[client_id] = replace(
        account,
        role=account.role if role is None else role,
        enabled=account.enabled if enabled is None else enabled,
        secrets=account.secrets if secrets is None else tuple(secrets),
    )
    return {"client_id": client_id}


def revoke_tokens(world: World) -> dict[str, Any]:
    """Revoke every token of every service account."""
    revoked = len(world.tokens)
    world.tokens.clear()
    return {"revoked": revoked}


def evaluate_rules(world: World) -> dict[str, Any]:
    """Evaluate the rules of all dynamic groups, as happens at night."""
    rules.evaluate_all(world)
    return {"groups": [group.id for group in world.groups if group.dynamic]}


def _admin(world: World, name: str) -> str:
    for admin in world.admins:
        if name in {admin.id, admin.email}:
            return admin.id
    raise ValueError(f"There is no administrator {name!r}.")


def _application(world: World, name: str) -> Application:
    for application in world.applications:
        if name in {application.id, application.display_label, application.name}:
            return application
    raise ValueError(f"There is no application {name!r}.")


def _new_key() -> str:
    return f"jca_{secrets.token_hex(18)}"


ACTIONS = actions_by_name(
    add_user,
    change_user,
    suspend_user,
    activate_user,
    lock_user,
    unlock_user,
    delete_user,
    add_group,
    change_group,
    delete_group,
    add_member,
    remove_member,
    approve_access_request,
    end_access_request,
    master_group,
    release_group,
    sync_group,
    add_organization,
    set_organization,
    add_application,
    delete_application,
    bind_application,
    unbind_application,
    add_admin,
    change_admin,
    delete_admin,
    reset_key,
    expire_key,
    change_service_account,
    revoke_tokens,
    evaluate_rules,
)


def act(world: World, action: str, /, **details: Any) -> dict[str, Any]:
    """Carry out an action, in another organization when `organization` names one; raises ActionError."""
    other = details.pop("organization", None)
    if other is not None and other != world.organization_id:
        if other not in world.organizations:
            raise ActionError(f"There is no organization {other!r}.")
        world = world.organizations[other]
    try:
        return perform(ACTIONS, world, action, details)
    except ApiError as refused:
        raise ActionError(f"{action}: {refused.message or 'refused'} (status {refused.status}).") from refused
