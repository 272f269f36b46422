"""The ticketing provider of settings without ticketing: operations that need a person fail, and say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

from access.failures import Permanent
from access.operations import Lane
from ticketing.ports import MadeTicket, TicketDraft, TicketRef, TicketSnapshot


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

    def who_closed(self, ref: TicketRef) -> str | None:
        """Refuse."""
        del ref
        _refuse()

    def reopen(self, ref: TicketRef) -> TicketSnapshot:
        """Refuse."""
        del ref
        _refuse()

    def close(self, ref: TicketRef) -> TicketSnapshot:
        """Refuse."""
        del ref
        _refuse()


def _refuse() -> NoReturn:
    raise Permanent(
        "A person is needed, and no ticketing is configured.",
        remedy="Set ticketing.project and a Jira credential in the settings.",
    )
