from __future__ import annotations

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.jira.api.responses import answer, text
from simulator.jira.world import World

UNAVAILABLE = {"errorMessage": "Site temporarily unavailable", "errorCode": "OTHER"}
UNPAID = {"errorMessage": "Payment required", "errorCode": "PAYMENT_REQUIRED"}
TENANT_INFO = "/_edge/tenant_info"


class SiteState:
    """What stands before every path of a site that is not up: answers of the edge, before any login.

    The body of an unavailable site is that of https://github.com/trufflesecurity/trufflehog/issues/3674.
    """

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = self._response(scope["path"])
        await (self._app if response is None else response)(scope, receive, send)

    def _response(self, path: str) -> Response | None:
        switches = self._world.switches
        if path == TENANT_INFO and not switches.unavailable_tenant_info:
            return None
        match switches.site:
            case "unavailable":
                return answer(UNAVAILABLE, 404)
            case "unpaid":
                return answer(UNPAID, 402)
            case "moved":
                return RedirectResponse(f"https://{self._world.site.name}-moved.atlassian.net{path}", 302)
            case "gone":
                return text("The site is gone.", 410)
        return None
