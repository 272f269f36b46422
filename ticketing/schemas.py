"""What a kind of ticket takes, as the ticketing system describes it: fields with their types and choices, and statuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ticketing.names import folded


class ValueType(StrEnum):
    """What a field holds, or each of the values of one that holds several."""

    TEXT = "text"
    #: Text with markup: Markdown on our side.
    DOCUMENT = "document"
    NUMBER = "number"
    DATE = "date"
    #: A moment, with its zone.
    MOMENT = "moment"
    LABEL = "label"
    OPTION = "option"
    #: An option, and one of the options below it: "Europe > Berlin".
    CASCADING = "cascading"
    USER = "user"
    GROUP = "group"
    COMPONENT = "component"
    PRIORITY = "priority"
    VERSION = "version"
    TICKET = "ticket"
    #: What Provisor does not know; values go as they are given.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a field may have. ``below`` are those of a cascading field."""

    id: str
    name: str
    below: tuple[Choice, ...] = ()

    def is_called(self, text: str) -> bool:
        """Whether it is meant by an id, or by a name in any case."""
        return text == self.id or folded(text) == folded(self.name)


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A field that can be set when a ticket is made. ``choices`` is None where any value of the type may be sent.

    ``required`` says that the ticket is refused without a value; one with a default gets that.
    """

    id: str
    name: str
    type: ValueType
    several: bool = False
    required: bool = False
    has_default: bool = False
    choices: tuple[Choice, ...] | None = None

    @property
    def must_be_given(self) -> bool:
        """Whether no ticket is made unless a value is sent."""
        return self.required and not self.has_default


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """A status that tickets of the kind can have. ``category`` is ``new``, ``indeterminate``, ``done`` or ``undefined``."""

    id: str
    name: str
    category: str


@dataclass(frozen=True, slots=True)
class SchemaRef:
    """A kind of ticket: the key of its project, and the id of its type. The names are for people.

    One that ``needs_parent`` cannot stand alone: a sub-task.
    """

    project: str
    type: str
    project_name: str = ""
    type_name: str = ""
    needs_parent: bool = False

    def __str__(self) -> str:
        return f"{self.project}:{self.type}"


@dataclass(frozen=True, slots=True)
class TicketSchema:
    """Everything about a kind of ticket that making and following one needs."""

    ref: SchemaRef
    fields: tuple[SchemaField, ...]
    statuses: tuple[SchemaStatus, ...] = ()

    @property
    def title(self) -> str:
        """What it is called in sentences: "Access Request in OPS"."""
        return f"{self.ref.type_name or self.ref.type} in {self.ref.project}"

    def named(self, name: str) -> Sequence[SchemaField]:
        """The fields that are meant by an id, or else by a name in any case: several fields may have one name."""
        by_id = [field for field in self.fields if field.id == name]
        return by_id or [field for field in self.fields if folded(field.name) == folded(name)]
