"""v2 groups: list, read, create, change, delete, and the suggestions of reviewed dynamic ones."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from simulator.jumpcloud import documents, groups
from simulator.jumpcloud.api import filters
from simulator.jumpcloud.api.call import Call
from simulator.jumpcloud.api.paging import drift, projected, sorted_by, v2_list
from simulator.jumpcloud.api.responses import answer, compact, empty
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.fields import GROUP, check_texts, check_types
from simulator.jumpcloud.records import CONSOLE, Group

_FILTERED = (
    "name",
    "disabled",
    "type",
    "membershipMethod",
    "memberQueryErrorFlags*",
    "suggestionCounts.*",
    "attributes.sudo.*",
)


def list_user_groups(call: Call) -> Response:
    """GET /usergroups."""
    return _list(call, ("user_group",))


def list_groups(call: Call) -> Response:
    """GET /groups: every kind of group."""
    return _list(call, ("user_group", "system_group", "policy_group"))


def read_group(call: Call) -> Response:
    """GET /usergroups/{id}."""
    return answer(documents.group_document(call.world, seen_group(call, call.ident())))


def create_group(call: Call) -> Response:
    """POST /usergroups."""
    group = groups.create_group(call.world, call.actor, {**call.body(), "type": "user_group"})
    return answer(documents.group_document(call.world, group), 201)


def change_group(call: Call) -> Response:
    """PUT /usergroups/{id}."""
    body = call.body()
    check_types(body, GROUP)
    if not body.get("name", "").strip():
        raise ApiError(400, "name is required")
    body.pop("type", None)
    group = groups.change_group(call.world, call.actor, call.ident(), body)
    return answer(documents.group_document(call.world, group))


def delete_group(call: Call) -> Response:
    """DELETE /usergroups/{id}."""
    ident = call.ident()
    document = documents.group_document(call.world, groups.known_group(call.world, ident))
    groups.remove_group(call.world, call.actor, ident)
    return answer(document) if call.world.switches.delete_group_status == 200 else empty()


def list_suggestions(call: Call) -> Response:
    """GET /usergroups/{group_id}/suggestions."""
    group = seen_group(call, call.ident("group_id"))
    rows = [
        {"op": op, "object": {"attributes": None, "id": user_id, "type": "user"}}
        for user_id, op in call.world.suggestions.get(group.id, {}).items()
    ]
    return v2_list(call, rows, compact)


def apply_suggestions(call: Call) -> Response:
    """POST /usergroups/{group_id}/suggestions."""
    group = groups.known_group(call.world, call.ident("group_id"))
    waiting = call.world.suggestions.get(group.id, {})
    wanted = check_texts("user_ids", call.body().get("user_ids", []))
    found = [user_id for user_id in wanted if user_id in waiting]
    for user_id in found:
        op = waiting.pop(user_id)
        if call.world.members.has(group.id, user_id) != (op == "add"):
            groups.change_member(call.world, call.actor, group.id, op, user_id)
    missing = [user_id for user_id in wanted if user_id not in found]
    return answer([{"suggestions_found": found, "suggestions_not_found": missing}])


def seen_group(call: Call, ident: str) -> Group:
    """Return a user group as reads see it now; raises ApiError."""
    group = call.world.groups.seen(ident)
    if group is None or group.kind != "user_group":
        raise ApiError(call.world.switches.unknown_id_status, "Not Found")
    return group


def _list(call: Call, kinds: Sequence[str]) -> Response:
    world = call.world
    drift(
        call,
        remove=lambda: groups.remove_group(world, CONSOLE, next(iter(world.groups)).id),
        insert=lambda: groups.create_group(world, CONSOLE, {"name": f"drifted-{len(world.groups)}"}),
    )
    key, test = filters.v2_query(call.query.getlist("filter"), _FILTERED)
    sort = _names(call, "sort")
    fields = _names(call, "fields")

    def value(group: Group, name: str) -> Any:
        current: Any = documents.group_document(world, group)
        for step in name.split("."):
            current = current.get(step) if isinstance(current, dict) else None
        return current

    def make(rows: Iterable[Group]) -> list[Group]:
        chosen = [group for group in rows if group.kind in kinds]
        if test is not None:
            chosen = [group for group in chosen if test(partial(value, group))]
        return sorted_by(chosen, sort, value)

    # Suggestion counts are not part of the group record, so that a list kept for them would grow stale.
    kept = (key, tuple(kinds), tuple(sort), bool(world.suggestions), world.switches.missing_membership_method)
    filtered = test is not None
    if world.suggestions:
        rows = make(world.groups.listing((kinds, filtered), list, filtered=filtered))
    else:
        rows = world.groups.listing(kept, make, filtered=filtered)
    headers = {}
    if "x-unfiltered-total-count" in call.headers:
        unfiltered = sum(group.kind in kinds for group in world.groups)
        headers["x-unfiltered-total-count"] = str(unfiltered)
    return v2_list(
        call,
        rows,
        lambda group: compact(projected(documents.group_document(world, group), fields, ("id",))),
        **headers,
    )


def _names(call: Call, parameter: str) -> list[str]:
    return [name for value in call.query.getlist(parameter) for name in value.split(",") if name]
