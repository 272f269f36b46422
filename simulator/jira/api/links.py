from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import link_type
from simulator.jira.api.issues import project_of, the_issue, visible
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import NO_ISSUE, answer, empty, refuse
from simulator.jira.api.values import ValueRefused, text_document
from simulator.jira.catalogue import LINK_TYPES
from simulator.jira.issues import Issue, RemoteLink

GLOBAL_ID_LIMIT = 255
CONTENT: tuple[str, ...] = ("application", "relationship", "object")


def remote_links(call: Call) -> Response:
    """Return the remote links of an issue, or the one with a global id."""
    issue = the_issue(call)
    wanted = call.query("globalId")
    if wanted is None:
        return answer([_remote_link(call, issue, each) for each in issue.remote_links])
    for each in issue.remote_links:
        if each.global_id == wanted:
            return answer(_remote_link(call, issue, each))
    raise refuse(404, f"Remote issue link with globalId '{wanted}' does not exist for this issue.")


def one_remote_link(call: Call) -> Response:
    """Return one remote link by id."""
    issue = the_issue(call)
    for each in issue.remote_links:
        if str(each.id) == call.path("link"):
            return answer(_remote_link(call, issue, each))
    raise refuse(404, "Remote issue link does not exist for this issue.")


def _remote_link(call: Call, issue: Issue, each: RemoteLink) -> dict[str, Any]:
    document = {"id": each.id, "self": _at(call, issue, each), **each.content}
    return document if each.global_id is None else {**document, "globalId": each.global_id}


def _at(call: Call, issue: Issue, each: RemoteLink) -> str:
    return f"{call.api}/issue/{issue.key}/remotelink/{each.id}"


def put_remote_link(call: Call) -> Response:
    """Make a remote link, or update the one with the same global id."""
    issue = the_issue(call)
    call.require("LINK_ISSUES", "You do not have permission to link issues.", project_of(call, issue))
    body = call.members()
    target, global_id = body.get("object"), body.get("globalId")
    errors = {
        name: f"'{name}' is required."
        for name in ("url", "title")
        if not isinstance(target, dict) or not isinstance(target.get(name), str) or not target[name]
    }
    if global_id is not None and (not isinstance(global_id, str) or len(global_id) > GLOBAL_ID_LIMIT):
        errors["globalId"] = f"The global id must not be longer than {GLOBAL_ID_LIMIT} characters."
    if errors:
        raise refuse(400, errors=errors)
    content: dict[str, Any] = {name: body[name] for name in CONTENT if name in body}
    made, is_new = call.world.tracker.remote_link(issue, global_id, content)
    return answer({"id": made.id, "self": _at(call, issue, made)}, 201 if is_new else 200)


def drop_remote_link(call: Call) -> Response:
    """Delete the remote link with a global id."""
    issue = the_issue(call)
    call.require("LINK_ISSUES", "You do not have permission to link issues.", project_of(call, issue))
    wanted = call.query("globalId")
    if not wanted:
        raise refuse(400, "The 'globalId' query parameter needs to be provided")
    found = next((each for each in issue.remote_links if each.global_id == wanted), None)
    if found is None:
        raise refuse(404, f"Remote issue link with globalId '{wanted}' does not exist for this issue.")
    issue.remote_links.remove(found)
    return empty()


def link(call: Call) -> Response:
    """Link two issues; a second link of the same kind is taken too."""
    body = call.members()
    sent = body.get("type")
    wanted = sent if isinstance(sent, dict) else {}
    kind = next((each for each in LINK_TYPES if each.id == wanted.get("id") or each.name == wanted.get("name")), None)
    if kind is None:
        raise refuse(404, f"No issue link type with name '{wanted.get('name')}' found.")
    inward, outward = (_end(call, body.get(name)) for name in ("inwardIssue", "outwardIssue"))
    call.require("LINK_ISSUES", "You do not have permission to link issues.", project_of(call, inward))
    sent_comment = body.get("comment")
    try:
        document = text_document(call, sent_comment.get("body")) if isinstance(sent_comment, dict) else None
    except ValueRefused as refused:
        raise refuse(400, errors={"comment": str(refused)}) from refused
    call.world.tracker.link(kind.id, inward, outward)
    if document:
        call.world.tracker.comment(outward, document, call.me.account_id)
    return empty(201)


def _end(call: Call, sent: Any) -> Issue:
    wanted = sent.get("id", sent.get("key")) if isinstance(sent, dict) else None
    issue = visible(call, str(wanted))
    if issue is None:
        raise refuse(404, NO_ISSUE)
    return issue


def link_types(call: Call) -> Response:
    """Return the kinds of links."""
    return answer({"issueLinkTypes": [link_type(call, each.id) for each in LINK_TYPES]})


WORK, WRITE = "read:jira-work", "write:jira-work"
AT = "/issue/{key}/remotelink"
READ = "read:issue.remote-link read:status"
OPERATIONS = (
    Operation("GET", AT, remote_links, WORK, READ, login="open"),
    Operation(
        "POST",
        AT,
        put_remote_link,
        WRITE,
        "read:issue.remote-link write:issue write:issue.remote-link",
        issue_write=True,
    ),
    Operation(
        "DELETE",
        AT,
        drop_remote_link,
        WRITE,
        "delete:issue.remote-link write:issue",
        issue_write=True,
        strict_type=True,
    ),
    Operation("GET", f"{AT}/{{link}}", one_remote_link, WORK, READ, login="open"),
    Operation("POST", "/issueLink", link, WRITE, "write:comment write:issue write:issue-link"),
    Operation("GET", "/issueLinkType", link_types, WORK, "read:issue-link-type", login="open"),
)
