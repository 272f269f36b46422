from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_lookup import project_in_query
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, refuse
from simulator.jira.api.user_documents import application_role, user_full
from simulator.jira.catalogue import ADMIN_PERMISSIONS, GLOBAL_PERMISSIONS, MEMBER_PERMISSIONS
from simulator.jira.projects import Project

BUILD = 100_287
VERSION = "1001.0.0-SNAPSHOT"
PERMISSIONS = ("ADMINISTER", "SYSTEM_ADMIN", "USER_PICKER", "BULK_CHANGE", *MEMBER_PERMISSIONS, *ADMIN_PERMISSIONS)


def myself(call: Call) -> Response:
    """Return the caller's own account."""
    return answer(user_full(call, call.me, call.listed("expand")))


def session(call: Call) -> Response:
    """Return the caller's session, which with an API token is the caller's name alone."""
    address = f"{call.api}/user?accountId={quote(call.me.account_id, safe='')}"
    return answer({"self": address, "name": call.me.account_id})


def server(call: Call) -> Response:
    """Say what this site is."""
    return answer(
        {
            "baseUrl": call.base,
            "displayUrl": call.base,
            "version": VERSION,
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": BUILD,
            "buildDate": "2026-02-02T00:00:00.000+0000",
            "serverTime": call.stamp(call.world.now()),
            "scmInfo": "0" * 40,
            "serverTitle": "Jira",
            "serverTimeZone": "Etc/UTC",
        }
    )


def tenant(call: Call) -> Response:
    """Return the cloud id of the site."""
    return answer({"cloudId": call.world.site.cloud_id})


def my_permissions(call: Call) -> Response:
    """Return which of some permissions the caller has, in a project or on an issue."""
    wanted = call.listed("permissions")
    if not wanted:
        raise refuse(400, "The 'permissions' query parameter is required.")
    unknown = [each for each in wanted if each not in PERMISSIONS]
    if unknown:
        raise refuse(400, f"Unrecognized permission: {', '.join(unknown)}")
    project = project_in_query(call, "projectKey", "projectId")
    return answer({"permissions": {key: _permission(call, key, project) for key in wanted}})


def _permission(call: Call, key: str, project: Project | None) -> dict[str, Any]:
    is_global = key in GLOBAL_PERMISSIONS
    if is_global:
        has = call.may(key)
    elif project is None:
        has = any(call.may(key, each) for each in call.world.projects.by_id.values())
    elif key == "ADMINISTER_PROJECTS":
        has = call.world.permissions.administers(call.caller, project)
    else:
        has = call.may(key, project)
    return {
        "id": str(PERMISSIONS.index(key)),
        "key": key,
        "name": key.replace("_", " ").capitalize(),
        "type": "GLOBAL" if is_global else "PROJECT",
        "description": "",
        "havePermission": has,
    }


def application_roles(call: Call) -> Response:
    """Return the products of the site with their access groups and seats."""
    call.require("ADMINISTER", "The user is not an administrator.")
    return answer([application_role(call, key) for key in call.world.site.applications])


def application_links(call: Call) -> Response:
    """Return the links to other applications, of which there are none; clients ask before they add a remote link."""
    call.require("ADMINISTER", "The user is not an administrator.")
    return answer({"list": []})


USER = "read:jira-user"
READ = "read:application-role read:avatar read:group read:user"
OPERATIONS = (
    Operation("GET", "/myself", myself, USER, READ),
    Operation("GET", "/serverInfo", server, login="open"),
    Operation("GET", "/mypermissions", my_permissions, "read:jira-work", "read:permission", login="open"),
    Operation("GET", "/applicationrole", application_roles, "manage:jira-configuration", "read:application-role"),
    Operation("GET", "/rest/applinks/{version}/listApplicationlinks", application_links, root=True),
    Operation("GET", "/rest/auth/1/session", session, root=True),
    Operation("GET", "/_edge/tenant_info", tenant, login="open", root=True),
)
