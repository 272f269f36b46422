from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.draft import BAD_PAYLOAD, read_properties
from simulator.jira.api.issue_lookup import project_of, the_issue
from simulator.jira.api.operation import Operation
from simulator.jira.api.projects import status
from simulator.jira.api.responses import answer, empty, refuse
from simulator.jira.api.values import ValueRefused, resolution, text_document
from simulator.jira.catalogue import RESOLUTIONS
from simulator.jira.fields import SYSTEM
from simulator.jira.issues import Adf, Issue
from simulator.jira.projects import Project, Transition


def _with_resolution(call: Call, project: Project, transition: Transition) -> bool:
    done = call.world.catalogue.statuses[transition.to].category == "done"
    return done and not project.simplified and call.world.switches.resolution_on_screen


def listing(call: Call) -> Response:
    """Return the transitions from the issue's status; none to somebody who may not move it."""
    issue = the_issue(call)
    wanted = call.query("transitionId")
    with_fields = "transitions.fields" in call.listed("expand")
    shown = [
        each for each in transition_documents(call, issue, with_fields=with_fields) if wanted in {None, each["id"]}
    ]
    return answer({"expand": "transitions", "transitions": shown})


def transition_documents(call: Call, issue: Issue, *, with_fields: bool = False) -> list[dict[str, Any]]:
    """Return the transitions that the caller may take an issue through."""
    project = project_of(call, issue)
    ways = call.world.ways_out(issue) if call.may("TRANSITION_ISSUES", project) else []
    return [_document(call, project, each, with_fields=with_fields) for each in ways]


def _document(call: Call, project: Project, transition: Transition, *, with_fields: bool) -> dict[str, Any]:
    has_screen = _with_resolution(call, project, transition)
    document: dict[str, Any] = {
        "id": transition.id,
        "name": transition.name,
        "to": status(call, call.world.catalogue.statuses[transition.to]),
        "hasScreen": has_screen,
        "isGlobal": not transition.from_statuses,
        "isInitial": False,
        "isAvailable": True,
        "isConditional": False,
        "isLooped": False,
    }
    if with_fields:
        document["fields"] = {"resolution": _resolution_field(call)} if has_screen else {}
    return document


def _resolution_field(call: Call) -> dict[str, Any]:
    field = SYSTEM["resolution"]
    at = f"{call.api}/resolution"
    return {
        "required": True,
        "schema": field.schema(),
        "name": field.name,
        "key": field.id,
        "hasDefaultValue": False,
        "operations": list(field.operations),
        "allowedValues": [{"self": f"{at}/{each.id}", "name": each.name, "id": each.id} for each in RESOLUTIONS],
    }


def perform(call: Call) -> Response:
    """Move an issue along the workflow."""
    issue = the_issue(call)
    apply_transition(call, issue, call.members())
    return empty()


def apply_transition(call: Call, issue: Issue, body: dict[str, Any]) -> None:
    """Check and carry out the transition that a body names, or refuse."""
    project = call.world.projects.by_id[issue.project_id]
    sent = body.get("transition")
    wanted = str(sent.get("id", "")) if isinstance(sent, dict) else ""
    if not wanted:
        raise refuse(400, "Missing 'transition' identifier")
    ways = call.world.ways_out(issue) if call.may("TRANSITION_ISSUES", project) else []
    transition = next((each for each in ways if each.id == wanted), None)
    if transition is None:
        raise refuse(400, f"Transition id '{wanted}' is not valid for this issue.")
    fields, update, properties = _parts(body)
    chosen = _checked(call, project, transition, fields)
    comments = _comments(call, update)
    _validate(call, issue, transition, resolution=chosen, commented=bool(comments))
    call.world.tracker.transition(issue, transition, call.me.account_id, resolution=chosen)
    for document in comments:
        call.world.tracker.comment(issue, document, call.me.account_id)
    issue.properties.update(properties)


def _parts(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    fields, update = body.get("fields") or {}, body.get("update") or {}
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise refuse(400, BAD_PAYLOAD)
    for name, verbs in update.items():
        if name != "comment":
            raise refuse(
                400, errors={name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."}
            )
        if not isinstance(verbs, list) or not all(isinstance(each, dict) and set(each) == {"add"} for each in verbs):
            raise refuse(400, errors={name: "The operations have to be a list of objects with 'add'."})
    return fields, update, read_properties(body.get("properties"))


def _validate(call: Call, issue: Issue, transition: Transition, *, resolution: str | None, commented: bool) -> None:
    """Refuse with the message of the first validator that the request does not please."""
    for each in transition.validators:
        if each.needs == "comment":
            pleased = commented
        elif each.needs == "resolution":
            pleased = resolution is not None
        else:
            pleased = call.world.tracker.value(issue, each.needs) not in (None, "", [])
        if not pleased:
            raise refuse(400, each.message)


def _checked(call: Call, project: Project, transition: Transition, fields: dict[str, Any]) -> str | None:
    errors: dict[str, str] = {}
    chosen = None
    for name, value in fields.items():
        if name == "resolution" and _with_resolution(call, project, transition):
            try:
                chosen = resolution(value)
            except ValueRefused as refused:
                errors[name] = str(refused)
        else:
            errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
    if errors:
        raise refuse(400, errors=errors)
    return chosen


def _comments(call: Call, update: dict[str, Any]) -> list[Adf]:
    documents = []
    for each in update.get("comment") or []:
        try:
            sent = each["add"]
            document = text_document(call, sent.get("body") if isinstance(sent, dict) else None)
        except ValueRefused as refused:
            raise refuse(400, errors={"comment": str(refused)}) from refused
        if document is None or not document["content"]:
            raise refuse(400, errors={"comment": "Comment body can not be empty!"})
        documents.append(document)
    return documents


AT = "/issue/{key}/transitions"
READ = "read:field-configuration read:issue.transition read:status"
OPERATIONS = (
    Operation("GET", AT, listing, "read:jira-work", READ, login="open"),
    Operation("POST", AT, perform, "write:jira-work", "write:issue write:issue.property", issue_write=True),
)
