"""v2 graph: members, memberships, and what is bound to applications, from every side."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from simulator.jumpcloud import applications, groups
from simulator.jumpcloud.api import filters
from simulator.jumpcloud.api.call import Call
from simulator.jumpcloud.api.groups import seen_group
from simulator.jumpcloud.api.paging import drift, sorted_by, v2_list
from simulator.jumpcloud.api.responses import compact, empty
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.fields import OPERATION, check_types
from simulator.jumpcloud.ids import is_object_id
from simulator.jumpcloud.records import Application, User
from simulator.jumpcloud.world import World

Step = tuple[str, str]  # type and id
Reached = tuple[Step, list[list[Step]]]  # a thing and the paths to it

_OPS = ("add", "remove", "update")
_ELSEWHERE = ("active_directory", "g_suite", "ldap_server", "office_365", "radius_server", "system", "system_group")


def list_members(call: Call) -> Response:
    """GET /usergroups/{group_id}/members: direct, neither sorted nor filtered."""
    world = call.world
    group = seen_group(call, call.ident("group_id"))
    drift(call, remove=lambda: _remove_first(world, group.id), insert=lambda: _insert_first(world, group.id))
    return v2_list(call, world.members.seen_rights(group.id), _connection("user"))


def change_member(call: Call) -> Response:
    """POST /usergroups/{group_id}/members."""
    group_id = call.ident("group_id")
    op, kind, ident = _operation(call)
    if kind != "user":
        raise ApiError(400, "type must be user")
    groups.change_member(call.world, call.actor, group_id, op, ident)
    return empty()


def list_membership(call: Call) -> Response:
    """GET /usergroups/{group_id}/membership: transitive, which for user groups is the same set."""
    group = seen_group(call, call.ident("group_id"))
    return _reached(
        call,
        [_direct("user", ident) for ident in call.world.members.seen_rights(group.id, filtered=_is_filtered(call))],
    )


def list_memberof(call: Call) -> Response:
    """GET /users/{user_id}/memberof."""
    user = _seen_user(call)
    return _reached(
        call,
        [_direct("user_group", ident) for ident in call.world.members.seen_lefts(user.id, filtered=_is_filtered(call))],
    )


def group_associations(call: Call) -> Response:
    """GET /usergroups/{group_id}/associations."""
    group = seen_group(call, call.ident("group_id"))
    bound: dict[str, Sequence[str]] = {"application": call.world.app_groups.seen_lefts(group.id)}
    if (directory := call.world.directories.get(group.mastered_by)) is not None:
        bound[directory.type] = [directory.id]
    return _associations(call, bound, _ELSEWHERE)


def user_associations(call: Call) -> Response:
    """GET /users/{user_id}/associations."""
    user = _seen_user(call)
    return _associations(call, {"application": call.world.app_users.seen_lefts(user.id)}, _ELSEWHERE)


def application_associations(call: Call) -> Response:
    """GET /applications/{application_id}/associations."""
    application = _seen_application(call)
    bound = {
        "user": call.world.app_users.seen_rights(application.id),
        "user_group": call.world.app_groups.seen_rights(application.id),
    }
    return _associations(call, bound, ())


def change_group_association(call: Call) -> Response:
    """POST /usergroups/{group_id}/associations."""
    group = groups.known_group(call.world, call.ident("group_id"))
    return _bind_from_side(call, "user_group", group.id)


def change_user_association(call: Call) -> Response:
    """POST /users/{user_id}/associations."""
    ident = call.ident("user_id")
    if ident not in call.world.users:
        raise ApiError(404, "Not Found")
    return _bind_from_side(call, "user", ident)


def change_application_association(call: Call) -> Response:
    """POST /applications/{application_id}/associations."""
    application = applications.known_application(call.world, call.ident("application_id"))
    op, kind, ident = _operation(call)
    if kind not in {"user", "user_group"}:
        raise ApiError(400, "type must be user or user_group")
    groups.change_binding(call.world, call.actor, application, op, (kind, ident), from_app=True)
    return empty()


def application_groups(call: Call) -> Response:
    """GET /applications/{application_id}/usergroups."""
    application = _seen_application(call)
    bound = call.world.app_groups.seen_rights(application.id)
    return _reached(call, [_direct("user_group", ident) for ident in bound])


def application_users(call: Call) -> Response:
    """GET /applications/{application_id}/users: direct ones and those who come through a group."""
    application = _seen_application(call)
    world = call.world
    paths: dict[str, list[list[Step]]] = {}
    for ident in world.app_users.seen_rights(application.id):
        paths.setdefault(ident, []).append([("user", ident)])
    for group_id in world.app_groups.seen_rights(application.id):
        for ident in world.members.seen_rights(group_id):
            paths.setdefault(ident, []).append([("user_group", group_id), ("user", ident)])
    return _reached(call, [(("user", ident), found) for ident, found in paths.items()])


def group_applications(call: Call) -> Response:
    """GET /usergroups/{group_id}/applications."""
    group = seen_group(call, call.ident("group_id"))
    bound = call.world.app_groups.seen_lefts(group.id)
    return _reached(call, [_direct("application", ident) for ident in bound])


def user_applications(call: Call) -> Response:
    """GET /users/{user_id}/applications: direct ones and those that come with a group."""
    user = _seen_user(call)
    world = call.world
    paths: dict[str, list[list[Step]]] = {}
    for ident in world.app_users.seen_lefts(user.id):
        paths.setdefault(ident, []).append([("application", ident)])
    for group_id in world.members.seen_lefts(user.id):
        for ident in world.app_groups.seen_lefts(group_id):
            paths.setdefault(ident, []).append([("user_group", group_id), ("application", ident)])
    return _reached(call, [(("application", ident), found) for ident, found in paths.items()])


def _is_filtered(call: Call) -> bool:
    return "filter" in call.query


def _operation(call: Call) -> tuple[str, str, str]:
    body = call.body()
    check_types(body, OPERATION)
    op, kind, ident = (body.get(name, "") for name in ("op", "type", "id"))
    if op not in _OPS:
        raise ApiError(400, f"op must be one of {', '.join(_OPS)}")
    if not is_object_id(ident):
        raise ApiError(call.world.switches.malformed_id_status, "Invalid object id")
    return op, kind, ident


def _bind_from_side(call: Call, side: str, ident: str) -> Response:
    op, kind, target = _operation(call)
    if kind in _ELSEWHERE:
        raise ApiError(404, "Not Found")
    if kind != "application":
        raise ApiError(400, "Invalid target type")
    application = applications.known_application(call.world, target)
    groups.change_binding(call.world, call.actor, application, op, (side, ident), from_app=False)
    return empty()


def _associations(call: Call, bound: dict[str, Sequence[str]], empty: Iterable[str]) -> Response:
    targets = call.query.getlist("targets")
    if len(targets) != 1 or "," in targets[0]:
        raise ApiError(400, "targets is required and takes one value")
    kind = targets[0]
    if kind not in bound and kind not in empty:
        raise ApiError(400, "Invalid target type")
    return v2_list(call, bound.get(kind, ()), _connection(kind))


def _connection(kind: str) -> Any:
    return lambda ident: f'{{"attributes":null,"to":{{"attributes":null,"id":"{ident}","type":"{kind}"}}}}'


def _direct(kind: str, ident: str) -> Reached:
    return (kind, ident), [[(kind, ident)]]


def _reached(call: Call, things: list[Reached]) -> Response:
    """Return a page of things with the paths to them, filtered by `object_id` or `type` and sorted if asked."""

    def value(thing: Reached, name: str) -> str:
        kind, ident = thing[0]
        return kind if name == "type" else ident

    wanted = call.query.getlist("filter")
    if call.world.switches.object_id_filter == "ignored":
        wanted = [each for each in wanted if not each.startswith("object_id:")]
    _, test = filters.v2_query(wanted, ("object_id", "type"))
    if test is not None:
        things = [thing for thing in things if test(partial(value, thing))]
    sort = [name for name in call.query.get("sort", "").split(",") if name]
    return v2_list(call, sorted_by(things, sort, value), _with_paths)


def _with_paths(thing: Reached) -> str:
    (kind, ident), paths = thing
    steps = [
        [{"attributes": None, "to": {"attributes": None, "id": to_id, "type": to}} for to, to_id in path]
        for path in paths
    ]
    return compact({"id": ident, "type": kind, "compiledAttributes": None, "paths": steps})


def _seen_user(call: Call) -> User:
    user = call.world.users.seen(call.ident("user_id"))
    if user is None:
        raise ApiError(call.world.switches.unknown_id_status, "Not Found")
    return user


def _seen_application(call: Call) -> Application:
    application = call.world.applications.seen(call.ident("application_id"))
    if application is None:
        raise ApiError(call.world.switches.unknown_id_status, "Not Found")
    return application


def _remove_first(world: World, group_id: str) -> None:
    for ident in world.members.rights(group_id)[:1]:
        world.members.remove(group_id, ident)


def _insert_first(world: World, group_id: str) -> None:
    stranger = next((user.id for user in world.users if not world.members.has(group_id, user.id)), None)
    if stranger is not None:
        world.members.add(group_id, stranger, first=True)
