from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from simulator.jira.world import World
from simulator.jsontext import json_bytes

JSON = "application/json;charset=UTF-8"
PROBLEM = "application/problem+json"
NO_ISSUE = "Issue does not exist or you do not have permission to see it."
UNAUTHENTICATED = "Client must be authenticated to access this resource."


class ApiError(Exception):
    """An answer that ends the handling of a call."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response

    @property
    def body(self) -> Any:
        """Return what the answer says, as JSON."""
        return json.loads(bytes(self.response.body))


def error_body(_: World, status: int, message: str) -> dict[str, Any]:
    """Return the body of an error that is made outside the service, such as a fault."""
    return {"errorMessages": [message], "errors": {}, "status": status}


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(json_bytes(body), status, headers, media_type=JSON)


def empty(status: int = 204) -> Response:
    """Return an answer without a body."""
    return Response(status_code=status)


def refuse(status: int, *messages: str, errors: Mapping[str, str] | None = None) -> ApiError:
    """Return Jira's usual error, to be raised."""
    return ApiError(answer({"errorMessages": list(messages), "errors": dict(errors or {})}, status))


def problem(status: int, detail: str, instance: str, headers: Mapping[str, str] | None = None) -> ApiError:
    """Return an error of the web framework, to be raised."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    return ApiError(Response(json.dumps(body).encode(), status, headers, media_type=PROBLEM))


def gateway_refusal(status: int, message: str) -> ApiError:
    """Return an error of the gateway, to be raised."""
    return ApiError(answer({"code": status, "message": message}, status))


def text(body: str, status: int, media_type: str = "text/plain;charset=UTF-8") -> Response:
    """Return an answer that is not JSON."""
    return Response(body.encode(), status, media_type=media_type)
