from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.atlassian.api import events, groups, lifecycle, organization, roles, users
from simulator.atlassian.api.call import Endpoint, Handler
from simulator.atlassian.errors import ApiError, Family, family_body
from simulator.atlassian.world import World
from simulator.jsontext import JsonResponse

_V1 = "/admin/v1/orgs"
_ORG = f"{_V1}/{{orgId}}"
_V2 = "/admin/v2/orgs/{orgId}"
_DIR = f"{_V2}/directories/{{directoryId}}"
_MANAGE = "/users/{account_id}/manage"

_READ_ORG = "read:org:admin"
_READ_USER, _WRITE_USER = "read:user:admin", "write:user:admin"
_READ_GROUP, _WRITE_GROUP = "read:group:admin", "write:group:admin"

_V1_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", _V1, _READ_ORG, organization.list_organizations),
    ("GET", _ORG, _READ_ORG, organization.read_organization),
    ("GET", f"{_ORG}/users", _READ_USER, organization.list_managed),
    ("GET", f"{_ORG}/directory/users/{{accountId}}/last-active-dates", _READ_USER, organization.last_active),
    ("GET", f"{_ORG}/domains", "read:domains:admin", organization.list_domains),
    ("GET", f"{_ORG}/events", _READ_ORG, events.log),
    ("GET", f"{_ORG}/events-stream", _READ_ORG, events.stream),
    ("GET", f"{_ORG}/event-actions", _READ_ORG, events.actions),
    ("POST", f"{_ORG}/users/{{userId}}/roles/assign", _WRITE_USER, roles.assign),
    ("POST", f"{_ORG}/users/{{userId}}/roles/revoke", _WRITE_USER, roles.revoke),
)
"""Method, path, the scope that a key with scopes needs [assumed by the names of the scopes], handler."""
_V2_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", f"{_DIR}/users/search", _READ_USER, users.search),
    ("POST", f"{_DIR}/groups/search", _READ_GROUP, groups.search),
    ("POST", f"{_DIR}/groups/{{groupId}}/memberships", _WRITE_GROUP, groups.add_member),
    ("DELETE", f"{_DIR}/groups/{{groupId}}/memberships/{{accountId}}", _WRITE_GROUP, groups.remove_member),
    ("GET", f"{_DIR}/users", _READ_USER, users.listing),
    ("GET", f"{_DIR}/users/count", _READ_USER, users.count),
    ("GET", f"{_DIR}/users/{{accountId}}", _READ_USER, users.read),
    ("DELETE", f"{_DIR}/users/{{accountId}}", _WRITE_USER, users.remove),
    ("POST", f"{_DIR}/users/{{accountId}}/suspend", _WRITE_USER, users.suspend),
    ("POST", f"{_DIR}/users/{{accountId}}/restore", _WRITE_USER, users.restore),
    ("GET", f"{_DIR}/users/{{accountId}}/role-assignments", _READ_USER, users.role_assignments),
    ("GET", f"{_DIR}/groups", _READ_GROUP, groups.listing),
    ("POST", f"{_DIR}/groups", _WRITE_GROUP, groups.create),
    ("GET", f"{_DIR}/groups/count", _READ_GROUP, groups.count),
    ("GET", f"{_DIR}/groups/{{groupId}}", _READ_GROUP, groups.read),
    ("DELETE", f"{_DIR}/groups/{{groupId}}", _WRITE_GROUP, groups.delete),
    ("GET", f"{_DIR}/groups/{{groupId}}/role-assignments", _READ_GROUP, groups.role_assignments),
    ("GET", f"{_V2}/directories", "read:directories:admin", organization.list_directories),
    ("POST", f"{_V2}/users/invite", _WRITE_USER, roles.invite),
)
_MANAGE_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", _MANAGE, lifecycle.manageability),
    ("GET", f"{_MANAGE}/profile", lifecycle.profile),
    ("POST", f"{_MANAGE}/lifecycle/disable", lifecycle.disable),
    ("POST", f"{_MANAGE}/lifecycle/enable", lifecycle.enable),
    ("POST", f"{_MANAGE}/lifecycle/delete", lifecycle.delete),
    ("POST", f"{_MANAGE}/lifecycle/cancel-delete", lifecycle.cancel_delete),
)
"""User management takes no key with scopes."""
_PACES: dict[Handler, str] = {events.log: "events_per_minute", organization.last_active: "last_active_per_minute"}


def create_app(world: World) -> Starlette:
    """Return the organizations API below `/admin` and the user management API at the root, over a Jira world."""

    async def unknown(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        refused = ApiError(status, "ADMIN-404-1" if status == 404 else "ADMIN-405-1")
        return JsonResponse(family_body("errors", world.next_number(), refused), status_code=status)

    routes = [_route(world, row, "errors") for row in _V2_ROUTES]
    routes += [_route(world, row, "proxy") for row in _V1_ROUTES]
    workspaces = f"{_V2}/workspaces"
    routes.append(_route(world, ("POST", workspaces, _READ_ORG, organization.search_workspaces), "proxy"))
    routes += [
        Route(path, Endpoint(world, path, handler, scope=None, family="manage"), methods=[method])
        for method, path, handler in _MANAGE_ROUTES
    ]
    return Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})


def _route(world: World, row: tuple[str, str, str, Handler], family: Family) -> Route:
    method, path, scope, handler = row
    endpoint = Endpoint(
        world,
        path,
        handler,
        scope=scope,
        family=family,
        pace=_PACES.get(handler, "requests_per_minute"),
    )
    return Route(path, endpoint, methods=[method])
