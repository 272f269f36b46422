"""People of the directory: search, list, count, read, suspend, restore, remove."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.responses import Response

from simulator.atlassian import documents
from simulator.atlassian.api.call import Call
from simulator.atlassian.api.cursors import any_of, asked, limit_of, links, page_of
from simulator.atlassian.api.responses import answer, empty
from simulator.atlassian.errors import ApiError
from simulator.atlassian.world import ORG_ADMIN, World
from simulator.jira.administration import named_user
from simulator.jira.people import User

_EXPAND = ("platformRoles", "counts.resources", "productAccess", "groups")
_MOST = {
    "emails": 100,
    "accountIds": 10,
    "groupIds": 10,
    "roleIds": 10,
    "directoryIds": 10,
    "emailDomains": 10,
    "resourceIds": 20,
}
"""How many values each list of a search may have."""
_LISTS = (*_MOST, "status", "accountStatus", "membershipStatus")
_SEARCH_LIMIT = 50
_USER_NOT_FOUND = "ADMIN-404-8"


def search(call: Call) -> Response:
    """POST …/users/search."""
    return _page(call, call.body(), default=_SEARCH_LIMIT)


def listing(call: Call) -> Response:
    """GET …/users: deprecated, still used."""
    query: dict[str, Any] = {name: call.many(name) for name in _LISTS if call.many(name)}
    for name in ("searchTerm", "claimStatus", "limit", "cursor"):
        if name in call.query:
            query[name] = call.query[name]
    if "mfaEnabled" in call.query:
        query["mfaEnabled"] = call.query["mfaEnabled"] == "true"
    query.pop("emails", None)
    return _page(call, query, default=20)


def count(call: Call) -> Response:
    """GET …/users/count."""
    query: dict[str, Any] = {name: call.many(name) for name in _LISTS if call.many(name)}
    for name in ("searchTerm", "claimStatus"):
        if name in call.query:
            query[name] = call.query[name]
    _check(query)
    keys, _ = _candidates(call.world, query)
    keep = _keeper(call.world, query)
    return answer({"count": sum(keep(key) is not None for key in keys)})


def read(call: Call) -> Response:
    """GET …/users/{accountId}."""
    user = _listed(call.world, call.part("accountId"))
    document = documents.user_document(call.world, user, ("platformRoles", "counts.resources"))
    del document["links"]
    return answer({"data": document})


def suspend(call: Call) -> Response:
    """POST …/users/{accountId}/suspend."""
    user = _member(call)
    _check_protected(call, user)
    if user.membership_status == "suspended":
        return _again(call.world.switches.repeated_suspend_status)
    call.world.jira.administration.set_membership_status(user, "suspended", actor=call.key.account_id)
    return empty()


def restore(call: Call) -> Response:
    """POST …/users/{accountId}/restore."""
    user = _member(call)
    if user.membership_status == "active":
        return _again(call.world.switches.repeated_restore_status)
    call.world.jira.administration.set_membership_status(user, "active", actor=call.key.account_id)
    return empty()


def remove(call: Call) -> Response:
    """DELETE …/users/{accountId}: carried out at once, seen after its delay."""
    known = call.world.jira.directory.users.get(call.part("accountId"))
    gone = known is not None and known.membership_status == "no_membership"
    if gone and call.world.switches.repeated_remove_status == 204:
        return empty()
    user = _member(call)
    _check_protected(call, user)
    seen_from = call.world.jira.now() + call.world.switches.removal_delay_ms / 1000
    call.world.jira.administration.remove_user(user, seen_from=seen_from, actor=call.key.account_id)
    return empty()


def role_assignments(call: Call) -> Response:
    """GET …/users/{accountId}/role-assignments."""
    world = call.world
    user = _listed(world, call.part("accountId"))
    found = [
        {
            "resourceId": f"ari:cloud:platform::org/{world.jira.organization.id}",
            "resourceOwner": "platform",
            "roles": list(world.platform_roles[user.account_id]),
            "roleAssignments": [
                {"role": role, "roleAssignmentMethods": ["direct"]} for role in world.platform_roles[user.account_id]
            ],
        }
        for _ in range(bool(world.platform_roles.get(user.account_id)))
    ]
    found += [
        {
            "resourceId": world.jira.site.resource(name),
            "resourceOwner": name,
            "directoryId": world.jira.organization.directory_id,
            "userDirectoryStatus": world.membership_status(user),
            "roles": ["atlassian/user"],
            "roleAssignments": [{"role": "atlassian/user", "roleAssignmentMethods": ["group_direct"]}],
        }
        for name in world.products_of(user)
    ]
    found = [row for row in found if any_of(call.many("resourceIds"), [str(row["resourceId"])])]
    return answer({"data": found[: limit_of(dict(call.query))], "links": links(call, {}, None)})


def _page(call: Call, sent: dict[str, Any], *, default: int) -> Response:
    wanted = asked(sent)
    query = wanted.query
    _check(query)
    keys, in_order = _candidates(call.world, query)
    limit = limit_of(query, default=default)
    users, mark = page_of(keys, wanted.after, limit, _keeper(call.world, query), in_order=in_order)
    expand = query.get("expand", ())
    data = [documents.user_document(call.world, user, expand) for user in users]
    return answer({"data": data, "links": links(call, query, mark)})


def _check(query: dict[str, Any]) -> None:
    for name in _LISTS:
        value = query.get(name, [])
        if not isinstance(value, list) or len(value) > _MOST.get(name, 10):
            raise ApiError(400, "ADMIN-400-24", f"{name} must be a list of at most {_MOST.get(name, 10)}")
    if query.get("searchTerm") and query.get("emails"):
        raise ApiError(400, "ADMIN-400-24", "searchTerm and emails exclude each other")
    if unknown := [one for one in query.get("expand", ()) if one not in _EXPAND]:
        raise ApiError(400, "ADMIN-400-24", f"Unknown expand {unknown[0]}")


def _candidates(world: World, query: dict[str, Any]) -> tuple[Sequence[str], bool]:
    """Return the accounts that a query can mean, and whether they are in the order of their ids."""
    directory = world.jira.directory
    if query.get("accountIds"):
        return sorted(query["accountIds"]), True
    if query.get("emails"):
        found = (directory.user_by_email(email) for email in query["emails"])
        return sorted({user.account_id for user in found if user is not None}), True
    if query.get("groupIds"):
        groups = [directory.groups[one] for one in query["groupIds"] if one in directory.groups]
        return _members(world, [group.id for group in groups]), True
    if query.get("resourceIds"):
        names = [name for one in query["resourceIds"] for name in world.applications_of(one)]
        return _members(world, [group.id for group in world.granting_groups(names)]), True
    if query.get("searchTerm"):
        key = ("term", query["searchTerm"])
        return world.selection(
            key, lambda: sorted(one.account_id for one in directory.names.starting_with(query["searchTerm"]))
        ), True
    return directory.user_ids, False


def _members(world: World, group_ids: Sequence[str]) -> Sequence[str]:
    directory = world.jira.directory
    if len(group_ids) == 1:
        return directory.members(directory.groups[group_ids[0]])

    def union() -> list[str]:
        return sorted({one for ident in group_ids for one in directory.members(directory.groups[ident])})

    return world.selection(("members", *sorted(group_ids)), union)


def _keeper(world: World, query: dict[str, Any]) -> Callable[[str], User | None]:
    """Return the user of an id if he meets every filter."""
    names = [name for one in query.get("resourceIds", ()) for name in world.applications_of(one)]
    domains = {domain.lower().removeprefix("@") for domain in query.get("emailDomains", ())}
    other_directories = query.get("directoryIds") and world.jira.organization.directory_id not in query["directoryIds"]

    def keep(account_id: str) -> User | None:
        user = _visible(world, account_id)
        if user is None or other_directories:
            return None
        met = (
            any_of(query.get("accountStatus"), [user.account_status])
            and any_of(query.get("membershipStatus"), [world.membership_status(user)])
            and any_of(query.get("status"), [documents.composed_status(world, user)])
            and any_of(
                query.get("claimStatus") and [query["claimStatus"]], ["managed" if user.managed else "unmanaged"]
            )
            and any_of(domains, [user.email.lower().partition("@")[2]])
            and any_of(query.get("groupIds"), _group_ids(world, user, query))
            and (not query.get("resourceIds") or any_of(names, world.products_of(user)))
            and (not query.get("roleIds") or any_of(query["roleIds"], documents.roles_of(world, user)))
            and query.get("mfaEnabled") in {None, account_id in world.mfa}
            and _has_term(user, query)
        )
        return user if met else None

    return keep


def _group_ids(world: World, user: User, query: dict[str, Any]) -> list[str]:
    """Return the groups of somebody, where a filter wants them and they are not what the candidates came by."""
    if not query.get("groupIds"):
        return []
    if not query.get("accountIds") and not query.get("emails"):
        return list(query["groupIds"])
    return [group.id for group in world.jira.directory.groups_of(user.account_id)]


def _has_term(user: User, query: dict[str, Any]) -> bool:
    term = str(query.get("searchTerm") or "").casefold()
    return term in user.display_name.casefold() or term in user.email.casefold()


def _visible(world: World, account_id: str) -> User | None:
    """Return somebody the directory shows: a person, who is a member or at least managed."""
    user = world.jira.directory.users.get(account_id)
    if user is None or user.account_type != "atlassian":
        return None
    return user if user.managed or world.membership_status(user) != "no_membership" else None


def _listed(world: World, account_id: str) -> User:
    user = _visible(world, account_id)
    if user is None:
        raise ApiError(404, _USER_NOT_FOUND, "User not found")
    return user


def _member(call: Call) -> User:
    user = _listed(call.world, call.part("accountId"))
    if user.membership_status == "no_membership":
        raise ApiError(404, _USER_NOT_FOUND, f"{named_user(user).name} is not in this directory")
    return user


def _check_protected(call: Call, user: User) -> None:
    admin = ORG_ADMIN in call.world.platform_roles.get(user.account_id, ())
    if admin or user.account_id == call.key.account_id:
        status = call.world.switches.protected_user_status
        raise ApiError(status, "ADMIN-403-3", "Organization admins and yourself cannot be taken out")


def _again(status: int) -> Response:
    if status == 204:
        return empty()
    raise ApiError(status, "ADMIN-400-24", "The user is in that state already")
