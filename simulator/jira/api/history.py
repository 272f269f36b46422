from __future__ import annotations

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import change
from simulator.jira.api.issue_lookup import the_issue, visible
from simulator.jira.api.operation import Operation
from simulator.jira.api.paging import page
from simulator.jira.api.responses import answer, refuse
from simulator.jira.api.values import as_id

PAGE = 100
BULK_ISSUES = 1000
BULK_PAGE = 1000
BULK_LIMIT = 10_000
BAD_TOKEN = "The provided nextPageToken is invalid."  # noqa: S105 -- a message


def listing(call: Call) -> Response:
    """Return the history of an issue, oldest first."""
    issue = the_issue(call)
    start, size = call.integer("startAt", 0), min(call.integer("maxResults", PAGE), PAGE)
    shown = [change(call, each) for each in issue.changes[start : start + size]]
    return answer(page(call, shown, start=start, size=size, total=len(issue.changes)))


def bulk(call: Call) -> Response:
    """Return the history of up to 1000 issues, if wanted of some fields only."""
    body = call.members()
    wanted, fields = body.get("issueIdsOrKeys"), body.get("fieldIds") or []
    size = body.get("maxResults", BULK_PAGE)
    if not isinstance(fields, list) or not all(isinstance(each, str) for each in fields):
        raise refuse(400, "The fieldIds have to be a list of field ids.")
    if not isinstance(wanted, list) or not 0 < len(wanted) <= BULK_ISSUES:
        raise refuse(400, f"The number of issues has to be between 1 and {BULK_ISSUES}.")
    if type(size) is not int or not 0 < size <= BULK_LIMIT:
        raise refuse(400, f"The maxResults parameter must be between 1 and {BULK_LIMIT}.")
    token = str(body.get("nextPageToken") or "0")
    if not token.isdigit():
        raise refuse(400, BAD_TOKEN)
    found = {issue.id: issue for each in wanted if (issue := visible(call, as_id(each))) is not None}
    rows = [
        (issue.id, each)
        for issue in found.values()
        for each in issue.changes
        if not fields or any(item["fieldId"] in fields for item in each.items)
    ]
    start = int(token)
    logs: dict[str, list[dict[str, object]]] = {}
    for issue_id, each in rows[start : start + size]:
        logs.setdefault(issue_id, []).append(change(call, each))
    document: dict[str, object] = {
        "issueChangeLogs": [{"issueId": issue_id, "changeHistories": histories} for issue_id, histories in logs.items()]
    }
    if start + size < len(rows):
        document["nextPageToken"] = str(start + size)
    return answer(document)


WORK = "read:jira-work"
READ = "read:avatar read:issue-meta read:issue.changelog"
OPERATIONS = (
    Operation("GET", "/issue/{key}/changelog", listing, WORK, READ, login="open"),
    Operation("POST", "/changelog/bulkfetch", bulk, WORK, READ, login="open", reads=True),
)
