"""A ticket that is followed: as it is stored, as its issue is now, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from access.lifecycle import OperationState, TicketState
from access.operations import Claim, Lane, Operation, Request, Ticket
from store.tickets import ENDED
from store.unit_of_work import UnitOfWork
from ticketing.ports import Phase, TicketRef, TicketSnapshot


@dataclass(frozen=True, slots=True)
class FollowedTicket:
    """A ticket as we last stored it, as its issue is now, and what it is for."""

    ticket: Ticket
    snapshot: TicketSnapshot
    operation: Operation
    request: Request
    claim: Claim | None

    @property
    def ref(self) -> TicketRef:
        """The issue."""
        return self.snapshot.ref

    @property
    def lane(self) -> Lane:
        """The lane of the calls for it."""
        return self.operation.lane

    @property
    def wants_a_look(self) -> bool:
        """Whether what becomes of it depends on what the system shows: somebody closed it, or it is gone."""
        phase, state = self.snapshot.phase, self.ticket.state
        if self.operation.state is not OperationState.WITH_PERSON or phase is Phase.OPEN or state in ENDED:
            return False
        return state is not TicketState.HIDDEN or phase is Phase.DONE

    def visible(self) -> dict[str, object]:
        """The columns that show what people see. A moved issue has a new key and URL, a deleted one has none."""
        if self.snapshot.phase is Phase.GONE:
            return {}
        seen = self.snapshot
        return {"status": seen.status, "phase": str(seen.phase), "issue_key": self.ref.key, "url": self.ref.url}

    def record(self, work: UnitOfWork, change: str, now: datetime, **detail: object) -> None:
        """The audit row of a change of the ticket."""
        key = self.ref.key or self.ticket.issue_key
        work.audit.record(
            f"ticket.{change}", "ticket", self.ticket.id, now=now, request_id=self.request.id, key=key, **detail
        )
