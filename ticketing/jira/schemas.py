"""The kinds of tickets of a Jira site, from its create metadata; kept for a while."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from time import monotonic
from typing import TypeVar

from access.failures import Permanent
from ticketing.jira.calls import JiraCalls
from ticketing.jira.responses import FieldMeta, IssueType, Named
from ticketing.names import folded
from ticketing.schemas import Choice, SchemaField, SchemaRef, SchemaStatus, TicketSchema, ValueType

#: How long what was read counts. A ticket that Jira refuses has it read anew.
KEPT_SECONDS = 600.0

T = TypeVar("T", bound=IssueType)

_TYPES = {
    "string": ValueType.TEXT,
    "number": ValueType.NUMBER,
    "date": ValueType.DATE,
    "datetime": ValueType.MOMENT,
    "option": ValueType.OPTION,
    "option-with-child": ValueType.CASCADING,
    "user": ValueType.USER,
    "group": ValueType.GROUP,
    "component": ValueType.COMPONENT,
    "priority": ValueType.PRIORITY,
    "version": ValueType.VERSION,
    "issuelink": ValueType.TICKET,
}

#: Types of which a screen shows all values that it takes, so that none is what is not among them [docs].
_CLOSED = (
    ValueType.OPTION,
    ValueType.CASCADING,
    ValueType.COMPONENT,
    ValueType.PRIORITY,
    ValueType.VERSION,
)


class JiraSchemas:
    """Reads kinds of tickets with the calls that it is given, and keeps them. May be shared by threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, TicketSchema]] = {}
        self._lock = Lock()

    def every(self, calls: JiraCalls) -> list[SchemaRef]:
        """Every issue type of every project in which our account may create issues."""
        return [
            SchemaRef(project.key, each.id, project.name, each.name, needs_parent=each.subtask)
            for project in calls.projects_to_create_in()
            for each in calls.issue_types(project.key)
        ]

    def of(self, calls: JiraCalls, project: str, issue_type: str) -> TicketSchema:
        """The fields of an issue type, given by its id or name. Raises ``Permanent`` for none, or several, of that name."""
        key = (project, issue_type)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and monotonic() < kept[0] + KEPT_SECONDS:
            return kept[1]
        schema = self.read(calls, project, issue_type)
        with self._lock:
            self._kept[key] = (monotonic(), schema)
        return schema

    def read(self, calls: JiraCalls, project: str, issue_type: str) -> TicketSchema:
        """As ``of``, read now."""
        chosen = type_called(issue_type, calls.issue_types(project), project)
        ref = SchemaRef(project, chosen.id, type_name=chosen.name, needs_parent=chosen.subtask)
        return TicketSchema(ref, tuple(field_of(each) for each in calls.create_fields(project, chosen.id)))

    def forget(self, project: str, issue_type: str) -> None:
        """Have a kind of ticket read anew: Jira refused what was sent by what is kept."""
        with self._lock:
            self._kept.pop((project, issue_type), None)

    def statuses(self, calls: JiraCalls, schema: TicketSchema) -> tuple[SchemaStatus, ...]:
        """The statuses of a kind of ticket: those of its issue type."""
        return next(
            (
                tuple(SchemaStatus(status.id, status.name, status.category_key or "") for status in each.statuses)
                for each in calls.statuses(schema.ref.project)
                if each.id == self.issue_type(schema)
            ),
            (),
        )

    def issue_type(self, schema: TicketSchema) -> str:
        """The id of the issue type that tickets of a kind are made of."""
        return schema.ref.type


def type_called(name: str, types: Sequence[T], project: str, *, what: str = "issue type") -> T:
    """The type that an id or a name means. Raises ``Permanent`` for none, and for a name that several have."""
    meant = [each for each in types if each.id == name] or [each for each in types if folded(each.name) == folded(name)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        ids = ", ".join(sorted(each.id for each in meant))
        raise Permanent(f"{len(meant)} {what}s of {project} are called {name}: {ids}.", remedy="Write the id.")
    known = ", ".join(each.name for each in types if not each.subtask)
    raise Permanent(
        f"The project {project} has no {what} {name} that Provisor's account may create.",
        remedy=f"Use one of: {known}." if known else "Give the account Create issues there.",
    )


def field_of(meta: FieldMeta) -> SchemaField:
    """A field of create metadata."""
    several = meta.kind.type == "array"
    named = meta.kind.items if several else meta.kind.type
    type_ = _TYPES.get(named or "any", ValueType.OTHER)
    if type_ is ValueType.TEXT:
        if meta.kind.is_document:
            type_ = ValueType.DOCUMENT
        elif meta.kind.is_labels:
            type_ = ValueType.LABEL
    choices = tuple(_choice(each) for each in meta.choices)
    return SchemaField(
        id=meta.id,
        name=meta.name,
        type=type_,
        several=several,
        required=meta.required,
        has_default=meta.has_default,
        choices=choices if choices or (type_ in _CLOSED and meta.shows_choices) else None,
    )


def _choice(named: Named) -> Choice:
    below = tuple(_choice(each) for each in named.below)
    return Choice(named.id or "", named.value or named.name or "", below)
