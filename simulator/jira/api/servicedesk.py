"""Service desks and their request types, as `/rest/servicedeskapi` shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import ApiError, answer
from simulator.jira.fields import Field, OnScreen, all_fields, screen
from simulator.jira.projects import Project, RequestType

PAGE = 50
NO_DESK = "The Service Desk you are trying to view does not exist."
NO_TYPE = "The request type you are trying to view does not exist."


def refused(status: int, message: str) -> ApiError:
    """Return the error of this API, to be raised."""
    key = {"i18nKey": "sd.error", "parameters": []}
    return ApiError(answer({"errorMessage": message, "i18nErrorMessage": key}, status))


def page(call: Call, values: Iterable[Any]) -> Response:
    """Answer with a page of this API."""
    everything = list(values)
    start, limit = call.integer("start", 0), min(call.integer("limit", PAGE), 100)
    shown = everything[start : start + limit]
    is_last = start + limit >= len(everything)
    return answer({"size": len(shown), "start": start, "limit": limit, "isLastPage": is_last, "values": shown})


def desks_by_id(call: Call) -> dict[str, Project]:
    """Return service projects by service desk id; the ids count the service projects of the site."""
    found = [project for project in call.world.projects.in_order() if project.type_key == "service_desk"]
    return {str(number): project for number, project in enumerate(found, start=1)}


def desk_of(call: Call, project: Project) -> str:
    """Return the id of a project's service desk."""
    return next(desk for desk, each in desks_by_id(call).items() if each.id == project.id)


def desk_document(call: Call, desk: str, project: Project) -> dict[str, Any]:
    """Return `ServiceDeskDTO`."""
    return {
        "id": desk,
        "projectId": project.id,
        "projectName": project.name,
        "projectKey": project.key,
        "projectTypeKey": project.type_key,
        "_links": {"self": f"{call.base}{AT}/servicedesk/{desk}"},
    }


def request_type_document(call: Call, desk: str, kind: RequestType) -> dict[str, Any]:
    """Return `RequestTypeDTO`."""
    return {
        "_expands": ["field"],
        "id": kind.id,
        "_links": {"self": f"{call.base}{AT}/servicedesk/{desk}/requesttype/{kind.id}"},
        "name": kind.name,
        "description": kind.description,
        "helpText": "",
        "issueTypeId": kind.issue_type,
        "serviceDeskId": desk,
        "portalId": desk,
        "groupIds": [],
        "restrictionStatus": "OPEN" if kind.restricted_to is None else "RESTRICTED",
        "canCreateRequest": kind.open_to(call.me.account_id),
    }


def the_desk(call: Call, desk: str) -> Project:
    """Return the project of a service desk, named by its id or the project's key or id, or refuse."""
    found = desks_by_id(call)
    project = found.get(desk) or next((each for each in found.values() if desk in {each.key, each.id}), None)
    if project is None or not call.world.permissions.sees(call.caller, project):
        raise refused(404, NO_DESK)
    return project


def open_types(call: Call, project: Project) -> list[RequestType]:
    """Return the request types of a project that the caller may use; nobody else is shown a restricted one."""
    return [kind for kind in project.request_types if kind.open_to(call.me.account_id)]


def the_type(call: Call, project: Project, type_id: str) -> RequestType:
    """Return a request type of a project that the caller may use, or refuse."""
    kind = next((each for each in open_types(call, project) if each.id == type_id), None)
    if kind is None:
        raise refused(404, NO_TYPE)
    return kind


def desks(call: Call) -> Response:
    """List the service desks that the caller sees."""
    found = desks_by_id(call).items()
    shown = [(desk, project) for desk, project in found if call.world.permissions.sees(call.caller, project)]
    return page(call, (desk_document(call, desk, project) for desk, project in shown))


def desk(call: Call) -> Response:
    """Return one service desk."""
    project = the_desk(call, call.path("desk"))
    return answer(desk_document(call, desk_of(call, project), project))


def request_types(call: Call) -> Response:
    """List the request types of a service desk."""
    project = the_desk(call, call.path("desk"))
    wanted = (call.query("searchQuery") or "").casefold()
    found = [kind for kind in open_types(call, project) if wanted in kind.name.casefold()]
    return page(call, (request_type_document(call, desk_of(call, project), kind) for kind in found))


def request_type(call: Call) -> Response:
    """Return one request type."""
    project = the_desk(call, call.path("desk"))
    return answer(request_type_document(call, desk_of(call, project), the_type(call, project, call.path("type"))))


def request_type_fields(call: Call) -> Response:
    """Return the form of a request type; hidden fields only when asked for, and to an administrator of the project."""
    project = the_desk(call, call.path("desk"))
    kind = the_type(call, project, call.path("type"))
    administers = call.world.permissions.administers(call.caller, project)
    hidden = "hiddenFields" in call.listed("expand") and administers
    known, on_screen = all_fields(call.world.catalogue), screen(call.world.catalogue, project, kind.issue_type)
    shown = [
        {
            "fieldId": name,
            "name": use.label or known[name].name,
            "description": "",
            "required": use.required,
            "defaultValues": [],
            "presetValues": [] if use.preset is None else [str(use.preset)],
            "validValues": _valid_values(on_screen.get(name), known[name]),
            "jiraSchema": known[name].schema(),
            "visible": use.visible,
        }
        for name, use in kind.fields.items()
        if use.visible or hidden
    ]
    may = call.may("EDIT_ISSUES", project)
    return answer({"requestTypeFields": shown, "canRaiseOnBehalfOf": may, "canAddRequestParticipants": may})


def _valid_values(entry: OnScreen | None, known: Field) -> list[dict[str, Any]]:
    options = (entry.field if entry else known).options
    return [{"value": option_id, "label": value, "children": []} for option_id, value in options]


AT = "/rest/servicedeskapi"
CLASSIC = "read:servicedesk-request"
DESK, KIND = f"{AT}/servicedesk/{{desk}}", f"{AT}/servicedesk/{{desk}}/requesttype"
OPERATIONS = (
    Operation("GET", f"{AT}/servicedesk", desks, CLASSIC, "read:servicedesk", root=True),
    Operation("GET", DESK, desk, CLASSIC, "read:servicedesk", root=True),
    Operation("GET", KIND, request_types, CLASSIC, "read:requesttype", root=True),
    Operation("GET", f"{KIND}/{{type}}", request_type, CLASSIC, "read:requesttype", root=True),
    Operation("GET", f"{KIND}/{{type}}/field", request_type_fields, CLASSIC, "read:requesttype", root=True),
)
