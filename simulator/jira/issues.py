from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from simulator.jira.people import User

Adf = dict[str, Any]


@dataclass(slots=True)
class Comment:
    """A comment; `body` is an Atlassian document, times are seconds since 1970."""

    id: str
    author: str
    body: Adf
    created: float
    updated: float
    update_author: str
    visibility: dict[str, str] | None = None
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Change:
    """One history entry; `items` are in the form of the answers."""

    id: str
    author: str
    created: float
    items: list[dict[str, Any]]


@dataclass(slots=True)
class RemoteLink:
    """A link to something outside Jira; `content` is what was sent, without `globalId`."""

    id: int
    global_id: str | None
    content: dict[str, Any]


@dataclass(slots=True)
class IssueLink:
    """A link between two issues, kept once; ids are numeric issue ids."""

    id: str
    type_id: str
    inward: str
    outward: str


@dataclass(slots=True)
class Attachment:
    """A file on an issue; only its size is kept unless it is small."""

    id: str
    filename: str
    mime_type: str
    size: int
    author: str
    created: float


@dataclass(slots=True)
class SecurityLevel:
    """Who may see an issue: the accounts named, and nobody else."""

    id: str
    name: str
    seen_by: list[str] = field(default_factory=list)

    def shows(self, user: User | None) -> bool:
        """Return whether the issue shows itself to somebody."""
        return user is not None and user.account_id in self.seen_by


Decision = Literal["pending", "approved", "declined"]


@dataclass(slots=True)
class Approval:
    """An approval that a request waits for; `answers` are what each approver has said, by account id."""

    id: str
    name: str
    answers: dict[str, Decision]
    created: float
    completed: float | None = None

    @property
    def decision(self) -> Decision:
        """Return the outcome: one decline declines, and all have to approve."""
        said = set(self.answers.values())
        if "declined" in said:
            return "declined"
        return "pending" if "pending" in said else "approved"


@dataclass(slots=True)
class Issue:
    """An issue; `values` holds fields by id, objects in them by their id only."""

    id: str
    key: str
    project_id: str
    type_id: str
    status_id: str
    creator: str
    created: float
    updated: float
    summary: str
    resolution_id: str | None = None
    resolved: float | None = None
    assignee: str | None = None
    reporter: str | None = None
    labels: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    watchers: list[str] = field(default_factory=list)
    remote_links: list[RemoteLink] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    old_keys: list[str] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    participants: list[str] = field(default_factory=list)
    security: SecurityLevel | None = None
    archived: bool = False
