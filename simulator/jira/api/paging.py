from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from simulator.jira.api.call import Call


def page(call: Call, values: Sequence[Any], *, start: int, size: int, total: int) -> dict[str, Any]:
    """Return Jira's page bean around the values of one page; `nextPage` only when there is one."""
    is_last = start + size >= total
    document: dict[str, Any] = {"self": _link(call, start, size), "maxResults": size, "startAt": start}
    if call.world.switches.pages_tell_their_end:
        document |= {"total": total, "isLast": is_last}
        if not is_last:
            document["nextPage"] = _link(call, start + size, size)
    return {**document, "values": list(values)}


def _link(call: Call, start: int, size: int) -> str:
    kept = [
        (name, value)
        for name, value in call.request.query_params.multi_items()
        if name not in {"startAt", "maxResults"}
    ]
    query = urlencode([*kept, ("startAt", str(start)), ("maxResults", str(size))])
    below = call.request.scope["path"].rpartition("/rest/api/")[2].partition("/")[2]
    return f"{call.api}/{below}?{query}"
