from typing import Any

from starlette.responses import Response

from simulator.jsontext import JsonResponse


def answer(document: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return JsonResponse(document, status_code=status)


def empty() -> Response:
    """Return 204 without a body."""
    return Response(status_code=204)
