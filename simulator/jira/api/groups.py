from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.paging import page
from simulator.jira.api.responses import ApiError, answer, empty, refuse
from simulator.jira.api.user_documents import user_brief
from simulator.jira.api.users import find
from simulator.jira.people import Group

MEMBER_PAGE = 50
NO_BROWSING = "Browse users and groups permission is required to view groups."
NO_ADMIN = "You are not authorized to perform this action. Administrator privileges are required."
ALREADY = "Cannot add user. User is already a member of '{1}'"
"""The `{1}` is literal: a bug of the service that clients have to live with."""


def bulk(call: Call) -> Response:
    """List groups by name."""
    call.require("USER_PICKER", NO_BROWSING)
    start = call.integer("startAt", 0)
    size = min(call.integer("maxResults", 50), call.world.switches.groups_bulk_cap)
    if start < 0 or size < 1:
        raise refuse(400, "The maxResults parameter must be greater than 0.")
    directory = call.world.directory
    test = _filter(call)
    if test is None:
        total, shown = len(directory.groups), list(directory.groups_in_order(start, start + size))
    else:
        found = [group for group in directory.groups_in_order() if test(group)]
        total, shown = len(found), found[start : start + size]
    details = [{"name": group.name, "groupId": group.id} for group in shown]
    return answer(page(call, details, start=start, size=size, total=total))


def _filter(call: Call) -> Callable[[Group], bool] | None:
    ids, names = set(call.many("groupId")), set(call.many("groupName"))
    access, application = call.query("accessType"), call.query("applicationKey")
    if not (ids or names or access or application):
        return None

    def test(group: Group) -> bool:
        named = not (ids or names) or group.id in ids or group.name in names
        return (
            named and (not access or group.access_type == access) and (not application or application in group.grants)
        )

    return test


def the_group(call: Call) -> Group:
    """Return the group that `groupId` or `groupname` names, or refuse."""
    group_id, name = call.query("groupId"), call.query("groupname")
    if bool(group_id) == bool(name):
        raise refuse(400, "Exactly one of the query parameters 'groupname' and 'groupId' must be provided.")
    directory = call.world.directory
    group = directory.groups.get(group_id) if group_id else directory.group_by_name(name or "")
    if group is None:
        which = f"id '{group_id}'" if group_id else f"name '{name}'"
        raise refuse(404, f"The group with {which} does not exist.")
    return group


def members(call: Call) -> Response:
    """List the members of a group, 50 at most."""
    call.require("USER_PICKER", NO_BROWSING)
    group = the_group(call)
    start = call.integer("startAt", 0)
    size = min(call.integer("maxResults", MEMBER_PAGE), MEMBER_PAGE)
    if start < 0 or size < 1:
        raise refuse(400, "The maxResults parameter must be greater than 0.")
    directory = call.world.directory
    ids = directory.members(group, include_inactive=call.flag("includeInactiveUsers"))
    shown = [user_brief(call, directory.users[each]) for each in ids[start : start + size]]
    return answer(page(call, shown, start=start, size=size, total=len(ids)))


def add_member(call: Call) -> Response:
    """Add somebody to a group."""
    call.require("SITE_ADMIN", NO_ADMIN)
    body = call.members()
    group = the_group(call)
    account_id = body.get("accountId")
    if not isinstance(account_id, str) or not account_id:
        raise refuse(400, "The 'accountId' of the user has to be provided.")
    user = find(call, account_id)
    if user is None or user.account_status == "closed" or user.membership_status == "no_membership":
        raise refuse(404, f"The user with account id '{account_id}' does not exist.")
    _check_writable(call, group)
    if call.world.directory.is_member(group, account_id):
        raise refuse(400, ALREADY)
    if group.grants and call.world.switches.licence_full and not call.world.administration.has_access(user):
        raise refuse(400, "Cannot add user. The licence limit of the product has been reached.")
    call.world.administration.add_member(group, user, actor=call.me.account_id)
    return answer(_group_document(call, group), 201)


def remove_member(call: Call) -> Response:
    """Take somebody out of a group."""
    call.require("SITE_ADMIN", NO_ADMIN)
    group = the_group(call)
    account_id = call.query("accountId")
    if not account_id:
        raise refuse(400, "The 'accountId' query parameter needs to be provided")
    user = call.world.directory.users.get(account_id)
    if user is None:
        raise refuse(404, f"The user with account id '{account_id}' does not exist.")
    _check_writable(call, group)
    if not call.world.directory.is_member(group, account_id):
        status = call.world.switches.remove_nonmember_status
        raise refuse(status, f"Cannot remove user. User is not a member of '{group.name}'")
    call.world.administration.remove_member(group, user, actor=call.me.account_id)
    return empty(200)


def _check_writable(call: Call, group: Group) -> None:
    if group.external_synced:
        raise _externally_managed(call, group)


def _externally_managed(call: Call, group: Group) -> ApiError:
    message = f"The group '{group.name}' is managed by an identity provider and cannot be changed here."
    return refuse(call.world.switches.idp_group_status, message)


def _group_document(call: Call, group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "groupId": group.id,
        "self": f"{call.api}/group?groupId={group.id}",
        "users": {
            "size": len(group.members),
            "items": [],
            "max-results": MEMBER_PAGE,
            "start-index": 0,
            "end-index": 0,
        },
        "expand": "users",
    }


def create(call: Call) -> Response:
    """Make a group."""
    call.require("SITE_ADMIN", NO_ADMIN)
    name = call.members().get("name")
    if not isinstance(name, str) or not name.strip():
        raise refuse(400, "The group name has to be provided.")
    if call.world.directory.group_by_name(name) is not None:
        raise refuse(400, f"A group with the name '{name}' already exists.")
    group = call.world.administration.create_group(name, actor=call.me.account_id)
    return answer(_group_document(call, group), 201)


def delete(call: Call) -> Response:
    """Delete a group."""
    call.require("SITE_ADMIN", NO_ADMIN)
    group = the_group(call)
    _check_writable(call, group)
    call.world.administration.delete_group(group, actor=call.me.account_id)
    return empty(200)


def picker(call: Call) -> Response:
    """Find groups by a piece of their name, for pickers."""
    query = (call.query("query") or "").casefold()
    excluded = {*call.many("excludeId"), *call.many("exclude")}
    directory = call.world.directory
    found = [
        group
        for group in directory.groups_in_order()
        if query in group.name.casefold() and not {group.id, group.name} & excluded
    ]
    cap = call.world.switches.groups_picker_cap
    shown = found[: min(call.integer("maxResults", cap), cap)]
    return answer(
        {
            "header": f"Showing {len(shown)} of {len(found)} matching groups",
            "total": len(found),
            "groups": [{"name": group.name, "html": group.name, "labels": [], "groupId": group.id} for group in shown],
        }
    )


USER = "read:jira-user"
MANAGE = "manage:jira-configuration"
READ = "read:avatar read:group read:user"
OPERATIONS = (
    Operation("GET", "/group/bulk", bulk, USER, "read:group", login="directory"),
    Operation("GET", "/group/member", members, MANAGE, READ, login="directory"),
    Operation("POST", "/group/user", add_member, MANAGE, f"{READ} write:group"),
    Operation("DELETE", "/group/user", remove_member, MANAGE, "write:group"),
    Operation("GET", "/groups/picker", picker, USER, "read:group", login="directory"),
    Operation("POST", "/group", create, MANAGE, f"{READ} write:group"),
    Operation("DELETE", "/group", delete, MANAGE, "delete:group"),
)
