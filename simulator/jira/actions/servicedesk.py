from __future__ import annotations

from typing import Any

from simulator.actions import actions_by_name
from simulator.jira.issues import Approval
from simulator.jira.projects import FormField, RequestType
from simulator.jira.world import World


def add_request_type(
    world: World,
    *,
    project: str,
    name: str,
    issue_type: str | None = None,
    fields: list[str] | None = None,
    required: list[str] | None = None,
    restricted_to: list[str] | None = None,
    approvers: list[str] | None = None,
) -> dict[str, Any]:
    """Add a request type to a service project: its form by field ids, who may use it, and whose approval requests wait for."""
    found = world.project(project)
    if found.type_key != "service_desk":
        raise ValueError(f"{project!r} is no service project.")
    kinds = {world.catalogue.issue_types[each].name: each for each in found.issue_types}
    made = RequestType(
        str(world.tracker.next_number()),
        name,
        kinds[issue_type] if issue_type else found.issue_types[0],
        fields={
            each: FormField(required=each in (required or [])) for each in ["summary", *(fields or ["description"])]
        },
        restricted_to=None if restricted_to is None else [world.user(each).account_id for each in restricted_to],
        approvers=[world.user(each).account_id for each in approvers or []],
    )
    found.request_types.append(made)
    return {"id": made.id, "name": made.name}


def ask_approval(world: World, *, issue: str, approvers: list[str], name: str = "Approval") -> dict[str, Any]:
    """Let a request wait for the approval of these people."""
    made = world.ask_approval(world.issue(issue), [world.user(each).account_id for each in approvers], name)
    return _said(made)


def answer_approval(world: World, *, issue: str, by: str, approve: bool = True) -> dict[str, Any]:
    """Approve or decline what a request waits for."""
    found, who = world.issue(issue), world.user(by).account_id
    waiting = next((each for each in found.approvals if each.answers.get(who) == "pending"), None)
    if waiting is None:
        raise ValueError(f"{found.key} waits for no approval of {by}.")
    world.answer_approval(found, waiting, who, approve=approve)
    return _said(waiting)


def _said(approval: Approval) -> dict[str, Any]:
    return {"id": approval.id, "decision": approval.decision}


ACTIONS = actions_by_name(add_request_type, ask_approval, answer_approval)
