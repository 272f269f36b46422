"""Groups, their members, and what is bound to applications."""

from dataclasses import replace
from typing import Any

from simulator.jumpcloud import rules
from simulator.jumpcloud.associations import change_link, record_association, record_membership
from simulator.jumpcloud.errors import ApiError, not_found
from simulator.jumpcloud.fields import GROUP, check_types
from simulator.jumpcloud.ids import is_object_id
from simulator.jumpcloud.records import Actor, Application, Group
from simulator.jumpcloud.world import World

_METHODS = ("NOTSET", "STATIC", "DYNAMIC_REVIEW_REQUIRED", "DYNAMIC_AUTOMATED")
_FIELDS = {
    "name": "name",
    "description": "description",
    "email": "email",
    "attributes": "attributes",
    "membershipMethod": "membership_method",
    "memberQuery": "member_query",
    "memberSuggestionsNotify": "notify",
    "type": "kind",
}
"""Names on the wire and in the record."""


def create_group(world: World, by: Actor, fields: dict[str, Any]) -> Group:
    """Make a group from fields as on the wire; raises ApiError."""
    own = _own(fields)
    if not own.get("name", "").strip():
        raise ApiError(400, "name is required")
    if own["name"].casefold() in world.group_ids:
        raise ApiError(world.switches.duplicate_group_status, "Already Exists")
    given = fields.get("id")
    if given is not None:
        world.ids.skip_past(given)
    group = Group(id=given or world.ids.next(), **own)
    place_group(world, group, seen_from=world.later())
    world.record("group_create", by, resource=_resource(group))
    rules.evaluate(world, group)
    return group


def place_group(world: World, group: Group, *, seen_from: float = 0) -> None:
    """Put a group into the world and its index."""
    world.groups.put(group, seen_from=seen_from)
    world.group_ids[group.name.casefold()] = group.id


def change_group(world: World, by: Actor, group_id: str, fields: dict[str, Any]) -> Group:
    """Change fields of a group; its id stays. Raises ApiError."""
    group = known_group(world, group_id)
    changed = replace(group, **_own(fields))
    if world.group_ids.get(changed.name.casefold(), group_id) != group_id:
        raise ApiError(world.switches.duplicate_group_status, "Already Exists")
    del world.group_ids[group.name.casefold()]
    place_group(world, changed, seen_from=world.later())
    world.record("group_update", by, resource=_resource(changed), changes=_changes(group, changed))
    rules.evaluate(world, changed)
    return changed


def remove_group(world: World, by: Actor, group_id: str) -> Group:
    """Delete a group with all its memberships and bindings; raises ApiError."""
    group = known_group(world, group_id)
    seen_from = world.later()
    for user_id in list(world.members.rights(group_id)):
        world.members.remove(group_id, user_id, seen_from=seen_from)
        if world.switches.deletion_emits_association_change and (user := world.users.get(user_id)):
            record_membership(world, by, "remove", group, user)
    for application_id in list(world.app_groups.lefts(group_id)):
        world.app_groups.remove(application_id, group_id, seen_from=seen_from)
    world.groups.remove(group_id, seen_from=seen_from)
    del world.group_ids[group.name.casefold()]
    world.suggestions.pop(group_id, None)
    world.record("group_delete", by, resource=_resource(group))
    return group


def known_group(world: World, group_id: str) -> Group:
    """Return the true record of a group; raises ApiError."""
    group = world.groups.get(group_id)
    if group is None:
        raise not_found()
    return group


def change_member(world: World, by: Actor, group_id: str, op: str, user_id: str) -> None:
    """Add a user to a group or remove one; raises ApiError with the answers of the contract, section 4."""
    group = known_group(world, group_id)
    if group.kind != "user_group":
        raise not_found()
    if not is_object_id(user_id):
        raise ApiError(world.switches.malformed_id_status, "Invalid object id")
    user = world.users.get(user_id)
    if op == "add" and user is None:
        raise ApiError(world.switches.unknown_user_on_add_status, "Not Found")
    if op == "add" and user and user.state != "ACTIVATED" and world.switches.inactive_user_on_add_status != 204:
        raise ApiError(world.switches.inactive_user_on_add_status, "User is not active")
    elsewhere = _changes_elsewhere(world, group)
    change_link(world.members, group_id, op, user_id, seen_from=world.later())
    if op != "update":
        record_membership(world, by, op, group, user)
        if elsewhere:
            rules.take_back_later(world, group_id, user_id, op)


def _changes_elsewhere(world: World, group: Group) -> bool:
    """Return whether a rule or another directory will take a change back; refuse when the service does."""
    switches = world.switches
    if group.mastered_by:
        if switches.mastered_change == "reject":
            raise ApiError(switches.mastered_reject_status, "Membership of this group is managed by its directory")
        return True
    if group.membership_method == "DYNAMIC_REVIEW_REQUIRED" and switches.reviewed_change == "reject":
        raise ApiError(switches.dynamic_reject_status, "Membership of this group changes by review")
    if group.membership_method != "DYNAMIC_AUTOMATED":
        return False
    if switches.dynamic_change == "reject":
        raise ApiError(switches.dynamic_reject_status, "Membership of this group is managed automatically")
    return True


def change_binding(
    world: World, by: Actor, application: Application, op: str, target: tuple[str, str], *, from_app: bool
) -> None:
    """Bind a user or group (`target` is its type and id) to an application, or unbind it; raises ApiError."""
    kind, ident = target
    if not is_object_id(ident):
        raise ApiError(world.switches.malformed_id_status, "Invalid object id")
    thing = world.groups.get(ident) if kind == "user_group" else world.users.get(ident)
    if op == "add" and thing is None:
        raise ApiError(world.switches.unknown_user_on_add_status, "Not Found")
    links = world.app_groups if kind == "user_group" else world.app_users
    change_link(links, application.id, op, ident, seen_from=world.later())
    if op == "update" or thing is None:
        return
    label = thing.name if isinstance(thing, Group) else thing.username
    ends = ((kind, ident, label), ("application", application.id, application.display_label))
    if from_app and world.switches.application_binding_from == "application":
        ends = (ends[1], ends[0])
    record_association(world, by, op, *ends)


def _own(fields: dict[str, Any]) -> dict[str, Any]:
    check_types(fields, GROUP)
    own = {_FIELDS[name]: value for name, value in fields.items() if name in _FIELDS}
    if own.get("membership_method", "") is None:
        own["membership_method"] = "NOTSET"
    if "memberQueryExemptions" in fields:
        own["exemptions"] = tuple(_exempted(thing) for thing in fields["memberQueryExemptions"] or ())
    rules.check_query(own.get("member_query"))
    if own.get("membership_method", "STATIC") not in _METHODS:
        raise ApiError(400, f"membershipMethod must be one of {', '.join(_METHODS)}")
    return own


def _exempted(thing: Any) -> str:
    if not isinstance(thing, dict) or not is_object_id(thing.get("id")):
        raise ApiError(400, "memberQueryExemptions must be a list of graph objects")
    return str(thing["id"])


def _changes(before: Group, after: Group) -> list[dict[str, Any]]:
    """Return what an event says of a changed group."""
    values = ((wire, getattr(before, own), getattr(after, own)) for wire, own in _FIELDS.items())
    return [{"field": wire, "from": old, "to": new} for wire, old, new in values if old != new]


def _resource(group: Group) -> dict[str, Any]:
    return {"id": group.id, "type": group.kind, "name": group.name}
