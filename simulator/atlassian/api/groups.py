"""Groups of the directory: search, list, count, read, make, delete, and their members."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.responses import Response

from simulator.atlassian import documents
from simulator.atlassian.api.call import Call
from simulator.atlassian.api.cursors import any_of, asked, limit_of, links, page_of
from simulator.atlassian.api.responses import answer, empty
from simulator.atlassian.errors import ApiError
from simulator.atlassian.world import World
from simulator.jira.people import Group, User

_EXPAND = ("counts.resources", "counts.users")
_MOST = {
    "groupNames": 100,
    "groupIds": 10,
    "accountIds": 10,
    "roleIds": 10,
    "directoryIds": 10,
    "resourceOwners": 10,
    "resourceIds": 20,
}


def search(call: Call) -> Response:
    """POST …/groups/search."""
    return _page(call, call.body())


def listing(call: Call) -> Response:
    """GET …/groups: deprecated, still used."""
    query = _from_query(call)
    expand = {"includeResources": "counts.resources", "includeUsers": "counts.users"}
    query["expand"] = [
        word
        for name, word in expand.items()
        if "true" in {call.query.get(name), call.query.get(f"counts[{name}]"), call.query.get(f"counts.{name}")}
    ]
    return _page(call, query)


def count(call: Call) -> Response:
    """GET …/groups/count."""
    query = _from_query(call)
    _check(query)
    keep = _keeper(call.world, query)
    return answer({"count": sum(keep(name) is not None for name in _candidates(call.world, query))})


def read(call: Call) -> Response:
    """GET …/groups/{groupId}."""
    return answer({"data": documents.group_document(call.world, _known(call), _EXPAND)})


def create(call: Call) -> Response:
    """POST …/groups."""
    body = call.body()
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ApiError(400, "ADMIN-400-24", "name is required")
    if _named(call.world, name) is not None:
        raise ApiError(409, "ADMIN-409-28", "A group with this name already exists")
    group = call.world.jira.administration.create_group(
        name, str(body.get("description", "")), actor=call.key.account_id
    )
    return answer({"data": documents.group_document(call.world, group)}, 201)


def delete(call: Call) -> Response:
    """DELETE …/groups/{groupId}."""
    group = _modifiable(call)
    if group.access_type in {"admin", "site-admin"}:
        raise ApiError(403, "ADMIN-403-7", "The group grants admin access")
    if group.grants:
        raise ApiError(403, "ADMIN-403-6", "The group is the default of a product")
    call.world.jira.administration.delete_group(group, actor=call.key.account_id)
    return empty()


def add_member(call: Call) -> Response:
    """POST …/groups/{groupId}/memberships: 409 both for a member and for a full licence."""
    group = _modifiable(call)
    account_id = call.body().get("accountId")
    if not isinstance(account_id, str) or not account_id:
        raise ApiError(400, "ADMIN-400-24", "accountId is required")
    user = _known_user(call, account_id)
    distinct = call.world.switches.conflict_codes == "distinct"
    if call.world.jira.directory.is_member(group, account_id):
        raise ApiError(409, "ADMIN-409-28", "Conflict")
    if group.grants and call.world.jira.switches.licence_full:
        raise ApiError(409, "ADMIN-409-3" if distinct else "ADMIN-409-28", "Conflict")
    call.world.jira.administration.add_member(group, user, actor=call.key.account_id)
    return empty()


def remove_member(call: Call) -> Response:
    """DELETE …/groups/{groupId}/memberships/{accountId}."""
    group = _modifiable(call)
    user = _known_user(call, call.part("accountId"))
    if not call.world.jira.directory.is_member(group, user.account_id):
        raise ApiError(404, "ADMIN-404-8", "The user is not in the group")
    call.world.jira.administration.remove_member(group, user, actor=call.key.account_id)
    return empty()


def role_assignments(call: Call) -> Response:
    """GET …/groups/{groupId}/role-assignments."""
    group = _known(call)
    role = "atlassian/admin" if group.access_type in {"admin", "site-admin"} else "atlassian/user"
    found = [
        {
            "resourceId": call.world.jira.site.resource(name),
            "resourceOwner": name,
            "defaultRole": role,
            "roles": [role],
        }
        for name in group.grants
    ]
    found = [row for row in found if any_of(call.many("resourceIds"), [str(row["resourceId"])])]
    return answer({"data": found[: limit_of(dict(call.query))], "links": links(call, {}, None)})


def _from_query(call: Call) -> dict[str, Any]:
    names = [name for name in _MOST if name != "groupNames"]
    query: dict[str, Any] = {name: call.many(name) for name in names if call.many(name)}
    for name in ("searchTerm", "limit", "cursor"):
        if name in call.query:
            query[name] = call.query[name]
    return query


def _page(call: Call, sent: dict[str, Any]) -> Response:
    wanted = asked(sent)
    query = wanted.query
    _check(query)
    names, keep = _candidates(call.world, query), _keeper(call.world, query)
    groups, mark = page_of(names, wanted.after, limit_of(query), keep)
    expand = query.get("expand", ())
    data = [documents.group_document(call.world, group, expand) for group in groups]
    return answer({"data": data, "links": links(call, query, mark)})


def _check(query: dict[str, Any]) -> None:
    for name, most in _MOST.items():
        value = query.get(name, [])
        if not isinstance(value, list) or len(value) > most:
            raise ApiError(400, "ADMIN-400-24", f"{name} must be a list of at most {most}")
    if query.get("groupNames") and (query.get("groupIds") or query.get("searchTerm")):
        raise ApiError(400, "ADMIN-400-24", "groupNames excludes groupIds and searchTerm")
    if unknown := [one for one in query.get("expand", ()) if one not in _EXPAND]:
        raise ApiError(400, "ADMIN-400-24", f"Unknown expand {unknown[0]}")


def _candidates(world: World, query: dict[str, Any]) -> Sequence[str]:
    """Return the names of the groups that a query can mean, in order."""
    directory = world.jira.directory
    if query.get("groupIds"):
        return sorted(directory.groups[one].name for one in query["groupIds"] if one in directory.groups)
    if query.get("groupNames"):
        found = (_named(world, name) for name in query["groupNames"])
        return sorted({group.name for group in found if group is not None})
    if query.get("accountIds"):
        return sorted({group.name for one in query["accountIds"] for group in directory.groups_of(one)})
    return directory.group_names()


def _keeper(world: World, query: dict[str, Any]) -> Callable[[str], Group | None]:
    """Return the group of a name if it meets every filter."""
    names = [name for one in query.get("resourceIds", ()) for name in world.applications_of(one)]
    term = str(query.get("searchTerm") or "").casefold()
    other_directories = query.get("directoryIds") and world.jira.organization.directory_id not in query["directoryIds"]

    def keep(name: str) -> Group | None:
        group = world.jira.directory.group_by_name(name)
        if group is None or other_directories or name in documents.HIDDEN_GROUPS:
            return None
        roles = {"atlassian/user"} if group.grants else set()
        if group.access_type in {"admin", "site-admin"}:
            roles.add("atlassian/admin")
        met = (
            term in name.casefold()
            and (not query.get("resourceIds") or any_of(names, group.grants))
            and any_of(query.get("resourceOwners"), group.grants)
            and any_of(query.get("roleIds"), roles)
        )
        return group if met else None

    return keep


def _named(world: World, name: str) -> Group | None:
    """Return a group by its name, in any case."""
    directory = world.jira.directory
    exact = directory.group_by_name(name)
    if exact is not None:
        return exact
    wanted = name.casefold()
    return next((group for group in directory.groups.values() if group.name.casefold() == wanted), None)


def _known(call: Call) -> Group:
    group = call.world.jira.directory.groups.get(call.part("groupId"))
    if group is None or group.name in documents.HIDDEN_GROUPS:
        raise ApiError(404, "ADMIN-404-10", "Group not found")
    return group


def _modifiable(call: Call) -> Group:
    group = _known(call)
    if group.external_synced:
        raise ApiError(call.world.switches.synced_group_status, "ADMIN-403-5", "An identity provider fills this group")
    return group


def _known_user(call: Call, account_id: str) -> User:
    user = call.world.jira.directory.users.get(account_id)
    if user is None or user.membership_status == "no_membership":
        raise ApiError(404, "ADMIN-404-8", "User not found")
    return user
