from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import link_type, linked_issue
from simulator.jira.api.issue_lookup import project_of, the_issue, visible
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import NO_ISSUE, answer, empty, refuse
from simulator.jira.api.values import ValueRefused, as_id, link_type_of, text_document
from simulator.jira.catalogue import LINK_TYPES
from simulator.jira.issues import Issue, IssueLink, RemoteLink

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
    return answer(_remote_link(call, issue, _the_remote_link(call, issue)))


def _the_remote_link(call: Call, issue: Issue) -> RemoteLink:
    for each in issue.remote_links:
        if str(each.id) == call.path("link"):
            return each
    raise refuse(404, "Remote issue link does not exist for this issue.")


def _remote_link(call: Call, issue: Issue, each: RemoteLink) -> dict[str, Any]:
    document = {"id": each.id, "self": _at(call, issue, each), **each.content}
    return document if each.global_id is None else {**document, "globalId": each.global_id}


def _at(call: Call, issue: Issue, each: RemoteLink) -> str:
    return f"{call.api}/issue/{issue.key}/remotelink/{each.id}"


def put_remote_link(call: Call) -> Response:
    """Make a remote link, or update the one with the same global id."""
    issue = _linkable(call)
    global_id, content = _read_remote_link(call)
    made, is_new = call.world.tracker.remote_link(issue, global_id, content)
    return answer({"id": made.id, "self": _at(call, issue, made)}, 201 if is_new else 200)


def change_remote_link(call: Call) -> Response:
    """Replace the content of one remote link, by id."""
    issue = _linkable(call)
    found = _the_remote_link(call, issue)
    found.global_id, found.content = _read_remote_link(call)
    return empty()


def drop_one_remote_link(call: Call) -> Response:
    """Delete one remote link, by id."""
    issue = _linkable(call)
    issue.remote_links.remove(_the_remote_link(call, issue))
    return empty()


def _linkable(call: Call) -> Issue:
    issue = the_issue(call)
    call.require("LINK_ISSUES", "You do not have permission to link issues.", project_of(call, issue))
    return issue


def _read_remote_link(call: Call) -> tuple[str | None, dict[str, Any]]:
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
    return global_id, {name: body[name] for name in CONTENT if name in body}


def drop_remote_link(call: Call) -> Response:
    """Delete the remote link with a global id."""
    issue = _linkable(call)
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
    kind = link_type_of(body.get("type"))
    if kind is None:
        sent = body.get("type")
        name = sent.get("name") if isinstance(sent, dict) else None
        raise refuse(404, f"No issue link type with name '{name}' found.")
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
    issue = visible(call, as_id(wanted))
    if issue is None:
        raise refuse(404, NO_ISSUE)
    return issue


def _the_link(call: Call) -> tuple[IssueLink, Issue, Issue]:
    found = call.world.issues.links.get(call.path("link"))
    ends = [call.world.issues.by_id[each] for each in (found.inward, found.outward)] if found else []
    if found is None or not all(call.sees_issue(each) for each in ends):
        raise refuse(404, f"No issue link with id '{call.path('link')}' exists.")
    return found, ends[0], ends[1]


def one_link(call: Call) -> Response:
    """Return one link between issues, by id."""
    found, inward, outward = _the_link(call)
    return answer(
        {
            "id": found.id,
            "self": f"{call.api}/issueLink/{found.id}",
            "type": link_type(call, found.type_id),
            "inwardIssue": linked_issue(call, inward),
            "outwardIssue": linked_issue(call, outward),
        }
    )


def drop_link(call: Call) -> Response:
    """Delete one link between issues, by id."""
    found, inward, _ = _the_link(call)
    call.require("LINK_ISSUES", "You do not have permission to link issues.", project_of(call, inward))
    call.world.issues.remove_link(found)
    return empty()


def one_link_type(call: Call) -> Response:
    """Return one kind of link, by id."""
    kind = next((each for each in LINK_TYPES if each.id == call.path("type")), None)
    if kind is None:
        raise refuse(404, f"No issue link type with id '{call.path('type')}' found.")
    return answer(link_type(call, kind.id))


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
    Operation(
        "PUT",
        f"{AT}/{{link}}",
        change_remote_link,
        WRITE,
        "read:issue.remote-link write:issue write:issue.remote-link",
        issue_write=True,
    ),
    Operation(
        "DELETE",
        f"{AT}/{{link}}",
        drop_one_remote_link,
        WRITE,
        "delete:issue.remote-link write:issue",
        issue_write=True,
    ),
    Operation("GET", "/issueLink/{link}", one_link, WORK, "read:issue-link", login="open"),
    Operation("DELETE", "/issueLink/{link}", drop_link, WRITE, "delete:issue-link"),
    Operation("GET", "/issueLinkType/{type}", one_link_type, WORK, "read:issue-link-type", login="open"),
    Operation("POST", "/issueLink", link, WRITE, "write:comment write:issue write:issue-link"),
    Operation("GET", "/issueLinkType", link_types, WORK, "read:issue-link-type", login="open"),
)
