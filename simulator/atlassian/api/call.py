import math
import time
from collections.abc import Callable
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.atlassian.errors import ApiError, Family, family_body
from simulator.atlassian.fields import present
from simulator.atlassian.world import Key, World
from simulator.faults import Bucket
from simulator.jsontext import JsonResponse, json_document

_SECONDS_A_MINUTE = 60


class Call:
    """One admitted request, with what a handler needs of it."""

    def __init__(self, world: World, request: Request, raw: bytes, key: Key) -> None:
        self.world = world
        self.key = key
        self.query: QueryParams = request.query_params
        self.url = request.url
        self._path: dict[str, str] = request.path_params
        self._raw = raw

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return self._path[name]

    def body(self) -> dict[str, Any]:
        """Return the JSON object sent, without its null members; raises ApiError when there is none or a type is wrong."""
        try:
            document = json_document(self._raw or b"{}")
        except ValueError as exc:
            raise ApiError(400, "ADMIN-400-24", "Invalid request body") from exc
        if not isinstance(document, dict):
            raise ApiError(400, "ADMIN-400-24", "Invalid request body")
        return present(document)

    def many(self, name: str) -> list[str]:
        """Return a query parameter that may come several times, or once with commas."""
        return [one for value in self.query.getlist(name) for one in value.split(",") if one]


Handler = Callable[[Call], Response]


class Endpoint:
    """A route of the service as an ASGI application: who may, then what.

    `scope` is what a key with scopes has to hold, and None where such a key is not taken at all. `pace` names the
    switch that has the requests a minute.
    """

    def __init__(
        self,
        world: World,
        route: str,
        handler: Handler,
        *,
        scope: str | None,
        family: Family,
        pace: str = "requests_per_minute",
    ) -> None:
        self.route = route
        self._world = world
        self._handler = handler
        self._needed = scope
        self._family = family
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        raw = b"" if scope["method"] == "GET" else await request.body()
        try:
            response = self._handler(self._admit(request, raw))
        except ApiError as refused:
            body = family_body(self._family, self._world.next_number(), refused)
            response = JsonResponse(body, status_code=refused.status, headers=refused.headers)
        await response(scope, receive, send)

    def _admit(self, request: Request, raw: bytes) -> Call:
        key = self._key(request)
        self._throttle(key)
        call = Call(self._world, request, raw, key)
        if key.scopes is not None and self._needed not in key.scopes:
            if self._family == "manage":
                raise ApiError(403, "forbidden", body={"key": "forbidden", "message": "requires manage:org"})
            raise ApiError(403, "ADMIN-403-3", "The key lacks the scope for this request")
        organization = self._world.jira.organization
        if request.path_params.get("orgId", organization.id) != organization.id:
            raise ApiError(404, "ADMIN-404-2", "Organization not found")
        if request.path_params.get("directoryId", "-") not in {"-", organization.directory_id}:
            raise ApiError(404, "ADMIN-404-1", "Unknown directory")
        self._world.settle()
        return call

    def _key(self, request: Request) -> Key:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        key = self._world.keys.get(value.strip()) if kind.lower() == "bearer" else None
        if key is None or (key.expires is not None and key.expires <= self._world.jira.now()):
            code = "unauthorized" if self._family == "manage" else "401"
            raise ApiError(401, code, "Unauthorized")
        return key

    def _throttle(self, key: Key) -> None:
        allowed: int = getattr(self._world.switches, self._pace)
        if not allowed:
            return
        now = time.monotonic()
        name = (key.value, f"{self._handler.__module__}.{self._handler.__name__}", allowed)
        bucket = self._world.buckets.setdefault(name, Bucket(allowed / _SECONDS_A_MINUTE, allowed, now))
        if (wait := bucket.wait(now)) > 0:
            headers = {"retry-after": str(math.ceil(wait))} if self._world.switches.retry_after else {}
            raise ApiError(429, "429", "Too many requests", headers=headers)
