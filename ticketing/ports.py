"""What Provisor asks of a ticketing system: the port each provider implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from access.failures import Failure
from access.operations import Lane


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

    ``data`` is stored with the issue (issue property) in the same call: the ids it belongs to.
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


@dataclass(frozen=True, slots=True)
class TicketRef:
    """A ticket that exists. ``id`` never changes; ``key`` does when it is moved; ``url`` is for people."""

    id: str
    key: str
    url: str


@dataclass(frozen=True, slots=True)
class TicketSnapshot:
    """A ticket as the ticketing system shows it now."""

    ref: TicketRef
    phase: Phase
    status: str = ""
    resolution: str | None = None
    assignee: str | None = None


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

    def who_closed(self, ref: TicketRef) -> str | None:
        """The name of whoever brought the ticket to its present status, from its history; None when that does not say."""
        ...

    def reopen(self, ref: TicketRef) -> TicketSnapshot:
        """Bring a closed ticket back to work; returns its state then. ``Permanent`` when the workflow has no way back.

        A resolution is cleared, since boards and queues leave out what has one; the state shows it where that is not possible.
        """
        ...

    def close(self, ref: TicketRef) -> TicketSnapshot:
        """Bring a ticket that is no longer needed to its end; returns its state then."""
        ...
