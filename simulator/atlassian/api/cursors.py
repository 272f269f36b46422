"""Opaque cursors that carry their whole query, and pages cut by them."""

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from simulator.atlassian.api.call import Call
from simulator.atlassian.errors import ApiError

T = TypeVar("T")

_INVALID_CURSOR = "ADMIN-400-1"
MAXIMUM_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, and where in its answer the page begins."""

    query: dict[str, Any]
    after: Any = None


def written(query: dict[str, Any], after: Any) -> str:
    """Return a cursor."""
    text = json.dumps({"q": query, "a": after}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str) -> Asked:
    """Return what a cursor says; raises ApiError."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        document = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        query, mark = document["q"], document["a"]
    except (binascii.Error, ValueError, KeyError, TypeError) as exc:
        raise ApiError(400, _INVALID_CURSOR, "Invalid page cursor") from exc
    if not isinstance(query, dict) or not isinstance(mark, str | int | None):
        raise ApiError(400, _INVALID_CURSOR, "Invalid page cursor")
    return Asked(query, mark)


def asked(query: dict[str, Any]) -> Asked:
    """Return the query as sent, or the one inside its cursor, which then counts alone."""
    cursor = query.get("cursor")
    return read(str(cursor)) if cursor else Asked(query)


def limit_of(query: dict[str, Any], *, default: int = 20, maximum: int = MAXIMUM_LIMIT) -> int:
    """Return how many a page may have; raises ApiError."""
    wanted = query.get("limit", default)
    try:
        limit = -1 if isinstance(wanted, bool) else int(wanted)
    except (TypeError, ValueError) as exc:
        raise ApiError(400, "ADMIN-400-21", "limit must be a number") from exc
    if not 1 <= limit <= maximum:
        raise ApiError(400, "ADMIN-400-21", f"limit must be between 1 and {maximum}")
    return limit


def page_of(
    keys: Sequence[str], after: Any, limit: int, keep: Callable[[str], T | None], *, in_order: bool = True
) -> tuple[list[T], Any]:
    """Return up to `limit` of what `keep` makes of the keys, and the mark of the last one if more may follow.

    Keys in order are resumed behind the mark, so that nothing is missed when others come and go; a list that only
    grows at its end is resumed by position.
    """
    start = 0 if after is None else bisect_right(keys, str(after)) if in_order else place_of(after)
    kept: list[T] = []
    for position in range(start, len(keys)):
        if len(kept) == limit:
            return kept, keys[position - 1] if in_order else position
        thing = keep(keys[position])
        if thing is not None:
            kept.append(thing)
    return kept, None


def place_of(after: Any) -> int:
    """Return the mark of a cursor that counts; raises ApiError when it is no number."""
    if type(after) is not int:
        raise ApiError(400, _INVALID_CURSOR, "Invalid page cursor")
    return after


def links(call: Call, query: dict[str, Any], mark: Any) -> dict[str, Any]:
    """Return the `links` of v2: the cursor of the next page, or what the switches have for the end."""
    if mark is not None:
        return {"next": written({name: value for name, value in query.items() if name != "cursor"}, mark)}
    return {"next": None} if call.world.switches.end_of_list == "null" else {}


def url_links(call: Call, query: dict[str, Any], mark: Any) -> dict[str, Any]:
    """Return the `links` of v1: addresses."""
    found: dict[str, Any] = {"self": str(call.url)}
    if mark is not None:
        found["next"] = str(call.url.replace_query_params(cursor=written(query, mark)))
    elif call.world.switches.end_of_list == "null":
        found["next"] = None
    return found


def any_of(wanted: Iterable[str] | None, have: Iterable[str]) -> bool:
    """Return whether a filter is not there, or meets one of the values."""
    return not wanted or not set(wanted).isdisjoint(have)
