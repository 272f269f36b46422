"""System users and administrators: how they come, change and go."""

from dataclasses import replace
from typing import Any

from simulator.folding import ascii_lower
from simulator.jumpcloud import rules
from simulator.jumpcloud.associations import record_membership
from simulator.jumpcloud.errors import ApiError, not_found
from simulator.jumpcloud.fields import ADMIN, USER, check_types
from simulator.jumpcloud.ids import is_object_id
from simulator.jumpcloud.journal import timestamp
from simulator.jumpcloud.records import SERVICE, Actor, Admin, Key, State, User
from simulator.jumpcloud.world import World

_COLUMNS = ("username", "email", "firstname", "lastname", "department", "state")
"""Fields of the wire that have a place of their own in the record."""
_STATES = ("STAGED", "ACTIVATED", "SUSPENDED")


def create_user(world: World, by: Actor, fields: dict[str, Any]) -> User:
    """Make a system user from fields as on the wire; raises ApiError."""
    check_types(fields, USER)
    email = stored_text(world, fields.get("email", ""))
    username = stored_text(world, fields.get("username", ""))
    if not email or not username:
        raise ApiError(400, "username and email are required")
    if world.user_ids.keys() & {ascii_lower(email), ascii_lower(username)}:
        raise ApiError(409, "A user with this username or email already exists")
    own, details = _split(fields)
    user = User(
        id=_new_id(world, fields),
        created=int(world.clock() * 1000),
        details=details,
        **{**own, "email": email, "username": username},
    )
    place_user(world, user, seen_from=world.later())
    world.record("user_create", by, resource=user_resource(user))
    rules.evaluate_all(world)
    return user


def place_user(world: World, user: User, *, seen_from: float = 0) -> None:
    """Put a user into the world and its indexes."""
    world.users.put(user, seen_from=seen_from)
    world.user_ids[ascii_lower(user.email)] = world.user_ids[ascii_lower(user.username)] = user.id


def stored_text(world: World, text: str) -> str:
    """Return an address or user name as the service keeps it."""
    return ascii_lower(text) if world.switches.names_stored == "lower" else text


def change_user(world: World, by: Actor, user_id: str, fields: dict[str, Any]) -> User:
    """Change fields of a system user; raises ApiError."""
    check_types(fields, USER)
    user = known_user(world, user_id)
    own, details = _split(fields)
    for name in {"email", "username"} & own.keys():
        own[name] = stored_text(world, own[name])
        if not own[name]:
            raise ApiError(400, f"{name} is required")
        if world.user_ids.get(ascii_lower(own[name]), user.id) != user.id:
            raise ApiError(409, f"A user with this {name} already exists")
    changed = replace(user, **own, details={**user.details, **details})
    for name in (user.email, user.username):
        world.user_ids.pop(ascii_lower(name), None)
    place_user(world, changed, seen_from=world.later())
    world.record(
        _kind_of_change(user, changed),
        by,
        resource=user_resource(changed),
        changes=[{"field": name, "to": value} for name, value in fields.items()],
    )
    rules.evaluate_all(world)
    return changed


def remove_user(world: World, by: Actor, user_id: str) -> User:
    """Delete a system user, who is then in no group any more; raises ApiError."""
    user = known_user(world, user_id)
    seen_from = world.later(max(world.switches.deleted_user_lingers_ms, world.switches.consistency_lag_ms))
    for group_id in list(world.members.lefts(user_id)):
        world.members.remove(group_id, user_id, seen_from=seen_from)
        if world.switches.deletion_emits_association_change and (group := world.groups.get(group_id)):
            record_membership(world, by, "remove", group, user)
    for application_id in list(world.app_users.lefts(user_id)):
        world.app_users.remove(application_id, user_id, seen_from=seen_from)
    world.users.remove(user_id, seen_from=world.later())
    for name in (user.email, user.username):
        world.user_ids.pop(ascii_lower(name), None)
    for waiting in world.suggestions.values():
        waiting.pop(user_id, None)
    world.record("user_delete", by, resource=user_resource(user))
    return user


def lock_user(world: World, by: Actor, user_id: str, *, seconds: float | None) -> User:
    """Lock a user out, for so long or until unlocked; raises ApiError."""
    at = world.clock()
    world.unlocks_due.pop(user_id, None)
    changed = change_user(world, by, user_id, {"account_locked": True, "account_locked_date": timestamp(at)})
    if seconds is not None:
        world.unlocks_due[user_id] = at + seconds
    return changed


def unlock_user(world: World, by: Actor, user_id: str) -> User:
    """Let a user in again; raises ApiError."""
    world.unlocks_due.pop(user_id, None)
    return change_user(world, by, user_id, {"account_locked": False, "account_locked_date": None})


def unlock_due(world: World) -> None:
    """Unlock those whose time is over."""
    now = world.clock()
    for user_id in [user_id for user_id, at in world.unlocks_due.items() if at <= now]:
        if user_id in world.users:
            unlock_user(world, SERVICE, user_id)
        world.unlocks_due.pop(user_id, None)


def known_user(world: World, user_id: str) -> User:
    """Return the true record of a user; raises ApiError."""
    user = world.users.get(user_id)
    if user is None:
        raise not_found()
    return user


def create_admin(world: World, by: Actor, fields: dict[str, Any]) -> Admin:
    """Make an administrator; raises ApiError."""
    check_types(fields, ADMIN)
    email = ascii_lower(fields.get("email", ""))
    if not email:
        raise ApiError(400, "email is required")
    if any(admin.email == email for admin in world.admins):
        raise ApiError(409, "An administrator with this email already exists")
    admin = Admin(
        id=_new_id(world, fields),
        email=email,
        created=int(world.clock() * 1000),
        firstname=fields.get("firstname", ""),
        lastname=fields.get("lastname", ""),
        role=fields.get("roleName", "Administrator"),
        suspended=bool(fields.get("suspended", False)),
        api_key_allowed=bool(fields.get("apiKeyAllowed", True)),
        multi_tenant=bool(fields.get("multiTenant", False)),
    )
    world.admins.put(admin)
    if "apiKey" in fields:
        world.keys[fields["apiKey"]] = Key(fields["apiKey"], admin.id, world.clock(), fields.get("expiresAt"))
    world.record("admin_create", by, resource=admin_resource(admin))
    return admin


def change_admin(world: World, by: Actor, admin_id: str, fields: dict[str, Any]) -> Admin:
    """Change an administrator; raises ApiError."""
    admin = world.admins.get(admin_id)
    if admin is None:
        raise not_found()
    check_types(fields, ADMIN)
    names = {"roleName": "role", "apiKeyAllowed": "api_key_allowed", "multiTenant": "multi_tenant"}
    kept = {"email", "firstname", "lastname", "suspended", *names}
    own = {names.get(name, name): value for name, value in fields.items() if name in kept}
    if "email" in own:
        own["email"] = ascii_lower(own["email"])
    changed = replace(admin, **own)
    world.admins.put(changed)
    world.record("admin_update", by, resource=admin_resource(changed))
    return changed


def remove_admin(world: World, by: Actor, admin_id: str) -> Admin:
    """Delete an administrator, whose key dies with him; raises ApiError."""
    admin = world.admins.get(admin_id)
    if admin is None:
        raise not_found()
    world.admins.remove(admin_id)
    world.keys = {text: key for text, key in world.keys.items() if key.admin_id != admin_id}
    world.record("admin_delete", by, resource=admin_resource(admin))
    return admin


def user_resource(user: User) -> dict[str, Any]:
    """Return a user as events name it."""
    return {"id": user.id, "type": "user", "username": user.username}


def admin_resource(admin: Admin) -> dict[str, Any]:
    """Return an administrator as events name him."""
    return {"id": admin.id, "type": "admin", "email": admin.email}


def _new_id(world: World, fields: dict[str, Any]) -> str:
    given = fields.get("_id") or fields.get("id")
    if given is None:
        return world.ids.next()
    if not is_object_id(given):
        raise ApiError(400, f"{given!r} is not an id of 24 hex digits")
    world.ids.skip_past(given)
    return str(given)


def _split(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    own = {name: fields[name] for name in _COLUMNS if name in fields}
    if "suspended" in fields and "state" not in fields:
        own["state"] = "SUSPENDED" if fields["suspended"] else "ACTIVATED"
    if own.get("state", "ACTIVATED") not in _STATES:
        raise ApiError(400, f"state must be one of {', '.join(_STATES)}")
    kept_elsewhere = {*_COLUMNS, "_id", "id", "suspended", "created", "organization", "password"}
    return own, {name: value for name, value in fields.items() if name not in kept_elsewhere}


def _kind_of_change(before: User, after: User) -> str:
    kinds: dict[tuple[State, State], str] = {
        ("ACTIVATED", "SUSPENDED"): "user_suspended",
        ("STAGED", "SUSPENDED"): "user_suspended",
        ("SUSPENDED", "ACTIVATED"): "user_unsuspended",
        ("STAGED", "ACTIVATED"): "user_activated",
    }
    locked = (before.details.get("account_locked", False), after.details.get("account_locked", False))
    if locked[0] != locked[1]:
        return "user_lockout" if locked[1] else "user_unlocked"
    return kinds.get((before.state, after.state), "user_update")
