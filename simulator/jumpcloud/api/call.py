from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.jsontext import json_document
from simulator.jumpcloud import people, rules
from simulator.jumpcloud.api import access
from simulator.jumpcloud.api.responses import error_response
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.ids import is_object_id
from simulator.jumpcloud.records import Actor
from simulator.jumpcloud.world import World


class Call:
    """One admitted request, with what a handler needs of it."""

    def __init__(self, world: World, request: Request, raw: bytes, actor: Actor, home: World) -> None:
        self.world = world
        self.home = home
        """The organization that the caller's key belongs to."""
        self.actor = actor
        self.query: QueryParams = request.query_params
        self.headers: Headers = request.headers
        self.url = request.url
        self._path: dict[str, str] = request.path_params
        self._raw = raw

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return self._path[name]

    def ident(self, name: str = "id") -> str:
        """Return a part of the path that has to be an id; raises ApiError when it does not look like one."""
        text = self._path[name]
        if not is_object_id(text):
            raise ApiError(self.world.switches.malformed_id_status, "Invalid object id")
        return text

    def body(self) -> dict[str, Any]:
        """Return the JSON object sent; raises ApiError when there is none."""
        try:
            document = json_document(self._raw or b"{}")
        except ValueError as exc:
            raise ApiError(400, "Malformed JSON in request body") from exc
        if not isinstance(document, dict):
            raise ApiError(400, "Request body must be an object")
        return document


Handler = Callable[[Call], Response]


class Endpoint:
    """A route of the service as an ASGI application: who may, then what."""

    def __init__(self, world: World, route: str, handler: Handler, scopes: tuple[str, ...]) -> None:
        self.route = route
        self._world = world
        self._handler = handler
        self._scopes = scopes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        raw = b"" if scope["method"] == "GET" else await request.body()
        try:
            actor, world = access.admit(self._world, request, self._scopes)
            if world.reverts_due:
                rules.take_back_due(world)
            if world.unlocks_due:
                people.unlock_due(world)
            response = self._handler(Call(world, request, raw, actor, self._world))
        except ApiError as refused:
            response = error_response(self._world, refused)
        await response(scope, receive, send)
