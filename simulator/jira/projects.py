from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

CategoryKey = Literal["undefined", "new", "indeterminate", "done"]
Style = Literal["classic", "next-gen"]
TypeKey = Literal["software", "business", "service_desk", "product_discovery"]


@dataclass(slots=True)
class Status:
    """A workflow status; `project_id` is set when it belongs to one team-managed project."""

    id: str
    name: str
    category: CategoryKey
    project_id: str | None = None
    description: str = ""


@dataclass(slots=True)
class IssueType:
    """An issue type; `project_id` is set when it belongs to one team-managed project."""

    id: str
    name: str
    subtask: bool = False
    project_id: str | None = None
    description: str = ""


@dataclass(slots=True)
class Validator:
    """What a transition needs: `comment`, `resolution`, the id of a field with a value, or `nothing` to please it."""

    needs: str
    message: str


@dataclass(slots=True)
class Transition:
    """A way from one status to another; global when `from_statuses` is empty."""

    id: str
    name: str
    to: str
    from_statuses: list[str] = field(default_factory=list)
    resolution: str | None = None
    """Name of the resolution that a post function sets."""
    validators: list[Validator] = field(default_factory=list)
    for_customers: bool = False
    """Whether customers are offered it on the portal."""


@dataclass(slots=True)
class Role:
    """A project role; company-managed projects share those without `project_id`."""

    id: int
    name: str
    description: str = ""
    project_id: str | None = None


@dataclass(slots=True)
class Actor:
    """A user or a group in a role of a project."""

    id: int
    user: str | None = None
    group: str | None = None
    group_name: str = ""
    """Kept for the actor that outlives its group."""


@dataclass(slots=True)
class CustomField:
    """A custom field: `type`, `items` and `custom` as in a field's schema, `options` as `{"id","value"}`."""

    id: str
    name: str
    type: str = "string"
    items: str | None = None
    custom: str = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
    options: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class FieldUse:
    """How a project uses a field; for all issue types when `issue_types` is empty."""

    required: bool = False
    default: Any = None
    issue_types: list[str] = field(default_factory=list)


@dataclass(slots=True)
class FormField:
    """How the form of a request type shows a field; what is hidden gets its preset value."""

    label: str = ""
    required: bool = False
    preset: Any = None
    visible: bool = True


@dataclass(slots=True)
class RequestType:
    """A kind of request of a service project, made on one of its issue types."""

    id: str
    name: str
    issue_type: str
    description: str = ""
    fields: dict[str, FormField] = field(default_factory=dict)
    """The form, by field id; the summary stands on it always."""
    restricted_to: list[str] | None = None
    """Account ids of those who may use it; everybody when None."""
    approvers: list[str] = field(default_factory=list)
    """Account ids of those whose approval each new request waits for."""

    def open_to(self, account_id: str) -> bool:
        """Return whether somebody may raise requests of this type."""
        return self.restricted_to is None or account_id in self.restricted_to


@dataclass(slots=True)
class AutomationRule:
    """A rule of the site's own automation: when an issue is commented, closed or reopened, it goes to a status of a category."""

    when: Literal["commented", "closed", "reopened"]
    to: CategoryKey
    issues: list[str] = field(default_factory=list)
    """Only these, by id; all of the project when empty."""


@dataclass(slots=True)
class Project:
    """A project with its workflow, screens, roles and permission scheme."""

    id: str
    key: str
    name: str
    style: Style = "classic"
    type_key: TypeKey = "software"
    access_level: Literal["open", "limited", "private", "public"] = "open"
    lead: str | None = None
    description: str = ""
    status: Literal["live", "archived", "deleted"] = "live"
    trashed_at: float | None = None
    """When the project went into the trash, in seconds since 1970."""
    archived_at: float | None = None
    old_keys: list[str] = field(default_factory=list)
    issue_types: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    workflow: list[Transition] = field(default_factory=list)
    fields: dict[str, FieldUse] = field(default_factory=dict)
    off_screen: list[str] = field(default_factory=list)
    """Fields that are taken off the create and edit screens."""
    added_to_screen: list[str] = field(default_factory=list)
    """System fields that stand on no screen by themselves, such as the resolution, and were put there."""
    roles: dict[int, list[Actor]] = field(default_factory=dict)
    grants: dict[str, list[str]] = field(default_factory=dict)
    """Permission key to holders: `anyone`, `logged_in`, `lead`, `role:<id>`, `group:<id>`, `user:<accountId>`."""
    issue_count: int = 0
    request_types: list[RequestType] = field(default_factory=list)
    automation: list[AutomationRule] = field(default_factory=list)

    @property
    def simplified(self) -> bool:
        """Return whether the project is team-managed."""
        return self.style == "next-gen"
