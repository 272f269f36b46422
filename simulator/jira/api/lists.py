from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import choice
from simulator.jira.api.operation import Operation
from simulator.jira.api.paging import page
from simulator.jira.api.projects import issue_type, status, status_category
from simulator.jira.api.responses import answer, refuse
from simulator.jira.catalogue import CATEGORIES, DEFAULT_PRIORITY, PRIORITIES, RESOLUTIONS
from simulator.jira.fields import Field, all_fields
from simulator.jira.projects import Status

WORKFLOW_WORDS = {"undefined": "TODO", "new": "TODO", "indeterminate": "IN_PROGRESS", "done": "DONE"}
"""The words `statuses/search` has for the category keys."""


def fields(call: Call) -> Response:
    """Return every field of the site."""
    return answer([_field(each) for each in all_fields(call.world.catalogue).values()])


def _field(each: Field) -> dict[str, Any]:
    number = each.id.removeprefix("customfield_")
    names = [each.id] if each.custom is None else [f"cf[{number}]", each.name]
    return {
        "id": each.id,
        "key": each.id,
        "name": each.name,
        "custom": each.custom is not None,
        "orderable": each.orderable,
        "navigable": each.navigable,
        "searchable": True,
        "clauseNames": names,
        "schema": each.schema(),
    }


def statuses(call: Call) -> Response:
    """Return every status."""
    shown = [each for each in call.world.catalogue.statuses.values() if _is_visible(call, each)]
    return answer([status(call, each) for each in shown])


def _is_visible(call: Call, each: Status) -> bool:
    if each.project_id is None:
        return True
    project = call.world.projects.find(each.project_id)
    return project is not None and call.world.permissions.sees(call.caller, project)


def search_statuses(call: Call) -> Response:
    """Find statuses, with other words for the categories."""
    project = call.world.projects.find(call.query("projectId") or "")
    if not call.may("ADMINISTER") and (project is None or not call.may("ADMINISTER_PROJECTS", project)):
        raise refuse(401, "You do not have permission to view statuses.")
    text, category = (call.query("searchString") or "").casefold(), call.query("statusCategory")
    found = [
        each
        for each in call.world.catalogue.statuses.values()
        if each.project_id == (project.id if project and project.simplified else None)
        and text in each.name.casefold()
        and category in {None, WORKFLOW_WORDS[each.category]}
    ]
    start, size = call.integer("startAt", 0), min(call.integer("maxResults", 200), 200)
    shown = [_workflow_status(each) for each in found[start : start + size]]
    return answer(page(call, shown, start=start, size=size, total=len(found)))


def _workflow_status(each: Status) -> dict[str, Any]:
    scope: dict[str, Any] = {"type": "GLOBAL"}
    if each.project_id:
        scope = {"type": "PROJECT", "project": {"id": each.project_id}}
    category = WORKFLOW_WORDS[each.category]
    return {
        "id": each.id,
        "name": each.name,
        "statusCategory": category,
        "scope": scope,
        "description": each.description,
    }


def one_status(call: Call) -> Response:
    """Return one status, by id or name."""
    wanted = call.path("status")
    for each in call.world.catalogue.statuses.values():
        if wanted in {each.id, each.name} and _is_visible(call, each):
            return answer(status(call, each))
    raise refuse(404, f"The status '{wanted}' does not exist.")


def one_category(call: Call) -> Response:
    """Return one status category, by id or key."""
    wanted = call.path("category")
    for key, (number, _, _) in CATEGORIES.items():
        if wanted in {key, str(number)}:
            return answer(status_category(call, key))
    raise refuse(404, f"The status category '{wanted}' does not exist.")


def one_type(call: Call) -> Response:
    """Return one issue type, by id."""
    found = call.world.catalogue.issue_types.get(call.path("type"))
    if found is None:
        raise refuse(404, f"The issue type '{call.path('type')}' does not exist.")
    return answer(issue_type(call, found))


def one_priority(call: Call) -> Response:
    """Return one priority, by id."""
    found = next((each for each in _priorities(call) if each["id"] == call.path("priority")), None)
    if found is None:
        raise refuse(404, f"The priority '{call.path('priority')}' does not exist.")
    return answer(found)


def one_resolution(call: Call) -> Response:
    """Return one resolution, by id."""
    found = choice(call, "resolution", RESOLUTIONS, call.path("resolution"))
    if found is None:
        raise refuse(404, f"The resolution '{call.path('resolution')}' does not exist.")
    return answer(found)


def categories(call: Call) -> Response:
    """Return the status categories."""
    return answer([status_category(call, key) for key in CATEGORIES])


def types(call: Call) -> Response:
    """Return every issue type."""
    return answer([issue_type(call, each) for each in call.world.catalogue.issue_types.values()])


def priorities(call: Call) -> Response:
    """Return the priorities."""
    return answer(_priorities(call))


def _priorities(call: Call) -> list[dict[str, Any]]:
    shown = (choice(call, "priority", PRIORITIES, each.id) for each in PRIORITIES)
    extra = {"statusColor": "#cccccc", "description": ""}
    return [{**each, **extra, "isDefault": each["id"] == DEFAULT_PRIORITY} for each in shown if each]


def search_priorities(call: Call) -> Response:
    """Find priorities."""
    ids, name = set(call.many("id")), (call.query("priorityName") or "").casefold()
    found = [
        each
        for each in _priorities(call)
        if (not ids or each["id"] in ids)
        and name in each["name"].casefold()
        and (each["isDefault"] or not call.flag("onlyDefault"))
    ]
    start, size = call.integer("startAt", 0), call.integer("maxResults", 50)
    return answer(page(call, found[start : start + size], start=start, size=size, total=len(found)))


def resolutions(call: Call) -> Response:
    """Return the resolutions."""
    return answer([choice(call, "resolution", RESOLUTIONS, each.id) for each in RESOLUTIONS])


WORK = "read:jira-work"
FIELD = "read:avatar read:field read:field-configuration read:project read:project-category"
OPERATIONS = (
    Operation("GET", "/field", fields, WORK, FIELD, login="open"),
    Operation("GET", "/statuses/search", search_statuses, "manage:jira-configuration", "read:workflow"),
    Operation("GET", "/statuscategory", categories, WORK, "read:status"),
    Operation("GET", "/status", statuses, WORK, "read:status", login="open"),
    Operation("GET", "/issuetype", types, WORK, "read:issue-type", login="open"),
    Operation("GET", "/priority", priorities, WORK, "read:priority"),
    Operation("GET", "/priority/search", search_priorities),
    Operation("GET", "/resolution", resolutions, WORK, "read:resolution"),
    Operation("GET", "/status/{status}", one_status, WORK, "read:status", login="open"),
    Operation("GET", "/statuscategory/{category}", one_category, WORK, "read:status"),
    Operation("GET", "/issuetype/{type}", one_type, WORK, "read:issue-type", login="open"),
    Operation("GET", "/priority/{priority}", one_priority, WORK, "read:priority"),
    Operation("GET", "/resolution/{resolution}", one_resolution, WORK, "read:resolution"),
)
