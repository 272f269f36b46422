from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.paging import page
from simulator.jira.api.responses import ApiError, answer, refuse
from simulator.jira.api.user_documents import avatars, person
from simulator.jira.catalogue import CATEGORIES
from simulator.jira.projects import IssueType, Project, Status
from simulator.jira.world import TRASH_SECONDS

LARGEST_PAGE = 100
ACTIONS = {"view": "", "browse": "BROWSE_PROJECTS", "edit": "ADMINISTER_PROJECTS", "create": "CREATE_ISSUES"}


def no_project(id_or_key: str) -> ApiError:
    """Return the error for a project that is not there or not to be seen."""
    which = f"id '{id_or_key}'" if id_or_key.isdigit() else f"key '{id_or_key}'"
    return refuse(404, f"No project could be found with {which}.")


def the_project(call: Call, id_or_key: str | None = None) -> Project:
    """Return the project the path names, or refuse."""
    wanted = call.path("project") if id_or_key is None else id_or_key
    project = call.world.projects.find(wanted)
    if project is None or not _readable(call, project, wanted):
        raise no_project(wanted)
    return project


def _readable(call: Call, project: Project, wanted: str) -> bool:
    switches = call.world.switches
    if switches.old_project_keys == "404" and wanted not in {project.id, project.key}:
        return False
    if project.status == "deleted":
        return switches.trashed_project_read == 200 and _in_trash(call, project)
    return call.world.permissions.sees(call.caller, project)


def _in_trash(call: Call, project: Project) -> bool:
    """Return whether the caller is an administrator, who sees what is in the trash."""
    return not call.world.is_purged(project) and call.may("ADMINISTER")


def project_brief(call: Call, project: Project) -> dict[str, Any]:
    """Return a project as lists and issues show it."""
    return {
        "self": f"{call.api}/project/{project.id}",
        "id": project.id,
        "key": project.key,
        "name": project.name,
        "avatarUrls": avatars(call, kind="projectavatar"),
        "projectTypeKey": project.type_key,
        "simplified": project.simplified,
    }


def _listed(call: Call, project: Project, expand: list[str]) -> dict[str, Any]:
    document = {
        **project_brief(call, project),
        "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
        "style": project.style,
        "isPrivate": project.access_level == "private",
        "properties": {},
        "uuid": str(uuid5(NAMESPACE_OID, project.id)),
    }
    if project.status == "archived":
        document["archived"] = True
        if project.archived_at is not None:
            document["archivedDate"] = call.stamp(project.archived_at)
    if project.status == "deleted":
        document["deleted"] = True
        if project.trashed_at is not None:
            document["deletedDate"] = call.stamp(project.trashed_at)
            document["retentionTillDate"] = call.stamp(project.trashed_at + TRASH_SECONDS)
    if "projectKeys" in expand:
        document["projectKeys"] = [project.key, *project.old_keys]
    lead = person(call, project.lead)
    if "lead" in expand and lead:
        document["lead"] = lead
    if "description" in expand:
        document["description"] = project.description
    if "issueTypes" in expand:
        document["issueTypes"] = [issue_type(call, each) for each in _types(call, project)]
    if "insight" in expand:
        document["insight"] = {"totalIssueCount": len(call.world.tracker.index.by_project[project.id])}
    return document


def search(call: Call) -> Response:
    """List the projects that the caller may see."""
    start, size = call.integer("startAt", 0), min(call.integer("maxResults", 50), LARGEST_PAGE)
    if start < 0 or size < 1:
        raise refuse(400, "The maxResults parameter must be greater than 0.")
    found = _found(call)
    expand = call.listed("expand")
    shown = [_listed(call, project, expand) for project in found[start : start + size]]
    return answer(page(call, shown, start=start, size=size, total=len(found)))


def recent(call: Call) -> Response:
    """Return up to 20 projects that the caller saw lately; here the first ones by key."""
    return answer([_listed(call, project, call.listed("expand")) for project in _found(call)[:20]])


def everything(call: Call) -> Response:
    """List the projects that the caller may see, unpaged: deprecated, but many clients still ask."""
    expand = call.listed("expand")
    return answer([_listed(call, project, expand) for project in _found(call)])


def _found(call: Call) -> list[Project]:
    keys, ids = set(call.many("keys")), set(call.many("id"))
    statuses = set(call.listed("status")) or {"live"}
    kinds = set(call.listed("typeKey"))
    query = (call.query("query") or "").casefold()
    permission = ACTIONS.get(call.query("action") or "view", "")
    permissions = call.world.permissions

    def wanted(project: Project) -> bool:
        return (
            project.status in statuses
            and (not (keys or ids) or project.key in keys or project.id in ids)
            and (not kinds or project.type_key in kinds)
            and (not query or query in project.key.casefold() or query in project.name.casefold())
            and (permissions.sees(call.caller, project) or (project.status == "deleted" and _in_trash(call, project)))
            and (not permission or permissions.has(call.caller, permission, project))
        )

    found = [project for project in call.world.projects.in_order() if wanted(project)]
    order = call.query("orderBy") or "key"
    if order.lstrip("+-") == "name":
        found.sort(key=lambda project: project.name.casefold())
    if order.startswith("-"):
        found.reverse()
    return found


def one(call: Call) -> Response:
    """Return one project with its roles."""
    project = the_project(call)
    document = {
        **_listed(call, project, ["description", "lead", "issueTypes", *call.listed("expand")]),
        "assigneeType": "UNASSIGNED",
        "components": [],
        "versions": [],
        "roles": role_map(call, project),
    }
    return answer(document)


def role_map(call: Call, project: Project) -> dict[str, str]:
    """Return role names and their addresses, which end in the role's id."""
    at = f"{call.api}/project/{project.id}/role"
    return {role.name: f"{at}/{role.id}" for role in call.world.catalogue.roles_of(project)}


def _types(call: Call, project: Project) -> list[IssueType]:
    return [call.world.catalogue.issue_types[each] for each in project.issue_types]


def issue_type(call: Call, kind: IssueType) -> dict[str, Any]:
    """Return `IssueTypeDetails`."""
    document: dict[str, Any] = {
        "self": f"{call.api}/issuetype/{kind.id}",
        "id": kind.id,
        "description": kind.description,
        "iconUrl": f"{call.base}/images/icons/issuetypes/{kind.id}.svg",
        "name": kind.name,
        "subtask": kind.subtask,
        "hierarchyLevel": -1 if kind.subtask else 0,
    }
    if kind.project_id:
        document["scope"] = scope(kind.project_id)
    return document


def scope(project_id: str) -> dict[str, Any]:
    """Return the scope of something that belongs to one team-managed project."""
    return {"type": "PROJECT", "project": {"id": project_id}}


def status_category(call: Call, key: str) -> dict[str, Any]:
    """Return `StatusCategory`."""
    number, name, colour = CATEGORIES[key]
    at = f"{call.api}/statuscategory/{number}"
    return {"self": at, "id": number, "key": key, "colorName": colour, "name": name}


def status(call: Call, each: Status) -> dict[str, Any]:
    """Return `StatusDetails`."""
    document: dict[str, Any] = {
        "self": f"{call.api}/status/{each.id}",
        "description": each.description,
        "iconUrl": f"{call.base}/images/icons/statuses/generic.png",
        "name": each.name,
        "id": each.id,
        "statusCategory": status_category(call, each.category),
    }
    if each.project_id:
        document["scope"] = scope(each.project_id)
    return document


def statuses(call: Call) -> Response:
    """Return the statuses of each issue type of a project."""
    project = the_project(call)
    shown = [status(call, call.world.catalogue.statuses[each]) for each in project.statuses]
    return answer(
        [
            {
                "self": f"{call.api}/issuetype/{kind.id}",
                "id": kind.id,
                "name": kind.name,
                "subtask": kind.subtask,
                "statuses": shown,
            }
            for kind in _types(call, project)
        ]
    )


WORK = "read:jira-work"
READ = (
    "read:application-role read:avatar read:group read:issue-type read:issue-type-hierarchy read:project "
    "read:project-category read:project-version read:project.component read:project.property read:user"
)
OPERATIONS = (
    Operation("GET", "/project/recent", recent, WORK, READ),
    Operation("GET", "/project/search", search, WORK, READ, login="open"),
    Operation("GET", "/project", everything, WORK, READ, login="open"),
    Operation("GET", "/project/{project}", one, WORK, READ, login="open"),
    Operation(
        "GET",
        "/project/{project}/statuses",
        statuses,
        WORK,
        "read:issue-status read:issue-type read:status",
        login="open",
    ),
)
