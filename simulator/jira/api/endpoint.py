from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.jira.api.call import Call
from simulator.jira.api.login import FAILED, SERAPH, Login, log_in
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import (
    JSON,
    NO_ISSUE,
    UNAUTHENTICATED,
    ApiError,
    answer,
    gateway_refusal,
    problem,
    refuse,
    text,
)
from simulator.jira.limits import Limits
from simulator.jira.world import World

log = logging.getLogger(__name__)
FOREIGN = "Die Anfrage konnte nicht ausgeführt werden."
MULTIPART = "multipart/form-data"


class Endpoint:
    """One path with its operations: an ASGI application that does what Jira does around each of them."""

    def __init__(self, world: World, limits: Limits, path: str, operations: Mapping[str, Operation]) -> None:
        self.route = path
        self._world = world
        self._limits = limits
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        raw = await request.body()
        self._world.address = f"{request.url.scheme}://{request.url.netloc}"
        login = Login()
        try:
            login = self._log_in(request)
            response = self._answer(request, raw, login)
        except ApiError as error:
            response = error.response
            if self._world.switches.translated_messages and not _forces_english(request):
                response = _translated(error)
        except Exception:
            log.exception("The Jira simulator failed on %s %s.", request.method, request.url.path)
            response = answer({"errorMessages": ["Internal server error"], "errors": {}}, 500)
        _dress(response, failed=login.failed)
        await response(scope, receive, send)

    def _log_in(self, request: Request) -> Login:
        cloud_id = request.path_params.get("cloud_id")
        if cloud_id is not None and cloud_id != self._world.site.cloud_id:
            raise gateway_refusal(404, "No site with this cloud id.")
        return log_in(self._world, request.headers, gateway=cloud_id is not None)

    def _answer(self, request: Request, raw: bytes, login: Login) -> Response:
        operation = self._operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            allowed = {"Allow": ",".join(sorted(self._operations))}
            raise problem(405, f"Method '{request.method}' is not supported.", request.url.path, allowed)
        call = Call(
            world=self._world,
            request=request,
            raw=raw,
            caller=login.user,
            token=login.token,
            version=_version(request),
            gateway="cloud_id" in request.path_params,
        )
        self._throttle(call, operation)
        self._admit(call, operation)
        _check_type(call, operation)
        self._check_writable(call, operation)
        return operation.handler(call)

    def _throttle(self, call: Call, operation: Operation) -> None:
        issue = call.request.path_params.get("key") if operation.issue_write else None
        if issue is not None:
            found = self._world.issues.find(issue)
            issue = found.id if found else None
        headers = self._limits.check(operation.method, self.route, issue=issue, user_search=operation.user_search)
        if headers is not None:
            body: dict[str, Any] = {"errorMessages": ["Rate limit exceeded."], "errors": {}}
            raise ApiError(answer(body, 429, headers))

    def _check_writable(self, call: Call, operation: Operation) -> None:
        if self._world.switches.site == "read_only" and operation.writes:
            raise refuse(403, "The site is in read-only mode.")
        key = call.request.path_params.get("key")
        issue = self._world.issues.find(key) if key and operation.issue_write else None
        if issue is None or not call.sees_issue(issue):
            return
        if issue.archived or self._world.projects.by_id[issue.project_id].status == "archived":
            raise refuse(self._world.switches.archived_write_status, "The issue is archived and cannot be changed.")

    def _admit(self, call: Call, operation: Operation) -> None:
        if call.gateway and call.token and not call.token.covers(operation.classic, operation.granular):
            raise gateway_refusal(401, "Unauthorized; scope does not match")
        if call.caller is not None or operation.login == "open":
            return
        if operation.login == "directory" and self._world.switches.anonymous_directory_status == 403:
            raise refuse(403, "You are not authorized to perform this action. Administrator privileges are required.")
        if "{key}" in self.route:
            raise refuse(404, NO_ISSUE)
        if self._world.switches.unauthenticated_body == "json":
            raise ApiError(answer({"message": UNAUTHENTICATED, "status-code": 401}, 401))
        raise ApiError(text(UNAUTHENTICATED, 401))


def _version(request: Request) -> int:
    return 3 if "/rest/api/3/" in request.scope["path"] else 2


def _check_type(call: Call, operation: Operation) -> None:
    headers: Headers = call.request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if operation.wants_json and (call.raw or operation.strict_type) and kind != "application/json":
        raise call.problem(415, f"Content-Type '{headers.get('content-type', '')}' is not supported.")
    if not operation.wants_json and call.raw and kind != MULTIPART:
        raise call.problem(415, f"Content-Type '{headers.get('content-type', '')}' is not supported.")


def _dress(response: Response, *, failed: bool) -> None:
    trace = uuid4()
    headers = response.headers
    headers["X-ARequestId"] = str(trace)
    headers["Atl-Traceid"] = trace.hex
    headers["Atl-Request-Id"] = str(trace)
    headers["Server"] = "AtlassianEdge"
    if failed and SERAPH not in headers:
        headers[SERAPH] = FAILED


def _forces_english(request: Request) -> bool:
    forced = request.headers.get("x-force-accept-language", "").lower() == "true"
    return forced and request.headers.get("accept-language", "en").startswith("en")


def _translated(error: ApiError) -> Response:
    """Put other words into Jira's own errors; those of the gateway and the framework stay English."""
    if error.response.media_type != JSON or not isinstance(error.body, dict) or "errorMessages" not in error.body:
        return error.response
    body = {
        "errorMessages": [FOREIGN for _ in error.body["errorMessages"]],
        "errors": dict.fromkeys(error.body["errors"], FOREIGN),
    }
    headers = {name: value for name, value in error.response.headers.items() if name != "content-length"}
    return answer(body, error.response.status_code, headers)
