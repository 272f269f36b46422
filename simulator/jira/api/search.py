from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import FieldSelection
from simulator.jira.api.issue_expansions import expanded_document
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, refuse
from simulator.jira.index import Entry, entry_of
from simulator.jira.jql.syntax import JqlError
from simulator.jira.search import TOKEN_SECONDS, Cursor, Search

LARGEST_PAGE = 5000
RECONCILED = 50
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
BAD_TOKEN = "The provided nextPageToken is invalid or has expired."  # noqa: S105 -- a message
BAD_SIZE = "The maxResults parameter must be between 1 and 5,000."
GONE = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
MEMBERS: dict[str, type | tuple[type, ...]] = {
    "jql": str,
    "maxResults": int,
    "nextPageToken": str,
    "fields": list,
    "expand": str,
    "properties": list,
    "fieldsByKeys": bool,
    "reconcileIssues": list,
}
LIGHT = {"id", "key"}


def post(call: Call) -> Response:
    """Search with the query in the body; the query string is not read."""
    return answer(_search(call, _payload(call)))


def get(call: Call) -> Response:
    """Search with the query in the address."""
    wanted: dict[str, Any] = {
        "jql": call.query("jql") or "",
        "maxResults": call.integer("maxResults", 50),
        "fields": call.listed("fields"),
        "expand": ",".join(call.listed("expand")),
        "properties": call.listed("properties"),
        "reconcileIssues": [int(each) for each in call.listed("reconcileIssues") if each.isdigit()],
    }
    if call.query("nextPageToken"):
        wanted["nextPageToken"] = call.query("nextPageToken")
    return answer(_search(call, wanted))


def _payload(call: Call) -> dict[str, Any]:
    body = call.json()
    if not isinstance(body, dict):
        raise refuse(400, BAD_PAYLOAD)
    for name, value in body.items():
        fits = name in MEMBERS and (value is None or isinstance(value, MEMBERS[name]))
        if not fits or (isinstance(value, bool) and name != "fieldsByKeys"):
            raise refuse(400, BAD_PAYLOAD)
    return {name: value for name, value in body.items() if value is not None}


def _search(call: Call, wanted: dict[str, Any]) -> dict[str, Any]:
    now = call.world.now()
    jql, token = wanted.get("jql", ""), wanted.get("nextPageToken")
    cursor = call.world.cursors.get(token, now) if token else None
    if token and cursor is None:
        raise refuse(400, BAD_TOKEN)
    size = wanted.get("maxResults", 50)
    if not 1 <= size <= LARGEST_PAGE:
        raise refuse(400, BAD_SIZE)
    if not all(isinstance(each, str) for name in ("fields", "properties") for each in wanted.get(name) or []):
        raise refuse(400, BAD_PAYLOAD)
    fields = wanted.get("fields") or []
    if set(fields) - LIGHT:
        size = min(size, call.world.switches.search_page_cap)
    ids = cursor.ids if cursor else _found(call, jql, wanted.get("reconcileIssues") or [])
    start = cursor.offset if cursor else 0
    document = _page(call, ids[start : start + size], fields, wanted)
    rest = start + size
    if rest < len(ids):
        document["nextPageToken"] = call.world.cursors.add(Cursor(ids, rest, jql, now + TOKEN_SECONDS))
    document["isLast"] = rest >= len(ids)
    return document


def _page(call: Call, ids: list[int], fields: list[str], wanted: dict[str, Any]) -> dict[str, Any]:
    issues = [issue for each in ids if (issue := call.world.issues.by_id.get(str(each))) is not None]
    expand = [part.strip() for part in wanted.get("expand", "").split(",")]
    if not set(fields) - {"id"}:
        return {"issues": [{"id": issue.id} for issue in issues]}
    selection = FieldSelection(call, fields, "*navigable")
    properties = [str(each) for each in wanted.get("properties") or []]
    shown = [
        expanded_document(call, issue, selection, expand=set(expand) - {"names", "schema"}, properties=properties)
        for issue in issues
    ]
    document: dict[str, Any] = {"issues": shown}
    if "names" in expand:
        document["names"] = {field.id: field.name for field in selection.fields}
    if "schema" in expand:
        document["schema"] = {field.id: field.schema() for field in selection.fields}
    return document


def _found(call: Call, jql: str, reconcile: list[Any]) -> list[int]:
    if len(reconcile) > RECONCILED or not all(type(each) is int for each in reconcile):
        raise refuse(400, BAD_PAYLOAD)
    world = call.world
    fresh: dict[int, Entry | None] = {}
    for each in reconcile:
        issue = world.issues.by_id.get(str(each))
        fresh[each] = entry_of(issue) if issue else None
    projects = {
        project.id
        for project in world.projects.by_id.values()
        if project.status == "live" and world.permissions.has(call.caller, "BROWSE_PROJECTS", project)
    }
    hidden = {int(issue.id) for issue in world.issues.guarded() if issue.archived or not call.sees_issue(issue)}
    search = Search(
        index=world.tracker.index,
        names=world.names(call.caller),
        projects=projects,
        hidden=hidden,
        now=world.now(),
        zone=call.zone,
        strict=world.switches.unknown_jql_value == "400",
        flaps=world.switches.search_flaps,
    )
    try:
        return search.run(jql, fresh)
    except JqlError as error:
        raise refuse(400, str(error)) from error


def count(call: Call) -> Response:
    """Count the matches of a query."""
    body = _payload(call)
    return answer({"count": len(_found(call, body.get("jql", ""), []))})


def removed(_: Call) -> Response:
    """Say that the old search is gone."""
    raise refuse(410, GONE)


FIELD = "read:field read:field.default-value read:field.option read:group read:issue-details"
WORK = "read:jira-work"
GET = "read:audit-log read:avatar read:field-configuration read:issue-details read:issue-meta"
OPERATIONS = (
    Operation("GET", "/search/jql", get, WORK, GET, login="open"),
    Operation("POST", "/search/jql", post, WORK, FIELD, login="open", reads=True),
    Operation("POST", "/search/approximate-count", count, WORK, FIELD, login="open", reads=True),
    Operation("GET", "/search", removed, login="open"),
    Operation("POST", "/search", removed, login="open"),
)
