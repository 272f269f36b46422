"""Jira's answers, as far as we read them. Everything else in them is ignored, and nothing of them is quoted in errors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

#: Ids of issues, comments and changes: decimal numbers, as text [spec].
NumericId = Annotated[str, StringConstraints(pattern=r"^[0-9]+$")]


class Read(BaseModel):
    """An answer or a part of one."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, populate_by_name=True)


R = TypeVar("R", bound=Read)


class MadeIssue(Read):
    """A new issue."""

    id: NumericId
    key: str = Field(min_length=1)


class MadeComment(Read):
    """A new comment."""

    id: NumericId


class Named(Read):
    """A resolution, or a choice of a field."""

    id: str | None = None
    name: str | None = None
    value: str | None = None
    #: The options below an option of a cascading field.
    below: tuple[Named, ...] = Field(default=(), alias="children")


class Category(Read):
    """A status category: ``new``, ``indeterminate``, ``done`` or ``undefined``."""

    key: str | None = None


class Status(Read):
    """A status; its name is translated and edited, its category is not."""

    id: str = ""
    name: str = ""
    category: Category | None = Field(default=None, alias="statusCategory")

    @property
    def category_key(self) -> str | None:
        """The key of its category."""
        return self.category.key if self.category else None


class Person(Read):
    """A user."""

    account_id: str | None = Field(default=None, alias="accountId")
    name: str | None = Field(default=None, alias="displayName")


class Place(Read):
    """The project, or the issue type, of an issue."""

    id: str = ""
    key: str = ""
    name: str = ""


class IssueFields(Read):
    """The fields we ask for."""

    project: Place = Place()
    type: Place = Field(default=Place(), alias="issuetype")
    status: Status = Status()
    resolution: Named | None = None
    assignee: Person | None = None
    labels: tuple[str, ...] = ()


class ChangeItem(Read):
    """One field's change."""

    field: str = ""
    before: str | None = Field(default=None, alias="from")
    after: str | None = Field(default=None, alias="to")


class Change(Read):
    """Changes made at once."""

    id: NumericId
    at: datetime | None = Field(default=None, alias="created")
    author: Person | None = None
    items: tuple[ChangeItem, ...] = ()


class Changelog(Read):
    """An issue's history, as far as it was sent."""

    histories: tuple[Change, ...] = ()


class Issue(Read):
    """An issue."""

    id: NumericId
    key: str = ""
    fields: IssueFields = IssueFields()
    properties: dict[str, Any] = {}
    changelog: Changelog = Changelog()

    def moves(self) -> list[tuple[Change, ChangeItem]]:
        """The changes from status to status, oldest first, as far as they lead to the present one."""
        moves = [
            (change, item)
            for change in sorted(self.changelog.histories, key=lambda change: int(change.id))
            for item in change.items
            if item.field == "status"
        ]
        while moves and moves[-1][1].after != self.fields.status.id:
            moves.pop()
        return moves


class Issues(Read):
    """A page of a search, or the answer to a bulk fetch."""

    issues: tuple[Issue, ...]
    next_page: str | None = Field(default=None, alias="nextPageToken")


class EntityProperty(Read):
    """A property of a comment."""

    key: str
    value: Any = None


class Comment(Read):
    """A comment; ``properties`` is None where Jira did not say."""

    id: str
    body: dict[str, Any] = {}
    properties: tuple[EntityProperty, ...] | None = None


class Comments(Read):
    """A page of comments."""

    comments: tuple[Comment, ...]
    total: int = 0


class FieldKind(Read):
    """The type of a field's values."""

    type: str = "any"
    items: str | None = None
    system: str | None = None
    custom: str | None = None

    @property
    def is_document(self) -> bool:
        """Whether its text is an Atlassian document in API v3 [docs]."""
        return self.system in {"description", "environment"} or (self.custom or "").endswith(":textarea")

    @property
    def is_labels(self) -> bool:
        """Whether its values are labels, which have no spaces [spec]."""
        return self.system == "labels" or (self.custom or "").endswith(":labels")


class FieldMeta(Read):
    """A field as it may be set when an issue is made or moved."""

    field_id: str = Field(default="", alias="fieldId")
    key: str = ""
    name: str = ""
    required: bool = False
    has_default: bool = Field(default=False, alias="hasDefaultValue")
    kind: FieldKind = Field(default=FieldKind(), alias="schema")
    choices: tuple[Named, ...] = Field(default=(), alias="allowedValues")

    @property
    def shows_choices(self) -> bool:
        """Whether Jira listed the values that the field takes, be they none."""
        return "choices" in self.model_fields_set

    @property
    def id(self) -> str:
        """What the field is called in requests."""
        return self.field_id or self.key


class FieldPage(Read):
    """A page of create metadata; the specification names its list both ways."""

    fields: tuple[FieldMeta, ...] = ()
    results: tuple[FieldMeta, ...] = ()
    total: int = 0

    @property
    def all(self) -> tuple[FieldMeta, ...]:
        """The fields, under either name."""
        return self.fields or self.results


class IssueType(Read):
    """An issue type of a project."""

    id: str
    name: str = ""
    subtask: bool = False


class TypeStatuses(Read):
    """The statuses of an issue type."""

    id: str
    statuses: tuple[Status, ...] = ()


class Project(Read):
    """A project."""

    key: str
    name: str = ""


class ProjectPage(Read):
    """A page of projects."""

    values: tuple[Project, ...] = ()
    total: int = 0


class IssueTypePage(Read):
    """A page of issue types."""

    types: tuple[IssueType, ...] = Field(alias="issueTypes")
    total: int = 0


class Transition(Read):
    """A way from an issue's present status to another."""

    id: str
    name: str = ""
    to: Status = Status()
    available: bool = Field(default=True, alias="isAvailable")
    fields: dict[str, FieldMeta] = {}


class Transitions(Read):
    """The ways an issue can go now."""

    transitions: tuple[Transition, ...]


class Permission(Read):
    """Whether we have a permission."""

    have: bool = Field(default=False, alias="havePermission")


class Permissions(Read):
    """Our permissions by key."""

    permissions: dict[str, Permission]


class Myself(Person):
    """Who Jira says we are."""


class FoundPerson(Person):
    """A user as a search shows one; the address only where the person lets it be seen."""

    email: str | None = Field(default=None, alias="emailAddress")
    type: str | None = Field(default=None, alias="accountType")


class ServiceDesk(Read):
    """The service desk of a service project."""

    id: str
    project: str = Field(default="", alias="projectKey")
    project_name: str = Field(default="", alias="projectName")


class RequestType(IssueType):
    """A kind of request, made on an issue type."""

    issue_type: str = Field(default="", alias="issueTypeId")


class FormField(Read):
    """A field as the form of a request type has it."""

    id: str = Field(default="", alias="fieldId")
    name: str = ""
    required: bool = False


class RequestForm(Read):
    """The form of a request type."""

    fields: tuple[FormField, ...] = Field(default=(), alias="requestTypeFields")


class Moment(Read):
    """A moment as service desks write it."""

    at: datetime | None = Field(default=None, alias="iso8601")


class Answer(Read):
    """What an approver said."""

    approver: Person = Person()
    decision: str = Field(default="pending", alias="approverDecision")


class RequestApproval(Read):
    """An approval of a request."""

    id: str
    name: str = ""
    decision: str = Field(default="pending", alias="finalDecision")
    answers: tuple[Answer, ...] = Field(default=(), alias="approvers")
    completed: Moment = Field(default=Moment(), alias="completedDate")


class DeskPage(Read, Generic[R]):
    """A page of a list of the service desks' API."""

    values: tuple[R, ...] = ()
    last: bool = Field(default=True, alias="isLastPage")
