"""Errors, in the four families of bodies that these APIs have."""

from typing import Any, Literal

from simulator.atlassian.world import World

Family = Literal["errors", "proxy", "manage"]
"""`proxy` is the gateway of v1, `errors` v1 and v2 themselves, `manage` user management, `forbidden` the v1 domains."""

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class ApiError(Exception):
    """The service says no. `code` and `detail` go into the body as far as its family has a place for them."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.body = body
        self.headers = headers or {}


def family_body(family: Family, number: str, refused: ApiError) -> dict[str, Any]:
    """Return the JSON body of a refusal; `number` is its own id."""
    title = _TITLES.get(refused.status, "Error")
    if refused.body is not None:
        return refused.body
    if family == "manage":
        return {"key": refused.code}
    if family == "proxy" and refused.status in {401, 429}:
        return {"code": refused.status, "message": refused.detail or title}
    return {
        "errors": [
            {
                "id": number,
                "status": str(refused.status),
                "code": refused.code,
                "title": title,
                "detail": refused.detail or title,
            }
        ]
    }


def error_body(world: World, status: int, message: str) -> dict[str, Any]:
    """Return the body of an error that is made outside the service, such as a fault."""
    return family_body("errors", world.next_number(), ApiError(status, str(status), message))
