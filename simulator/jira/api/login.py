from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response

from simulator.jira.api.responses import ApiError, answer, gateway_refusal, text
from simulator.jira.credentials import Token
from simulator.jira.people import User
from simulator.jira.world import World

SERAPH = "X-Seraph-LoginReason"
FAILED = "AUTHENTICATED_FAILED"
DENIED = "AUTHENTICATION_DENIED"
CONNECT_ERROR = "Failed to parse Connect Session Auth Token"


@dataclass(frozen=True, slots=True)
class Login:
    """Who calls; `failed` when a credential was given and is not good."""

    user: User | None = None
    token: Token | None = None
    failed: bool = False


def log_in(world: World, headers: Headers, *, gateway: bool) -> Login:
    """Find out who calls by the rules of the contract, 1.3; raises ApiError where those refuse at once.

    The scheme word is case-sensitive and takes exactly one space; any other scheme counts as anonymous.
    """
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if gateway:
        return _at_gateway(world, scheme, value)
    if scheme == "Bearer":
        raise _bearer_at_site(value)
    if scheme != "Basic" or not value or value.startswith(" "):
        return Login()
    email, colon, secret = _decoded(value).partition(":")
    if not colon or not email:
        return Login()
    limit = world.switches.captcha_after_failures
    if limit and world.tokens.failures.get(email.casefold(), 0) >= limit:
        raise _denied()
    login = _with_token(world, email, secret)
    if login.token is not None and login.token.scopes is not None:
        if world.switches.scoped_token_on_site == "refused":  # noqa: S105 -- a setting, no secret
            raise _marked(text("Basic authentication with a scoped token is not supported here.", 401), FAILED)
        login = Login(failed=True)
    if login.failed:
        world.tokens.failures[email.casefold()] = world.tokens.failures.get(email.casefold(), 0) + 1
    else:
        world.tokens.failures.pop(email.casefold(), None)
    return login


def _at_gateway(world: World, scheme: str, value: str) -> Login:
    if scheme == "Basic":
        email, _, secret = _decoded(value).partition(":")
        login = _with_token(world, email, secret)
    elif scheme == "Bearer":
        token = world.tokens.find(value, world.now())
        user = world.directory.users.get(token.account_id) if token else None
        suits = user is not None and (user.account_type == "app" or world.switches.bearer_for_people)
        login = Login(user, token, failed=user is None or not user.active or not suits)
    else:
        login = Login(failed=True)
    classic = login.token is not None and login.token.scopes is None
    if login.failed or (classic and not world.switches.classic_token_on_gateway):
        raise gateway_refusal(401, "Unauthorized")
    return login


def _with_token(world: World, email: str, secret: str) -> Login:
    user = world.directory.user_by_email(email)
    token = world.tokens.find(secret, world.now())
    if user is None or token is None or token.account_id != user.account_id or not user.active:
        return Login(failed=True)
    return Login(user, token)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _bearer_at_site(value: str) -> ApiError:
    if value.count(".") == 2:
        return ApiError(text("<html><body>Unauthorized</body></html>", 401, "text/html;charset=UTF-8"))
    return ApiError(answer({"error": CONNECT_ERROR}, 403))


def _denied() -> ApiError:
    return _marked(text("Basic Authentication Failure - Reason : AUTHENTICATION_DENIED", 401), DENIED)


def _marked(response: Response, reason: str) -> ApiError:
    response.headers[SERAPH] = reason
    return ApiError(response)
