"""What Provisor asks of a ticketing system: the port each provider implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from access.failures import Failure
from access.operations import Lane
from ticketing.schema_check import FieldProblem
from ticketing.schemas import SchemaRef, TicketSchema


class Phase(StrEnum):
    """Where a ticket stands, whatever its workflow calls the status."""

    #: Nobody has finished it.
    OPEN = "open"
    #: Closed, and not declined: somebody says it is done.
    DONE = "done"
    #: Closed by somebody who says it will not be done.
    DECLINED = "declined"
    #: Deleted, or no longer visible to us.
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """A ticket to be made. ``body`` is Markdown; ``marker`` is the label it can be found by when an answer was lost.

    ``data`` is stored with the issue (issue property) in the same call: the ids it belongs to. ``issue_type`` is the name or id
    of an issue type or a request type. ``fields`` are plain values by id or name. ``assignees`` are tried in order, by account id
    or address, until one may have the ticket.
    """

    marker: str
    project: str
    issue_type: str
    summary: str
    body: str
    data: Mapping[str, str]
    labels: Sequence[str] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    due: date | None = None
    assignees: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TicketChanges:
    """What is to be changed of a ticket that exists; what is None stays. ``body`` is Markdown."""

    summary: str | None = None
    body: str | None = None
    due: date | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteLink:
    """A link on a ticket to something elsewhere. The same ``id`` again replaces what is there."""

    id: str
    url: str
    title: str
    summary: str = ""
    resolved: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """How a ticket is to go to another phase, where policy says so.

    ``through`` are ids or names of the statuses on the way, in order; ``fields`` values for the screens of its transitions.
    """

    through: Sequence[str] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TicketRef:
    """A ticket that exists. ``id`` never changes; ``key`` does when it is moved; ``url`` is for people."""

    id: str
    key: str
    url: str


@dataclass(frozen=True, slots=True)
class TicketSnapshot:
    """A ticket as the ticketing system shows it now. ``unmapped`` says that neither policy nor its category place its status."""

    ref: TicketRef
    phase: Phase
    status: str = ""
    resolution: str | None = None
    assignee: str | None = None
    in_progress: bool = False
    unmapped: bool = False


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A ticket's way from one status to another, by ids; ``by`` is the name of who moved it."""

    before: str | None
    after: str | None
    by: str | None = None
    at: datetime | None = None


class Decision(StrEnum):
    """How an approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval that a ticket asks for; ``by`` are the account ids of those who have decided."""

    id: str
    name: str
    decision: Decision
    by: tuple[str, ...] = ()
    at: datetime | None = None


_ANY_WAY = Way()


@dataclass(frozen=True, slots=True)
class MadeTicket:
    """A ticket that Provisor made, by what is stored with it, and as it is now."""

    marker: str
    data: Mapping[str, str]
    state: TicketSnapshot


class TicketProvider(Protocol):
    """A ticketing system. Every method may raise the failure words of ``access.failures`` and nothing else."""

    @property
    def name(self) -> str:
        """The provider's short name, as stored with each ticket."""
        ...

    def in_lane(self, lane: Lane) -> TicketProvider:
        """The same provider, whose calls are taken from the rate budget as those of ``lane``.

        Calls for a ticket that takes access away go in ``Lane.REVOKE``; without this they wait behind all others.
        """
        ...

    def schemas(self) -> Sequence[SchemaRef]:
        """Every kind of ticket that the account can make."""
        ...

    def schema(self, project: str, issue_type: str) -> TicketSchema:
        """One kind of ticket, whose type is given by its id or name. ``Permanent`` when there is none, or several are meant."""
        ...

    def check(self, draft: TicketDraft) -> Sequence[FieldProblem]:
        """What would be left out of the ticket, and what would keep it from being made. Nothing is made."""
        ...

    def create(self, draft: TicketDraft) -> TicketRef:
        """Make the ticket, marker and data in the same call. Not safe to repeat: ``Unknown`` means look first."""
        ...

    def find(self, marker: str, *, project: str) -> Sequence[TicketRef]:
        """All tickets with this marker, oldest first. May lag behind a creation: an empty answer is no proof.

        A copy that somebody made of a ticket is none, whatever it took over from that.
        """
        ...

    def probe(self, marker: str, *, project: str, after_key: str | None) -> Sequence[TicketRef]:
        """Tickets with this marker among those made after ``after_key``, read past the search index, without its lag."""
        ...

    def made_since(self, moment: datetime) -> Sequence[MadeTicket]:
        """All tickets that Provisor made since then, oldest first, and perhaps some of the days before. May lag like ``find``."""
        ...

    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        """The state of each of these tickets by id or key, read past the search index; missing ones have phase ``GONE``.

        Where one of them cannot be read, its failure stands in place of its state.
        """
        ...

    def comment(self, ref: TicketRef, text: str, *, marker: str) -> None:
        """Say something on the ticket (Markdown), once per ``marker`` however often it is called."""
        ...

    def transition(self, ref: TicketRef, to: Phase, way: Way = _ANY_WAY) -> TicketSnapshot:
        """Bring a ticket back to work (``OPEN``), or to its end as one that is no longer needed (``DECLINED``).

        Returns its state then; a ticket that is there already is left alone, and a deleted one that is to end is ``GONE``.
        ``Permanent`` when the workflow has no such way, or there is nothing to be reopened. A resolution is cleared on the way
        back, since boards and queues leave out what has one; the state shows it where that is not possible.
        """
        ...

    def assign(self, ref: TicketRef, assignees: Sequence[str]) -> str | None:
        """Give the ticket to the first of these who may have it, by account id or address; who that is, None where nobody may."""
        ...

    def update(self, ref: TicketRef, changes: TicketChanges) -> None:
        """Change what a ticket says. Safe to repeat."""
        ...

    def watch(self, ref: TicketRef, person: str) -> None:
        """Have somebody be told of the ticket, by account id or address. Safe to repeat. ``Permanent`` for who is unknown."""
        ...

    def link(self, ref: TicketRef, link: RemoteLink) -> None:
        """Put a remote link on the ticket, or bring the one with its id up to date."""
        ...

    def changelog(self, ref: TicketRef) -> Sequence[StatusChange]:
        """The ways from status to status that the ticket has gone, oldest first."""
        ...

    def approvals(self, ref: TicketRef) -> Sequence[Approval]:
        """The approvals that the ticket asks for, oldest first; none where the ticketing system knows no approvals."""
        ...


def who_closed(changes: Sequence[StatusChange]) -> str | None:
    """The name of whoever brought a ticket to its present status, from its history; None when that does not say."""
    return changes[-1].by if changes else None
