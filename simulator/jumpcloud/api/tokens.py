"""The token endpoint of service accounts, which the real service has on a host of its own."""

import base64
import binascii
import secrets
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.jsontext import JsonResponse
from simulator.jumpcloud.world import World


class TokenEndpoint:
    """POST /oauth2/token: client credentials for a bearer token."""

    route = "/oauth2/token"

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        response = self._grant(request.headers.get("authorization", ""), form)
        await response(scope, receive, send)

    def _grant(self, authorization: str, form: dict[str, list[str]]) -> Response:
        client_id, secret = _basic(authorization)
        account = self._world.service_accounts.get(client_id)
        if account is None or secret not in account.secrets:
            return _error(401, "invalid_client")
        if not account.enabled:
            return _error(403, "access_denied")
        if form.get("grant_type") != ["client_credentials"]:
            return _error(400, "unsupported_grant_type")
        if form.get("scope", ["api"]) != ["api"]:
            return _error(400, "invalid_scope")
        token = secrets.token_urlsafe(32)
        seconds = self._world.switches.token_seconds
        self._world.tokens[token] = (client_id, self._world.clock() + seconds)
        answer = {"access_token": token, "scope": "api", "token_type": "bearer"}
        if self._world.switches.token_tells_life:
            return JsonResponse({**answer, "expires_in": seconds})
        return JsonResponse(answer)


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _error(status: int, code: str) -> Response:
    return JsonResponse({"error": code}, status_code=status)
