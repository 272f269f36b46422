"""The body of a create or edit: fields, update verbs and properties, checked against the screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.jira.api.call import Call
from simulator.jira.api.responses import refuse
from simulator.jira.api.values import ValueRefused, as_id, issue_type_of, stored, text_document
from simulator.jira.fields import OnScreen, all_fields, screen
from simulator.jira.issues import Adf, Issue
from simulator.jira.projects import IssueType, Project

MEMBERS = {"fields", "update", "properties", "transition", "historyMetadata"}
PROPERTY_LIMIT = 32_768
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
FIXED = {"project", "issuetype"}


@dataclass(slots=True)
class Draft:
    """What a write asks for, after the checks."""

    values: dict[str, Any] = field(default_factory=dict)
    comments: list[Adf] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Reader:
    """Reads one write body; `issue` is None for a new issue."""

    call: Call
    project: Project
    type_id: str
    issue: Issue | None = None
    errors: dict[str, str] = field(default_factory=dict)

    def read(self, body: dict[str, Any]) -> Draft:
        """Return what the body asks for, or refuse with all field errors at once."""
        fields, update = body.get("fields") or {}, body.get("update") or {}
        if not isinstance(fields, dict) or not isinstance(update, dict):
            raise refuse(400, BAD_PAYLOAD)
        draft = Draft(properties=read_properties(body.get("properties")))
        on_screen = screen(self.call.world.catalogue, self.project, self.type_id)
        for name, value in fields.items():
            if name in FIXED and self.issue is None:
                continue
            if name in update:
                self.errors[name] = f"Field '{name}' cannot appear in both 'fields' and 'update'"
            else:
                self._set(draft, on_screen, name, value)
        for name, verbs in update.items():
            if name not in fields:
                self._update(draft, on_screen, name, verbs)
        if self.issue is None:
            self._require(draft, on_screen)
        if self.errors:
            raise refuse(400, errors=self.errors)
        return draft

    def _set(self, draft: Draft, on_screen: dict[str, OnScreen], name: str, value: Any) -> None:
        if name not in on_screen or name in {"attachment", "issuelinks"}:
            known = all_fields(self.call.world.catalogue).get(name)
            self.errors[name] = (
                f"Field '{known.id if known else name}' cannot be set. It is not on the appropriate screen, or unknown."
            )
            return
        try:
            draft.values[name] = stored(self.call, on_screen[name].field, value, self.project)
        except ValueRefused as refused:
            self.errors[name] = str(refused)

    def _update(self, draft: Draft, on_screen: dict[str, OnScreen], name: str, verbs: Any) -> None:
        if not isinstance(verbs, list) or not all(isinstance(each, dict) for each in verbs):
            self.errors[name] = "The operations have to be a list of objects."
        elif not all(each and set(each) <= self._verbs(on_screen, name) for each in verbs):
            self.errors[name] = f"Field '{name}' does not support these operations."
        elif name == "comment":
            draft.comments += [self._comment(each["add"]) for each in verbs]
        elif name == "issuelinks":
            draft.links += [each["add"] if isinstance(each["add"], dict) else {} for each in verbs]
        elif all(set(each) == {"set"} for each in verbs):
            for each in verbs:
                self._set(draft, on_screen, name, each["set"])
        else:
            self._set(draft, on_screen, name, self._edited_list(name, verbs))

    def _verbs(self, on_screen: dict[str, OnScreen], name: str) -> set[str]:
        """Return the verbs that a field of this screen supports in `update`."""
        if name in {"comment", "issuelinks"}:
            return {"add"}
        return set(on_screen[name].field.operations) if name in on_screen else {"set"}

    def _edited_list(self, name: str, verbs: list[dict[str, Any]]) -> list[Any]:
        values = [] if self.issue is None else list(self.call.world.tracker.value(self.issue, name) or [])
        for each in verbs:
            for verb, value in each.items():
                if verb == "set":
                    values = list(value or [])
                elif verb == "add" and value not in values:
                    values.append(value)
                elif verb == "remove" and value in values:
                    values.remove(value)
        return values

    def _comment(self, sent: Any) -> Adf:
        try:
            document = text_document(self.call, sent.get("body") if isinstance(sent, dict) else None)
        except ValueRefused as refused:
            self.errors["comment"] = str(refused)
            document = None
        if document is None or not document["content"]:
            self.errors.setdefault("comment", "Comment body can not be empty!")
        return document or {"version": 1, "type": "doc", "content": []}

    def _require(self, draft: Draft, on_screen: dict[str, OnScreen]) -> None:
        for name, entry in on_screen.items():
            if name in self.errors or name in FIXED or draft.values.get(name) not in (None, [], ""):
                continue
            if entry.default is not None:
                draft.values[name] = entry.default
            elif entry.required and not entry.field.has_default:
                summary = name == "summary"
                self.errors[name] = (
                    "You must specify a summary of the issue." if summary else f"{entry.field.name} is required."
                )


def read_properties(sent: Any) -> dict[str, Any]:
    """Return issue or comment properties sent with a write."""
    if sent is None:
        return {}
    if not isinstance(sent, list) or not all(
        isinstance(each, dict) and isinstance(each.get("key"), str) for each in sent
    ):
        raise refuse(400, BAD_PAYLOAD)
    return {str(each["key"]): each.get("value") for each in sent}


def read_place(call: Call, fields: Any) -> tuple[Project, IssueType]:
    """Return the project and issue type that a create names, or refuse."""
    wanted = fields if isinstance(fields, dict) else {}
    project = _project(call, wanted.get("project"))
    if project is None:
        raise refuse(400, errors={"project": "valid project is required"})
    if not call.may("CREATE_ISSUES", project):
        raise refuse(403, "You do not have permission to create issues in this project.")
    kind = issue_type_of(call, wanted.get("issuetype"), project)
    if kind is None:
        raise refuse(400, errors={"issuetype": "Specify a valid issue type"})
    return project, kind


def _project(call: Call, sent: Any) -> Project | None:
    name = sent.get("id", sent.get("key")) if isinstance(sent, dict) else None
    project = call.world.projects.find(as_id(name))
    if project is None or project.status != "live" or not call.world.permissions.sees(call.caller, project):
        return None
    return project
