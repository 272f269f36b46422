"""What Provisor asks of a ticketing system about tickets that it never made: the port each provider implements.

Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from access.ticket_mapping import Fields
from ticketing.ports import Phase, TicketRef


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field of the ticketing system: its id, what people call it, and the type of its values."""

    id: str
    name: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class FoundTicket:
    """A ticket of anybody's as a search shows it.

    ``closed_at`` is when it came to the status category of what is closed, for the last time, at the latest; ``closed_from`` at
    the earliest, where only the day is known. ``fields`` are those that were
    asked for, by the names that they were asked by.
    """

    ref: TicketRef
    summary: str
    status: str
    resolution: str | None
    phase: Phase
    created_at: datetime | None
    closed_at: datetime | None
    fields: Fields = field(default_factory=dict)
    closed_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketPage:
    """A page of a search; ``last`` says that there are no more."""

    tickets: Sequence[FoundTicket]
    last: bool


@dataclass(frozen=True, slots=True)
class Closing:
    """Who closed a ticket for the last time, and how often it was opened again before."""

    by: str | None
    at: datetime | None
    reopened: int = 0


class TicketArchive(Protocol):
    """The tickets of a system, whoever made them. Every method may raise the failure words of ``access.failures``."""

    def field_names(self) -> Sequence[FieldName]:
        """Every field that tickets of the system may have."""
        ...

    def find(self, query: str, *, fields: Mapping[str, Sequence[str]]) -> Iterator[TicketPage]:
        """The closed tickets of a query in pages of 100, in the query's order, else those that were changed last first.

        ``fields`` are names, each with the ids of the fields that it means.
        """
        ...

    def closings(self, ids: Sequence[str]) -> Mapping[str, Closing]:
        """Who closed each of these tickets, by id, as far as their histories show."""
        ...
