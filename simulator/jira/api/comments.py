from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.draft import read_properties
from simulator.jira.api.issue_documents import comment
from simulator.jira.api.issue_expansions import html_of
from simulator.jira.api.issue_lookup import project_of, the_issue
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, empty, refuse
from simulator.jira.api.user_documents import user_brief
from simulator.jira.api.values import ValueRefused, text_document
from simulator.jira.issues import Adf, Comment, Issue

PAGE = 100


def listing(call: Call) -> Response:
    """Return the comments of an issue."""
    issue = the_issue(call)
    start, size = call.integer("startAt", 0), call.integer("maxResults", PAGE)
    order = call.query("orderBy") or "created"
    if order.lstrip("+-") != "created":
        raise refuse(400, f"The orderBy value '{order}' is not valid.")
    ordered = issue.comments[::-1] if order.startswith("-") else issue.comments
    shown = [_shown(call, issue, each) for each in ordered[start : start + size]]
    return answer({"startAt": start, "maxResults": size, "total": len(issue.comments), "comments": shown})


def _shown(call: Call, issue: Issue, each: Comment) -> dict[str, Any]:
    expand = call.listed("expand")
    document = comment(call, issue, each, expand=expand)
    return {**document, "renderedBody": html_of(each.body)} if "renderedBody" in expand else document


def add(call: Call) -> Response:
    """Add a comment; the same request twice makes two."""
    issue = the_issue(call)
    call.require("ADD_COMMENTS", "You do not have permission to comment on this issue.", project_of(call, issue))
    body = call.members()
    if len(issue.comments) >= call.world.switches.comment_limit:
        raise refuse(413, "The issue has reached the limit of comments.")
    made = call.world.tracker.comment(
        issue,
        _text(call, body),
        call.me.account_id,
        visibility=_visibility(body.get("visibility")),
        properties=read_properties(body.get("properties")),
    )
    return answer(_shown(call, issue, made), 201)


def _text(call: Call, body: dict[str, Any]) -> Adf:
    try:
        document = text_document(call, body.get("body"))
    except ValueRefused as refused:
        raise refuse(400, errors={"comment": str(refused)}) from refused
    if document is None or not document["content"]:
        raise refuse(400, errors={"comment": "Comment body can not be empty!"})
    return document


def _visibility(sent: Any) -> dict[str, str] | None:
    if sent is None:
        return None
    kind = sent.get("type") if isinstance(sent, dict) else None
    name = (sent.get("identifier") or sent.get("value")) if isinstance(sent, dict) else None
    if kind not in {"role", "group"} or not isinstance(name, str):
        raise refuse(400, errors={"commentLevel": "The comment visibility is not valid."})
    value = sent.get("value") or name
    return {"type": kind, "value": value if isinstance(value, str) else name, "identifier": name}


def _the_comment(call: Call, issue: Issue) -> Comment:
    found = next((each for each in issue.comments if each.id == call.path("comment")), None)
    if found is None:
        raise refuse(404, f"Can not find a comment for the id: {call.path('comment')}.")
    return found


def one(call: Call) -> Response:
    """Return one comment."""
    issue = the_issue(call)
    return answer(_shown(call, issue, _the_comment(call, issue)))


def change(call: Call) -> Response:
    """Change the text of a comment."""
    issue = the_issue(call)
    found = _the_comment(call, issue)
    found.body = _text(call, call.members())
    found.updated, found.update_author = call.world.now(), call.me.account_id
    return answer(_shown(call, issue, found))


def delete(call: Call) -> Response:
    """Delete a comment."""
    issue = the_issue(call)
    issue.comments.remove(_the_comment(call, issue))
    return empty()


def watchers(call: Call) -> Response:
    """Return who watches an issue."""
    issue = the_issue(call)
    users = call.world.directory.users
    return answer(
        {
            "self": f"{call.api}/issue/{issue.key}/watchers",
            "isWatching": call.caller is not None and call.caller.account_id in issue.watchers,
            "watchCount": len(issue.watchers),
            "watchers": [user_brief(call, users[each]) for each in issue.watchers],
        }
    )


def watch(call: Call) -> Response:
    """Let somebody watch an issue; the body is a bare JSON string."""
    issue = the_issue(call)
    account_id = call.json() if call.raw.strip() else call.me.account_id
    if not isinstance(account_id, str):
        raise refuse(400, "The account id has to be a JSON string.")
    _check_watching(call, issue, account_id)
    if account_id not in issue.watchers:
        issue.watchers.append(account_id)
    return empty()


def unwatch(call: Call) -> Response:
    """Let somebody watch an issue no more."""
    issue = the_issue(call)
    account_id = call.query("accountId")
    if not account_id:
        raise refuse(400, "The 'accountId' query parameter needs to be provided")
    _check_watching(call, issue, account_id)
    if account_id in issue.watchers:
        issue.watchers.remove(account_id)
    return empty()


def _check_watching(call: Call, issue: Issue, account_id: str) -> None:
    user = call.world.directory.users.get(account_id)
    if user is None or not user.active:
        raise refuse(404, f"The user with account id '{account_id}' does not exist.")
    if account_id != call.me.account_id:
        project = project_of(call, issue)
        call.require("MANAGE_WATCHERS", "You do not have permission to manage the watcher list.", project)


WORK, WRITE = "read:jira-work", "write:jira-work"
AT = "/issue/{key}/comment"
READ = "read:avatar read:comment read:comment.property read:group read:project read:project-role read:user"
WATCHERS = "/issue/{key}/watchers"
OPERATIONS = (
    Operation("GET", AT, listing, WORK, READ, login="open"),
    Operation("POST", AT, add, WRITE, f"{READ} write:comment", issue_write=True),
    Operation("GET", f"{AT}/{{comment}}", one, WORK, READ, login="open"),
    Operation("PUT", f"{AT}/{{comment}}", change, WRITE, f"{READ} write:comment", issue_write=True),
    Operation("DELETE", f"{AT}/{{comment}}", delete, WRITE, "delete:comment", issue_write=True),
    Operation("GET", WATCHERS, watchers, WORK, "read:avatar read:issue.watcher read:user", login="open"),
    Operation("POST", WATCHERS, watch, WRITE, "write:issue.watcher", issue_write=True),
    Operation("DELETE", WATCHERS, unwatch, WRITE, "write:issue.watcher", issue_write=True),
)
