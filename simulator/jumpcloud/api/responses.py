import json
from typing import Any

from starlette.responses import Response

from simulator.jumpcloud.errors import ApiError, error_body
from simulator.jumpcloud.world import World

_HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
_COMPACT = json.JSONEncoder(separators=(",", ":"))
_NO_STORE = {"cache-control": "no-store"}


def answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return raw_answer(compact(document).encode(), status, headers)


def compact(document: Any) -> str:
    """Return JSON without blanks."""
    return _COMPACT.encode(document)


def raw_answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer whose JSON is made already."""
    return Response(
        body, status, headers={**_NO_STORE, **(headers or {})}, media_type="application/json; charset=utf-8"
    )


def empty() -> Response:
    """Return 204 without a body."""
    return Response(status_code=204, headers=_NO_STORE)


def error_response(world: World, refused: ApiError) -> Response:
    """Return an error in the form that the switches ask for."""
    match world.switches.error_bodies:
        case "empty":
            return Response(b"", refused.status, headers=refused.headers)
        case "html":
            page = _HTML.format(f"{refused.status} {refused.message}")
            return Response(page, refused.status, headers=refused.headers, media_type="text/html")
        case _:
            return answer(error_body(world, refused.status, refused.message), refused.status, refused.headers)
