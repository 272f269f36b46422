from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import choice
from simulator.jira.api.issue_lookup import project_of, the_issue
from simulator.jira.api.operation import Operation
from simulator.jira.api.projects import issue_type, project_brief, the_project
from simulator.jira.api.responses import answer, refuse
from simulator.jira.api.values import shown_text
from simulator.jira.catalogue import DEFAULT_PRIORITY, PRIORITIES
from simulator.jira.fields import OnScreen, screen
from simulator.jira.issues import Issue
from simulator.jira.projects import IssueType, Project

LARGEST_PAGE = 200
NO_CREATE = "You do not have permission to create issues in this project."
AUTOCOMPLETE = {
    "assignee": "/user/assignable/search?project={project}&query=",
    "reporter": "/user/search?query=",
    "labels": "/label?query=",
}


def _window(call: Call) -> tuple[int, int]:
    start, size = call.integer("startAt", 0), call.integer("maxResults", 50)
    if size > LARGEST_PAGE:
        raise refuse(400, f"Parameter 'maxResults' must not exceed the limit '{LARGEST_PAGE}'")
    return start, size


def _creatable(call: Call) -> tuple[Project, bool]:
    project = the_project(call)
    may = call.may("CREATE_ISSUES", project)
    if not may and call.world.switches.createmeta_without_permission == "400":
        raise refuse(400, NO_CREATE)
    return project, may


def create_types(call: Call) -> Response:
    """Return the issue types that the caller can create in a project."""
    start, size = _window(call)
    project, may = _creatable(call)
    kinds = [issue_type(call, call.world.catalogue.issue_types[each]) for each in project.issue_types] if may else []
    return answer(
        {"issueTypes": kinds[start : start + size], "startAt": start, "maxResults": size, "total": len(kinds)}
    )


def create_fields(call: Call) -> Response:
    """Return the fields of the create screen of an issue type."""
    start, size = _window(call)
    project, may = _creatable(call)
    type_id = call.path("type")
    if type_id not in project.issue_types:
        raise refuse(400, errors={"issuetype": "Specify a valid issue type"})
    on_screen = screen(call.world.catalogue, project, type_id).values() if may else ()
    fields = [{"fieldId": each.field.id, **field_meta(call, project, each, type_id)} for each in on_screen]
    return answer({"fields": fields[start : start + size], "startAt": start, "maxResults": size, "total": len(fields)})


def edit_fields(call: Call) -> Response:
    """Return the fields of the edit screen of an issue."""
    return answer({"fields": edit_meta(call, the_issue(call))})


def edit_meta(call: Call, issue: Issue) -> dict[str, Any]:
    """Return the fields of an issue's edit screen by id; none to somebody who may not edit the issue."""
    project = project_of(call, issue)
    on_screen = screen(call.world.catalogue, project, issue.type_id) if call.may("EDIT_ISSUES", project) else {}
    return {
        name: field_meta(call, project, each, issue.type_id) for name, each in on_screen.items() if name != "project"
    }


def create_everything(call: Call) -> Response:
    """Return projects with their issue types, and with `expand` the fields of these: deprecated, still asked for."""
    keys, ids = set(call.listed("projectKeys")), set(call.listed("projectIds"))
    kinds = {*call.listed("issuetypeIds"), *call.many("issuetypeNames")}
    with_fields = "projects.issuetypes.fields" in call.listed("expand")
    shown = []
    for project in call.world.projects.in_order():
        chosen = not (keys or ids) or project.key in keys or project.id in ids
        if chosen and project.status == "live" and call.may("CREATE_ISSUES", project):
            types = [call.world.catalogue.issue_types[each] for each in project.issue_types]
            types = [each for each in types if not kinds or {each.id, each.name} & kinds]
            document = project_brief(call, project)
            document["issuetypes"] = [_creatable_type(call, project, each, with_fields=with_fields) for each in types]
            shown.append(document)
    return answer({"expand": "projects", "projects": shown})


def _creatable_type(call: Call, project: Project, kind: IssueType, *, with_fields: bool) -> dict[str, Any]:
    document = issue_type(call, kind)
    if with_fields:
        on_screen = screen(call.world.catalogue, project, kind.id)
        document["fields"] = {name: field_meta(call, project, each, kind.id) for name, each in on_screen.items()}
    return document


def field_meta(call: Call, project: Project, entry: OnScreen, type_id: str) -> dict[str, Any]:
    """Return `FieldMetadata`."""
    field = entry.field
    document: dict[str, Any] = {
        "required": entry.required,
        "schema": field.schema(),
        "name": field.name,
        "key": field.id,
        "hasDefaultValue": entry.has_default,
        "operations": list(field.operations),
    }
    if entry.default is not None:
        document["defaultValue"] = shown_text(call, entry.default) if field.is_document else entry.default
    if field.id == "priority":
        document["defaultValue"] = choice(call, "priority", PRIORITIES, DEFAULT_PRIORITY)
    if field.id in AUTOCOMPLETE:
        document["autoCompleteUrl"] = call.api + AUTOCOMPLETE[field.id].format(project=project.key)
    allowed = _allowed(call, project, entry, type_id)
    return document if allowed is None else {**document, "allowedValues": allowed}


def _allowed(call: Call, project: Project, entry: OnScreen, type_id: str) -> list[Any] | None:
    match entry.field.id:
        case "priority":
            return [choice(call, "priority", PRIORITIES, each.id) for each in PRIORITIES]
        case "project":
            return [project_brief(call, project)]
        case "issuetype":
            return [issue_type(call, call.world.catalogue.issue_types[type_id])]
    if not entry.field.options:
        return None
    at = f"{call.api}/customFieldOption"
    return [{"self": f"{at}/{option_id}", "value": value, "id": option_id} for option_id, value in entry.field.options]


WORK = "read:jira-work"
READ = "read:avatar read:field-configuration read:issue-meta"
AT = "/issue/createmeta/{project}/issuetypes"
OPERATIONS = (
    Operation("GET", "/issue/createmeta", create_everything, WORK, READ, login="open"),
    Operation("GET", AT, create_types, WORK, READ),
    Operation("GET", f"{AT}/{{type}}", create_fields, WORK, READ),
    Operation(
        "GET", "/issue/{key}/editmeta", edit_fields, WORK, "read:field-configuration read:issue-meta", login="open"
    ),
)
