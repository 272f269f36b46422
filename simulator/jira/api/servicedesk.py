from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, refuse
from simulator.jira.api.user_documents import user_brief
from simulator.jira.api.values import ValueRefused, stored
from simulator.jira.catalogue import DEFAULT_PRIORITY
from simulator.jira.fields import SYSTEM
from simulator.jira.issues import Issue
from simulator.jira.people import User
from simulator.jira.projects import Project

REQUEST_TYPE = "Service Request"


def _desks(call: Call) -> dict[str, Project]:
    """Return service projects by service desk id; the ids count the service projects of the site."""
    found = [project for project in call.world.projects.in_order() if project.type_key == "service_desk"]
    return {str(number): project for number, project in enumerate(found, start=1)}


def desks(call: Call) -> Response:
    """List the service desks."""
    at = f"{call.base}/rest/servicedeskapi/servicedesk"
    return _listed(
        call,
        [
            {
                "id": desk_id,
                "projectId": project.id,
                "projectName": project.name,
                "projectKey": project.key,
                "_links": {"self": f"{at}/{desk_id}"},
            }
            for desk_id, project in _desks(call).items()
        ],
    )


def request_types(call: Call) -> Response:
    """List the request types of a service desk, one for each issue type."""
    project = _the_desk(call, call.path("desk"))
    kinds = (call.world.catalogue.issue_types[each] for each in project.issue_types)
    return _listed(
        call,
        [
            {"id": kind.id, "name": kind.name, "issueTypeId": kind.id, "serviceDeskId": call.path("desk")}
            for kind in kinds
            if not kind.subtask
        ],
    )


def _listed(call: Call, values: list[dict[str, Any]]) -> Response:
    start, limit = call.integer("start", 0), call.integer("limit", 50)
    shown = values[start : start + limit]
    is_last = start + limit >= len(values)
    return answer({"size": len(shown), "start": start, "limit": limit, "isLastPage": is_last, "values": shown})


def _the_desk(call: Call, desk_id: str) -> Project:
    project = _desks(call).get(desk_id)
    if project is None:
        raise refuse(404, "The service desk does not exist.")
    return project


def create(call: Call) -> Response:
    """Raise a customer request; unlike an issue made by the platform API it has a request type."""
    body = call.members()
    project = _the_desk(call, str(body.get("serviceDeskId")))
    type_id = str(body.get("requestTypeId"))
    if type_id not in project.issue_types:
        raise refuse(400, "The request type does not exist.")
    if not call.may("CREATE_ISSUES", project):
        raise refuse(403, "You do not have permission to create requests in this service desk.")
    reporter = _reporter(call, body.get("raiseOnBehalfOf"))
    values = _values(call, project, body)
    issue = Issue(
        id="",
        key="",
        project_id=project.id,
        type_id=type_id,
        status_id=project.statuses[0],
        creator=call.me.account_id,
        created=0.0,
        updated=0.0,
        summary=values.pop("summary"),
        reporter=reporter.account_id,
        labels=values.pop("labels", []),
        values={"priority": DEFAULT_PRIORITY, **{name: value for name, value in values.items() if value is not None}},
        request_type=type_id,
    )
    call.world.tracker.create(issue, call.me.account_id)
    return answer(_document(call, issue, body, reporter), 201)


def _reporter(call: Call, account_id: Any) -> User:
    if account_id is None:
        return call.me
    user = call.world.directory.users.get(str(account_id))
    if user is None or not user.active:
        raise refuse(400, "The customer on whose behalf the request is raised does not exist.")
    return user


def _values(call: Call, project: Project, body: dict[str, Any]) -> dict[str, Any]:
    sent = body.get("requestFieldValues")
    if not isinstance(sent, dict) or not sent.get("summary"):
        raise refuse(400, errors={"summary": "You must specify a summary of the issue."})
    call.version = 3 if body.get("isAdfRequest") else 2
    values: dict[str, Any] = {}
    for name, value in sent.items():
        if name not in SYSTEM or not SYSTEM[name].on_screen:
            raise refuse(
                400, errors={name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."}
            )
        try:
            values[name] = stored(call, SYSTEM[name], value, project)
        except ValueRefused as refused:
            raise refuse(400, errors={name: str(refused)}) from refused
    return values


def _document(call: Call, issue: Issue, body: dict[str, Any], reporter: User) -> dict[str, Any]:
    call.version = 2
    at = f"{call.base}/rest/servicedeskapi/request/{issue.id}"
    portal = f"{call.base}/servicedesk/customer/portal/{body['serviceDeskId']}/{issue.key}"
    return {
        "issueId": issue.id,
        "issueKey": issue.key,
        "requestTypeId": issue.request_type,
        "serviceDeskId": str(body["serviceDeskId"]),
        "createdDate": {"iso8601": call.stamp(issue.created), "epochMillis": int(issue.created * 1000)},
        "reporter": user_brief(call, reporter),
        "requestFieldValues": [{"fieldId": "summary", "label": "Summary", "value": issue.summary}],
        "currentStatus": {"status": call.world.catalogue.statuses[issue.status_id].name},
        "_links": {
            "self": at,
            "jiraRest": f"{call.api}/issue/{issue.id}",
            "web": portal,
            "agent": f"{call.base}/browse/{issue.key}",
        },
    }


AT = "/rest/servicedeskapi"
READ, WRITE = "read:servicedesk-request", "write:servicedesk-request"
OPERATIONS = (
    Operation("GET", f"{AT}/servicedesk", desks, READ, root=True),
    Operation("GET", f"{AT}/servicedesk/{{desk}}/requesttype", request_types, READ, root=True),
    Operation("POST", f"{AT}/request", create, WRITE, root=True),
)
