"""Customer requests, as `/rest/servicedeskapi` takes and shows them: their comments, approvals, participants and statuses."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_lookup import project_of, visible
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, empty, refuse
from simulator.jira.api.servicedesk import AT, desk_of, page, refused, the_desk, the_type
from simulator.jira.api.transitions import apply_transition
from simulator.jira.api.user_documents import user_brief
from simulator.jira.api.values import ValueRefused, stored, text_document
from simulator.jira.catalogue import DEFAULT_PRIORITY, REQUEST_TYPE
from simulator.jira.fields import all_fields
from simulator.jira.issues import Approval, Comment, Issue
from simulator.jira.people import User
from simulator.jira.projects import FormField, Project, RequestType
from simulator.jira.wiki import to_wiki

NO_REQUEST = "The request does not exist, or you do not have permission to view it."
INTERNAL = "sd.public.comment"
CATEGORIES = {"undefined": "UNDEFINED", "new": "NEW", "indeterminate": "INDETERMINATE", "done": "DONE"}
DECISIONS = {"approve": "approved", "decline": "declined"}


def create(call: Call) -> Response:
    """Raise a customer request. It has no place for issue properties."""
    body = call.members()
    project = the_desk(call, str(body.get("serviceDeskId")))
    kind = the_type(call, project, str(body.get("requestTypeId")))
    if not call.may("CREATE_ISSUES", project):
        raise refused(403, "You do not have permission to create requests in this service desk.")
    reporter = _reporter(call, body.get("raiseOnBehalfOf"))
    values = _values(call, project, kind, body)
    issue = Issue(
        id="",
        key="",
        project_id=project.id,
        type_id=kind.issue_type,
        status_id=project.statuses[0],
        creator=call.me.account_id,
        created=0.0,
        updated=0.0,
        summary=values.pop("summary"),
        reporter=reporter.account_id,
        labels=values.pop("labels", []),
        values={
            "priority": DEFAULT_PRIORITY,
            REQUEST_TYPE.id: kind.id,
            **{name: value for name, value in values.items() if value is not None},
        },
    )
    call.world.enter_issue(issue, call.me.account_id)
    return answer(_document(call, issue), 201)


def _reporter(call: Call, account_id: Any) -> User:
    if account_id is None:
        return call.me
    user = call.world.directory.users.get(str(account_id))
    if user is None or not user.active:
        raise refused(400, "The customer on whose behalf the request is raised does not exist.")
    return user


def _values(call: Call, project: Project, kind: RequestType, body: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the form; what does not stand on it is refused, and what is hidden gets its preset value."""
    sent = body.get("requestFieldValues")
    form = {**kind.fields, "summary": FormField(required=True)}
    known = all_fields(call.world.catalogue)
    call.version = 3 if body.get("isAdfRequest") else 2
    values = {name: use.preset for name, use in form.items() if use.preset is not None}
    errors: dict[str, str] = {}
    for name, value in (sent if isinstance(sent, dict) else {}).items():
        if name not in form or not form[name].visible:
            errors[name] = f"Field '{name}' cannot be set. It is not on the request form."
            continue
        try:
            values[name] = stored(call, known[name], value, project)
        except ValueRefused as reason:
            errors[name] = str(reason)
    for name, use in form.items():
        if use.required and values.get(name) in (None, "", []) and name not in errors:
            errors[name] = f"{use.label or known[name].name} is required."
    if errors:
        raise refuse(400, errors=errors)
    return values


def _the_request(call: Call) -> Issue:
    """Return the request of the path; an issue without a request type is none."""
    issue = visible(call, call.path("key"))
    if issue is None or call.world.request_type(issue) is None:
        raise refused(404, NO_REQUEST)
    return issue


def one(call: Call) -> Response:
    """Return a customer request."""
    return answer(_document(call, _the_request(call)))


def _document(call: Call, issue: Issue) -> dict[str, Any]:
    project = project_of(call, issue)
    kind = call.world.request_type(issue)
    assert kind is not None
    desk = desk_of(call, project)
    reporter = call.world.directory.users[issue.reporter or issue.creator]
    return {
        "issueId": issue.id,
        "issueKey": issue.key,
        "summary": issue.summary,
        "requestTypeId": kind.id,
        "serviceDeskId": desk,
        "createdDate": _date(call, issue.created),
        "reporter": user_brief(call, reporter),
        "requestFieldValues": [
            {
                "fieldId": name,
                "label": use.label,
                "value": issue.summary if name == "summary" else issue.values.get(name),
            }
            for name, use in kind.fields.items()
            if use.visible and name != "description"
        ],
        "currentStatus": _status(call, issue.status_id, issue.updated),
        "_links": {
            "self": f"{call.base}{AT}/request/{issue.id}",
            "jiraRest": f"{call.base}/rest/api/2/issue/{issue.id}",
            "web": f"{call.base}/servicedesk/customer/portal/{desk}/{issue.key}",
            "agent": f"{call.base}/browse/{issue.key}",
        },
    }


def _date(call: Call, seconds: float) -> dict[str, Any]:
    return {"iso8601": call.stamp(seconds), "epochMillis": int(seconds * 1000)}


def _status(call: Call, status_id: str, at: float) -> dict[str, Any]:
    found = call.world.catalogue.statuses[status_id]
    return {"status": found.name, "statusCategory": CATEGORIES[found.category], "statusDate": _date(call, at)}


def statuses(call: Call) -> Response:
    """List the statuses that a request has had, the newest first."""
    issue = _the_request(call)
    moves = [(item, each.created) for each in issue.changes for item in each.items if item["field"] == "status"]
    first = moves[0][0]["from"] if moves else issue.status_id
    had = [(first, issue.created), *((item["to"], at) for item, at in moves)]
    return page(call, (_status(call, status_id, at) for status_id, at in reversed(had)))


def comments(call: Call) -> Response:
    """List the comments of a request, public and internal ones as asked."""
    issue = _the_request(call)
    wanted = {True: call.flag("public", default=True), False: call.flag("internal", default=True)}
    return page(call, (_comment(call, each) for each in issue.comments if wanted[_is_public(each)]))


def comment(call: Call) -> Response:
    """Comment on a request; wiki text, and no place for properties."""
    issue = _the_request(call)
    if not call.may("ADD_COMMENTS", project_of(call, issue)):
        raise refused(403, "You do not have permission to comment on this request.")
    body = call.members()
    call.version = 2
    try:
        document = text_document(call, body.get("body"))
    except ValueRefused as reason:
        raise refused(400, str(reason)) from reason
    if document is None or not document["content"]:
        raise refused(400, "Comment body can not be empty!")
    properties = {} if body.get("public", True) else {INTERNAL: {"internal": True}}
    made = call.world.tracker.comment(issue, document, call.me.account_id, properties=properties)
    return answer(_comment(call, made), 201)


def _is_public(each: Comment) -> bool:
    value = each.properties.get(INTERNAL)
    return not (isinstance(value, dict) and value.get("internal") is True)


def _comment(call: Call, each: Comment) -> dict[str, Any]:
    author = user_brief(call, call.world.directory.users[each.author])
    created = _date(call, each.created)
    return {"id": each.id, "body": to_wiki(each.body), "public": _is_public(each), "author": author, "created": created}


def participants(call: Call) -> Response:
    """List the participants of a request, who share it with its reporter."""
    issue = _the_request(call)
    return page(call, (user_brief(call, call.world.directory.users[each]) for each in issue.participants))


def add_participants(call: Call) -> Response:
    """Add participants to a request."""
    issue = _the_request(call)
    if not call.may("EDIT_ISSUES", project_of(call, issue)):
        raise refused(403, "You do not have permission to change the participants of this request.")
    wanted = call.members().get("accountIds")
    if not isinstance(wanted, list) or not all(each in call.world.directory.users for each in wanted):
        raise refused(400, "The customers do not exist.")
    issue.participants = list(dict.fromkeys([*issue.participants, *wanted]))
    return participants(call)


def transitions(call: Call) -> Response:
    """List the ways of a request that its customers are offered."""
    ways = call.world.ways_out(_the_request(call))
    return page(call, ({"id": each.id, "name": each.name} for each in ways if each.for_customers))


def transition(call: Call) -> Response:
    """Take a request through a way that its customers are offered."""
    issue = _the_request(call)
    wanted = str(call.members().get("id", ""))
    if wanted not in {each.id for each in call.world.ways_out(issue) if each.for_customers}:
        raise refused(409, "The transition is not valid for this request.")
    apply_transition(call, issue, {"transition": {"id": wanted}})
    return empty()


def approvals(call: Call) -> Response:
    """List the approvals of a request."""
    issue = _the_request(call)
    return page(call, (_approval(call, issue, each) for each in issue.approvals))


def _approval(call: Call, issue: Issue, each: Approval) -> dict[str, Any]:
    users = call.world.directory.users
    shown: dict[str, Any] = {
        "id": each.id,
        "name": each.name,
        "finalDecision": each.decision,
        "canAnswerApproval": each.answers.get(call.me.account_id) == "pending",
        "approvers": [
            {"approver": user_brief(call, users[who]), "approverDecision": said} for who, said in each.answers.items()
        ],
        "createdDate": _date(call, each.created),
        "_links": {"self": f"{call.base}{AT}/request/{issue.id}/approval/{each.id}"},
    }
    return shown if each.completed is None else {**shown, "completedDate": _date(call, each.completed)}


def answer_approval(call: Call) -> Response:
    """Approve or decline; only for an approver who has not answered yet."""
    issue = _the_request(call)
    each = next((each for each in issue.approvals if each.id == call.path("approval")), None)
    if each is None:
        raise refused(404, "The approval does not exist.")
    decision = DECISIONS.get(str(call.members().get("decision")))
    if decision is None:
        raise refused(400, "The decision has to be approve or decline.")
    if each.answers.get(call.me.account_id) != "pending":
        raise refused(403, "You are not an approver of this request.")
    call.world.answer_approval(issue, each, call.me.account_id, approve=decision == "approved")
    return answer(_approval(call, issue, each))


READ, WRITE = "read:servicedesk-request", "write:servicedesk-request"
ONE = f"{AT}/request/{{key}}"
OPERATIONS = (
    Operation("POST", f"{AT}/request", create, WRITE, "write:request", root=True),
    Operation("GET", ONE, one, READ, "read:request", root=True),
    Operation("GET", f"{ONE}/status", statuses, READ, "read:request.status", root=True),
    Operation("GET", f"{ONE}/comment", comments, READ, "read:request.comment", root=True),
    Operation("POST", f"{ONE}/comment", comment, WRITE, "write:request.comment", root=True, issue_write=True),
    Operation("GET", f"{ONE}/participant", participants, READ, "read:request.participant", root=True),
    Operation("POST", f"{ONE}/participant", add_participants, WRITE, "write:request.participant", root=True),
    Operation("GET", f"{ONE}/transition", transitions, READ, "read:request.action", root=True),
    Operation("POST", f"{ONE}/transition", transition, WRITE, "write:request.status", root=True, issue_write=True),
    Operation("GET", f"{ONE}/approval", approvals, READ, "read:request.approval", root=True),
    Operation("POST", f"{ONE}/approval/{{approval}}", answer_approval, WRITE, "write:request.approval", root=True),
)
