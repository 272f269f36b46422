from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.draft import BAD_PAYLOAD, Draft, Reader, read_place
from simulator.jira.api.issue_documents import ALL, NAVIGABLE, FieldSelection
from simulator.jira.api.issue_expansions import expanded_document
from simulator.jira.api.issue_lookup import project_of, the_issue, visible
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import ApiError, answer, empty, refuse
from simulator.jira.api.transitions import apply_transition
from simulator.jira.api.values import ValueRefused, as_id, link_type_of, stored
from simulator.jira.catalogue import DEFAULT_PRIORITY, REQUEST_TYPE
from simulator.jira.fields import SYSTEM
from simulator.jira.issues import Issue

BULK_CREATE = 50
BULK_SIZE = f"The number of issues to create has to be between 1 and {BULK_CREATE}."
BULK_FETCH = 100
PICKED = 20


def create(call: Call) -> Response:
    """Create an issue; its properties and labels are written with it."""
    return answer(_create(call, call.members()), 201)


def _create(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    project, kind = read_place(call, body.get("fields"))
    draft = Reader(call, project, kind.id).read(body)
    values = draft.values
    issue = Issue(
        id="",
        key="",
        project_id=project.id,
        type_id=kind.id,
        status_id=project.statuses[0],
        creator=call.me.account_id,
        created=0.0,
        updated=0.0,
        summary=values.pop("summary"),
        assignee=values.pop("assignee", None),
        reporter=values.pop("reporter", None) or call.me.account_id,
        labels=values.pop("labels", []),
        properties=draft.properties,
    )
    values.setdefault("priority", DEFAULT_PRIORITY)
    issue.values = {name: value for name, value in values.items() if value is not None and name != "issuetype"}
    _check_form(call, issue)
    call.world.enter_issue(issue, call.me.account_id)
    _finish(call, issue, draft)
    if isinstance(body.get("transition"), dict):
        apply_transition(call, issue, {"transition": body["transition"]})
    return {"id": issue.id, "key": issue.key, "self": f"{call.api}/issue/{issue.id}"}


def _check_form(call: Call, issue: Issue) -> None:
    """Refuse a request that lacks what the form of its type requires, where the site checks that here."""
    kind = call.world.request_type(issue)
    if kind is None:
        return
    if kind.issue_type != issue.type_id:
        raise refuse(400, errors={REQUEST_TYPE.id: "The request type you selected is not valid."})
    if not call.world.switches.request_form_checked:
        return
    given = {"summary", *(["labels"] if issue.labels else []), *issue.values}
    missing = {name: use for name, use in kind.fields.items() if use.required and use.visible and name not in given}
    if missing:
        raise refuse(400, errors={name: f"{use.label or name} is required." for name, use in missing.items()})


def _finish(call: Call, issue: Issue, draft: Draft) -> None:
    for document in draft.comments:
        call.world.tracker.comment(issue, document, call.me.account_id)
    for link in draft.links:
        kind = link_type_of(link.get("type"))
        other = _linked(call, link.get("outwardIssue") or link.get("inwardIssue"))
        if kind is None or other is None:
            raise refuse(400, errors={"issuelinks": "The issue link type or issue is not valid."})
        ends = (issue, other) if "outwardIssue" in link else (other, issue)
        call.world.tracker.link(kind.id, *ends)


def _linked(call: Call, sent: Any) -> Issue | None:
    wanted = sent.get("id", sent.get("key")) if isinstance(sent, dict) else None
    return visible(call, as_id(wanted))


def create_bulk(call: Call) -> Response:
    """Create up to 50 issues; some may fail."""
    updates = call.members().get("issueUpdates")
    if not isinstance(updates, list) or not 0 < len(updates) <= BULK_CREATE:
        raise ApiError(answer({"issues": [], "errors": [_bulk_error(0, refuse(400, BULK_SIZE))]}, 400))
    issues: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for number, body in enumerate(updates):
        try:
            issues.append(_create(call, body if isinstance(body, dict) else {}))
        except ApiError as error:
            errors.append(_bulk_error(number, error))
    return answer({"issues": issues, "errors": errors}, 201 if issues else 400)


def _bulk_error(number: int, error: ApiError) -> dict[str, Any]:
    status = error.response.status_code
    return {"status": status, "elementErrors": error.body, "failedElementNumber": number}


def one(call: Call) -> Response:
    """Return one issue; a former key finds it too, and the answer has the new one."""
    issue = the_issue(call)
    selection = FieldSelection(call, call.listed("fields"), ALL)
    properties = call.listed("properties")
    return answer(expanded_document(call, issue, selection, expand=call.listed("expand"), properties=properties))


def fetch_bulk(call: Call) -> Response:
    """Return up to 100 issues from the issue store, by id; what is missing or not to be seen is left out."""
    body = call.members()
    wanted = body.get("issueIdsOrKeys")
    if not isinstance(wanted, list) or not 0 < len(wanted) <= BULK_FETCH:
        raise refuse(400, f"The number of issues to fetch has to be between 1 and {BULK_FETCH}.")
    selection = FieldSelection(call, _texts(body, "fields"), NAVIGABLE)
    expand, properties = _texts(body, "expand"), _texts(body, "properties")
    found = {issue.id: issue for each in wanted if (issue := visible(call, as_id(each))) is not None}
    ordered = sorted(found.values(), key=lambda issue: int(issue.id))
    shown = [expanded_document(call, each, selection, expand=expand, properties=properties) for each in ordered]
    return answer({"issues": shown, "issueErrors": []})


def _texts(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refuse(400, BAD_PAYLOAD)
    return value


def picker(call: Call) -> Response:
    """Find issues by a piece of their summary or by key, for pickers."""
    query = (call.query("query") or "").casefold()
    found = [
        issue
        for issue in call.world.issues.by_id.values()
        if query in {issue.key.casefold()} | {issue.summary.casefold()} or (query and query in issue.summary.casefold())
    ]
    shown = [
        {
            "id": int(issue.id),
            "key": issue.key,
            "keyHtml": issue.key,
            "summary": issue.summary,
            "summaryText": issue.summary,
        }
        for issue in found
        if call.sees_issue(issue)
    ][:PICKED]
    sub = f"Showing {len(shown)} of {len(shown)} matching issues"
    return answer({"sections": [{"label": "Current Search", "sub": sub, "id": "cs", "issues": shown}]})


def edit(call: Call) -> Response:
    """Change fields of an issue."""
    issue = the_issue(call)
    project = project_of(call, issue)
    call.require("EDIT_ISSUES", "You do not have permission to edit issues in this project.", project)
    draft = Reader(call, project, issue.type_id, issue).read(call.members())
    call.world.tracker.edit(issue, draft.values, call.me.account_id)
    issue.properties.update(draft.properties)
    _finish(call, issue, draft)
    if call.flag("returnIssue"):
        return answer(expanded_document(call, issue, FieldSelection(call, (), ALL), expand=call.listed("expand")))
    return empty()


def delete(call: Call) -> Response:
    """Delete an issue."""
    issue = the_issue(call)
    call.require(
        "DELETE_ISSUES", "You do not have permission to delete issues in this project.", project_of(call, issue)
    )
    call.world.tracker.delete(issue, call.me.account_id)
    return empty()


def assign(call: Call) -> Response:
    """Assign an issue, or take the assignee away with null."""
    issue = the_issue(call)
    project = project_of(call, issue)
    call.require("ASSIGN_ISSUES", "You do not have permission to assign issues.", project)
    try:
        assignee = stored(call, SYSTEM["assignee"], call.members(), project)
    except ValueRefused as refused:
        raise refuse(400, errors={"assignee": str(refused)}) from refused
    call.world.tracker.edit(issue, {"assignee": assignee}, call.me.account_id)
    return empty()


WORK, WRITE = "read:jira-work", "write:jira-work"
READ = (
    "read:avatar read:field-configuration read:issue read:issue-meta read:issue-security-level read:issue.changelog "
    "read:issue.vote read:status read:user"
)
CREATE = "read:issue write:attachment write:comment write:comment.property write:issue"
AT = "/issue/{key}"
OPERATIONS = (
    Operation("GET", "/issue/picker", picker, WORK, READ, login="open"),
    Operation("POST", "/issue", create, WRITE, CREATE),
    Operation("POST", "/issue/bulk", create_bulk, WRITE, CREATE),
    Operation("POST", "/issue/bulkfetch", fetch_bulk, WORK, READ, login="open", reads=True),
    Operation("GET", AT, one, WORK, READ, login="open"),
    Operation("PUT", AT, edit, WRITE, "write:issue", issue_write=True),
    Operation("DELETE", AT, delete, WRITE, "delete:issue", issue_write=True),
    Operation("PUT", f"{AT}/assignee", assign, WRITE, "write:issue", issue_write=True),
)
