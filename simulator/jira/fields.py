from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.jira.catalogue import Catalogue
from simulator.jira.projects import CustomField, FieldUse, Project

TEXT_AREA = ":textarea"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of issues: `type` and `items` as in a field's schema."""

    id: str
    name: str
    type: str
    items: str | None = None
    custom: str | None = None
    navigable: bool = True
    orderable: bool = True
    on_screen: bool = False
    """Whether create and edit screens have it unless a project takes it off."""
    required: bool = False
    has_default: bool = False
    operations: tuple[str, ...] = ("set",)
    options: tuple[tuple[str, str], ...] = ()
    """Ids and values of a custom field's options."""

    @property
    def is_document(self) -> bool:
        """Return whether version 3 takes and gives an Atlassian document."""
        return self.id in {"description", "environment"} or bool(self.custom and self.custom.endswith(TEXT_AREA))

    def schema(self) -> dict[str, Any]:
        """Return `JsonTypeBean`."""
        document: dict[str, Any] = {"type": self.type}
        if self.items:
            document["items"] = self.items
        if self.custom is None:
            return {**document, "system": self.id}
        number = self.id.removeprefix("customfield_")
        return {**document, "custom": self.custom, "customId": int(number) if number.isdigit() else 0}


EDIT_LIST = ("add", "set", "remove")
SYSTEM = {
    field.id: field
    for field in (
        Field("summary", "Summary", "string", on_screen=True, required=True),
        Field("issuetype", "Issue Type", "issuetype", on_screen=True, required=True, operations=()),
        Field("project", "Project", "project", on_screen=True, required=True, orderable=False),
        Field("description", "Description", "string", on_screen=True),
        Field("priority", "Priority", "priority", on_screen=True, has_default=True),
        Field("reporter", "Reporter", "user", on_screen=True, required=True, has_default=True),
        Field("assignee", "Assignee", "user", on_screen=True),
        Field("labels", "Labels", "array", "string", on_screen=True, operations=EDIT_LIST),
        Field("duedate", "Due date", "date", on_screen=True),
        Field("parent", "Parent", "issuelink", on_screen=True, navigable=False),
        Field("issuelinks", "Linked Issues", "array", "issuelinks", on_screen=True, operations=("add", "copy")),
        Field(
            "attachment",
            "Attachment",
            "array",
            "attachment",
            on_screen=True,
            navigable=False,
            operations=("set", "copy"),
        ),
        Field("environment", "Environment", "string"),
        Field("components", "Components", "array", "component", operations=EDIT_LIST),
        Field("fixVersions", "Fix versions", "array", "version", operations=EDIT_LIST),
        Field("versions", "Affects versions", "array", "version", operations=EDIT_LIST),
        Field("status", "Status", "status", orderable=False),
        Field("statusCategory", "Status Category", "statusCategory", orderable=False),
        Field("statuscategorychangedate", "Status Category Changed", "datetime", orderable=False),
        Field("resolution", "Resolution", "resolution"),
        Field("resolutiondate", "Resolved", "datetime", orderable=False),
        Field("created", "Created", "datetime", orderable=False),
        Field("updated", "Updated", "datetime", orderable=False),
        Field("creator", "Creator", "user", orderable=False),
        Field("subtasks", "Sub-tasks", "array", "issuelinks", orderable=False),
        Field("watches", "Watchers", "watches", orderable=False),
        Field("security", "Security Level", "securitylevel"),
        Field("comment", "Comment", "comments-page", navigable=False),
    )
}


def custom_field(custom: CustomField) -> Field:
    """Return a custom field in the form of the system ones."""
    return Field(
        id=custom.id,
        name=custom.name,
        type=custom.type,
        items=custom.items,
        custom=custom.custom,
        operations=EDIT_LIST if custom.type == "array" else ("set",),
        options=tuple((each["id"], each["value"]) for each in custom.options),
    )


def all_fields(catalogue: Catalogue) -> dict[str, Field]:
    """Return every field of the site by id."""
    return SYSTEM | {each.id: custom_field(each) for each in catalogue.fields.values()}


@dataclass(frozen=True, slots=True)
class OnScreen:
    """A field as a project's screen has it."""

    field: Field
    required: bool
    default: Any = None

    @property
    def has_default(self) -> bool:
        """Return whether an issue gets a value when none is sent."""
        return self.field.has_default or self.default is not None


def screen(catalogue: Catalogue, project: Project, type_id: str) -> dict[str, OnScreen]:
    """Return the fields on the create and edit screen of an issue type, by id."""
    subtask = catalogue.issue_types[type_id].subtask
    fields = {
        field.id: OnScreen(field, required=field.required or (field.id == "parent" and subtask))
        for field in SYSTEM.values()
        if (field.on_screen or field.id in project.added_to_screen) and field.id not in project.off_screen
    }
    known = all_fields(catalogue)
    for field_id, use in project.fields.items():
        if field_id in known and field_id not in project.off_screen and _is_for(use, type_id, catalogue):
            fields[field_id] = OnScreen(known[field_id], required=use.required, default=use.default)
    return fields


def _is_for(use: FieldUse, type_id: str, catalogue: Catalogue) -> bool:
    return not use.issue_types or bool({type_id, catalogue.issue_types[type_id].name} & set(use.issue_types))
