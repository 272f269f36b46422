"""The ticketing provider of settings without ticketing: operations that need a person fail, and say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

from access.failures import Permanent
from access.operations import Lane
from ticketing.ports import (
    Approval,
    MadeTicket,
    Phase,
    RemoteLink,
    StatusChange,
    TicketChanges,
    TicketDraft,
    TicketRef,
    TicketSnapshot,
    Way,
)
from ticketing.schema_check import FieldProblem
from ticketing.schemas import SchemaRef, TicketSchema

_ANY_WAY = Way()


class NoTickets:
    """A ticketing provider that makes no tickets."""

    @property
    def name(self) -> str:
        """The provider's short name."""
        return "none"

    def in_lane(self, lane: Lane) -> NoTickets:
        """The same: no call is made in any lane."""
        del lane
        return self

    def schemas(self) -> Sequence[SchemaRef]:
        """None: this provider makes no tickets."""
        return ()

    def schema(self, project: str, issue_type: str) -> TicketSchema:
        """Refuse."""
        del project, issue_type
        _refuse()

    def check(self, draft: TicketDraft) -> Sequence[FieldProblem]:
        """Refuse."""
        del draft
        _refuse()

    def create(self, draft: TicketDraft) -> TicketRef:
        """Refuse."""
        del draft
        _refuse()

    def find(self, marker: str, *, project: str) -> Sequence[TicketRef]:
        """None: this provider made no tickets."""
        del marker, project
        return ()

    def probe(self, marker: str, *, project: str, after_key: str | None) -> Sequence[TicketRef]:
        """None: this provider made no tickets."""
        del marker, project, after_key
        return ()

    def made_since(self, moment: datetime) -> Sequence[MadeTicket]:
        """None: this provider made no tickets."""
        del moment
        return ()

    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot]:
        """Refuse: another provider made these tickets, and it is not configured any more."""
        del ids
        _refuse()

    def comment(self, ref: TicketRef, text: str, *, marker: str) -> None:
        """Refuse."""
        del ref, text, marker
        _refuse()

    def transition(self, ref: TicketRef, to: Phase, way: Way = _ANY_WAY) -> TicketSnapshot:
        """Refuse."""
        del ref, to, way
        _refuse()

    def assign(self, ref: TicketRef, assignees: Sequence[str]) -> str | None:
        """Refuse."""
        del ref, assignees
        _refuse()

    def update(self, ref: TicketRef, changes: TicketChanges) -> None:
        """Refuse."""
        del ref, changes
        _refuse()

    def watch(self, ref: TicketRef, person: str) -> None:
        """Refuse."""
        del ref, person
        _refuse()

    def link(self, ref: TicketRef, link: RemoteLink) -> None:
        """Refuse."""
        del ref, link
        _refuse()

    def changelog(self, ref: TicketRef) -> Sequence[StatusChange]:
        """Refuse."""
        del ref
        _refuse()

    def approvals(self, ref: TicketRef) -> Sequence[Approval]:
        """Refuse."""
        del ref
        _refuse()


def _refuse() -> NoReturn:
    raise Permanent(
        "A person is needed, and no ticketing is configured.",
        remedy="Set ticketing.project and a Jira credential in the settings.",
    )
