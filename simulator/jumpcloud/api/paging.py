"""Limits, offsets, field lists and sort orders of both API versions, and drift between pages."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from simulator.jumpcloud.api.call import Call
from simulator.jumpcloud.api.responses import raw_answer
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.world import World

R = TypeVar("R")

DEFAULT_LIMIT = 10
MAXIMUM_LIMIT = 100


def window(world: World, limit: Any, skip: Any) -> tuple[int, int]:
    """Return limit and skip as numbers; None takes the default. Raises ApiError."""
    if isinstance(limit, bool) or isinstance(skip, bool):
        raise ApiError(400, "limit and skip must be numbers")
    try:
        limit = DEFAULT_LIMIT if limit in (None, "") else int(limit)
        skip = 0 if skip in (None, "") else int(skip)
    except (TypeError, ValueError) as exc:
        raise ApiError(400, "limit and skip must be numbers") from exc
    if limit < 0 or skip < 0:
        raise ApiError(400, "limit and skip must not be negative")
    if limit > MAXIMUM_LIMIT:
        if world.switches.limit_over_maximum == "reject":
            raise ApiError(400, f"limit must not be more than {MAXIMUM_LIMIT}")
        limit = MAXIMUM_LIMIT
    return limit or DEFAULT_LIMIT, skip


def v2_list(call: Call, things: Sequence[R], text: Callable[[R], str], **headers: str) -> Response:
    """Return one page of a v2 list: a bare array and its total in a header."""
    limit, skip = window(call.world, call.query.get("limit"), call.query.get("skip"))
    if call.world.switches.total_count_header:
        headers["x-total-count"] = str(len(things))
    if call.world.switches.link_header and skip + limit < len(things):
        following = call.url.include_query_params(skip=skip + limit, limit=limit)
        headers["link"] = f'<{following}>; rel="next"'
    page = things[skip : skip + limit]
    body = f"[{','.join([text(thing) for thing in page])}]"
    return raw_answer(body.encode(), headers=headers)


def drift(call: Call, *, remove: Callable[[], object], insert: Callable[[], object]) -> None:
    """Let somebody else change a list between two of its pages, if the switches ask for that."""
    world = call.world
    how = world.switches.drift
    if how == "off":
        world.drifted = 0
        return
    if world.drifted >= world.switches.drift_times or call.query.get("skip", "0") in {"", "0"}:
        return
    world.drifted += 1
    (remove if how == "remove" else insert)()


def projected(document: dict[str, Any], fields: Sequence[str], ids: tuple[str, ...]) -> dict[str, Any]:
    """Return the document cut down to these fields, ids always among them; everything when no field is named."""
    if not fields:
        return document
    wanted = {*fields, *ids}
    return {name: value for name, value in document.items() if name in wanted}


def sorted_by(rows: list[R], names: Sequence[str], value_of: Callable[[R, str], Any]) -> list[R]:
    """Return sorted by several names, a leading "-" for descending; the last name weighs least."""
    for name in reversed(names):
        plain = name.lstrip("-+")
        rows = sorted(rows, key=lambda row: _sortable(value_of(row, plain)), reverse=name.startswith("-"))
    return rows


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    if isinstance(value, (bool, int, float)):
        return (1, value)
    return (2, str(value))
