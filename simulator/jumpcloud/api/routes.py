from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.jumpcloud.api import administration, graph, groups, insights, users
from simulator.jumpcloud.api.call import Endpoint, Handler
from simulator.jumpcloud.api.responses import error_response
from simulator.jumpcloud.api.tokens import TokenEndpoint
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.world import World

_V2 = "/api/v2"
_INSIGHTS = "/insights/directory/v1"

_USERS = ("users", "users.readonly")
_GROUPS = ("groups", "groups.readonly")
_APPLICATIONS = ("applications", "applications.readonly")
_ADMINS = ("administrators", "administrators.readonly")
_ORGANIZATIONS = ("organizations", "organizations.readonly")
_DIRECTORIES = ("directories", "directories.readonly")
_EVENTS = ("directoryinsights.readonly",)
_REPORTS = ("reports", "reports.readonly")

_ROUTES: tuple[tuple[str, str, tuple[str, ...], Handler], ...] = (
    ("POST", f"{_V2}/usergroups/{{group_id}}/members", ("groups",), graph.change_member),
    ("GET", f"{_V2}/usergroups/{{group_id}}/members", _USERS, graph.list_members),
    ("GET", f"{_V2}/users/{{user_id}}/memberof", _GROUPS, graph.list_memberof),
    ("GET", "/api/systemusers", ("commandrunner.legacy", *_USERS), users.list_users),
    ("GET", "/api/systemusers/{id}", _USERS, users.read_user),
    ("POST", "/api/search/systemusers", _USERS, users.search_users),
    ("GET", f"{_V2}/usergroups", _GROUPS, groups.list_user_groups),
    ("GET", f"{_V2}/usergroups/{{id}}", _GROUPS, groups.read_group),
    ("POST", f"{_INSIGHTS}/events", _EVENTS, insights.list_events),
    ("POST", f"{_V2}/usergroups", ("groups",), groups.create_group),
    ("PUT", f"{_V2}/usergroups/{{id}}", ("groups",), groups.change_group),
    ("DELETE", f"{_V2}/usergroups/{{id}}", ("groups",), groups.delete_group),
    ("GET", f"{_V2}/usergroups/{{group_id}}/membership", _USERS, graph.list_membership),
    ("GET", f"{_V2}/usergroups/{{group_id}}/associations", _GROUPS, graph.group_associations),
    ("POST", f"{_V2}/usergroups/{{group_id}}/associations", ("groups",), graph.change_group_association),
    ("GET", f"{_V2}/usergroups/{{group_id}}/applications", _APPLICATIONS, graph.group_applications),
    ("GET", f"{_V2}/usergroups/{{group_id}}/suggestions", ("groups",), groups.list_suggestions),
    ("POST", f"{_V2}/usergroups/{{group_id}}/suggestions", ("groups",), groups.apply_suggestions),
    ("GET", f"{_V2}/groups", _GROUPS, groups.list_groups),
    ("GET", f"{_V2}/users/{{user_id}}/associations", _USERS, graph.user_associations),
    ("POST", f"{_V2}/users/{{user_id}}/associations", ("users",), graph.change_user_association),
    ("GET", f"{_V2}/users/{{user_id}}/applications", _APPLICATIONS, graph.user_applications),
    ("GET", f"{_V2}/applications/{{application_id}}/associations", _APPLICATIONS, graph.application_associations),
    (
        "POST",
        f"{_V2}/applications/{{application_id}}/associations",
        ("applications",),
        graph.change_application_association,
    ),
    ("GET", f"{_V2}/applications/{{application_id}}/usergroups", _GROUPS, graph.application_groups),
    ("GET", f"{_V2}/applications/{{application_id}}/users", _USERS, graph.application_users),
    ("GET", f"{_V2}/directories", _DIRECTORIES, administration.list_directories),
    ("GET", f"{_V2}/activedirectories", _DIRECTORIES, administration.list_active_directories),
    ("GET", f"{_V2}/roles", _ADMINS, administration.list_roles),
    ("GET", f"{_V2}/bulk/userstates", _USERS, administration.scheduled_states),
    (
        "GET",
        f"{_V2}/organizations/{{id}}/administratorlinks",
        _ORGANIZATIONS,
        administration.admins_of_organization,
    ),
    ("GET", f"{_V2}/administrators/{{id}}/organizationlinks", _ADMINS, administration.organizations_of_admin),
    ("POST", "/api/systemusers", ("users",), users.create_user),
    ("PUT", "/api/systemusers/{id}", ("users",), users.change_user),
    ("DELETE", "/api/systemusers/{id}", ("users",), users.delete_user),
    ("POST", "/api/systemusers/{id}/state/activate", ("users",), users.activate_user),
    ("POST", "/api/systemusers/{id}/state/suspend", ("users",), users.suspend_user),
    ("GET", "/api/users", _ADMINS, administration.list_admins),
    ("POST", "/api/users", ("administrators",), administration.create_admin),
    ("GET", "/api/users/{id}", _ADMINS, administration.read_admin),
    ("PUT", "/api/users/{id}", ("administrators",), administration.change_admin),
    ("DELETE", "/api/users/{id}", ("administrators",), administration.delete_admin),
    ("GET", "/api/applications", _APPLICATIONS, administration.list_applications),
    ("GET", "/api/applications/{id}", _APPLICATIONS, administration.read_application),
    ("GET", "/api/organizations", ("commandrunner.legacy", *_ORGANIZATIONS), administration.list_organizations),
    ("GET", "/api/organizations/{id}", _ORGANIZATIONS, administration.read_organization),
    ("POST", f"{_INSIGHTS}/events/count", _EVENTS, insights.count_events),
    ("POST", f"{_INSIGHTS}/events/distinct", _EVENTS, insights.distinct_events),
    ("POST", f"{_INSIGHTS}/events/interval", _EVENTS, insights.interval_events),
    ("POST", f"{_INSIGHTS}/reports/{{type}}", _REPORTS, insights.order_report),
    ("GET", f"{_INSIGHTS}/reports", _REPORTS, insights.list_reports),
    (
        "GET",
        f"{_INSIGHTS}/reports/{{report_id}}/artifacts/{{artifact_id}}/content",
        _REPORTS,
        insights.read_artifact,
    ),
)
"""Method, path, the scopes of which one is needed (`x-scopes` of the published text), handler; busiest first."""


def create_app(world: World) -> Starlette:
    """Return the API over a world: v1, v2, Directory Insights, reports and the token endpoint, all on one port."""

    async def unknown(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return error_response(world, ApiError(status, "Not Found" if status == 404 else "Method Not Allowed"))

    routes = [
        Route(path, Endpoint(world, path, handler, scopes), methods=[method])
        for method, path, scopes, handler in _ROUTES
    ]
    routes.append(Route(TokenEndpoint.route, TokenEndpoint(world), methods=["POST"]))
    return Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})
