"""Tickets after their end: people may go on with them, and what they do then is answered once, and reported.

The issue of a ticket that has ended is still there: it is reopened by mistake, or done although it was declined or called
back. Access that is given so stands in no claim, and nothing would take it away.
"""

from __future__ import annotations

from access.lifecycle import ClaimState, TicketState
from access.methods import Direction
from access.operations import Operation, TicketTrouble
from tasks.followed_ticket import FollowedTicket
from tasks.looks import look
from tasks.services import Services
from tasks.ticket_comments import TicketCommenter
from tasks.ticket_options import TicketOptions
from tasks.ticket_text import TicketWriter
from tasks.ticket_trouble import begin_trouble, end_trouble
from ticketing.ports import Phase

#: The claims that explain access.
_EXPLAIN = (ClaimState.PENDING, ClaimState.ACTIVE, ClaimState.ENDING)


class EndedTickets:
    """Looks at tickets that have ended, for a while."""

    def __init__(
        self, services: Services, comments: TicketCommenter, writer: TicketWriter, options: TicketOptions
    ) -> None:
        self._services = services
        self._comments = comments
        self._writer = writer
        self._options = options

    def judge(self, followed: FollowedTicket) -> None:
        """Answer a ticket that people went on with, and report what they did. Raises failure words and ``LeaseLost``."""
        ticket, phase, marker = followed.ticket, followed.snapshot.phase, f"{followed.ticket.id}-over"
        with self._services.store.read() as work:
            went_on = _went_on(followed, answered=work.ticket_comments.has(ticket.id, marker))
        untracked = None
        if phase is Phase.DONE and (went_on or ticket.trouble is TicketTrouble.UNTRACKED):
            untracked = self._untracked(followed.operation)
        now = self._services.clock.now()
        due = now + self._options.ended_poll
        over = now >= (ticket.closed_at or now) + self._options.watch_ended
        with self._services.store.write() as work:
            work.tickets.settle(
                ticket.id, fence=ticket.fence, due_at=None if over else due, error=None, **followed.visible()
            )
            if went_on:
                text = self._writer.over(followed.operation, followed.request, ticket.state)
                work.ticket_comments.owe(ticket.id, marker, text, now=now)
                followed.record(work, "went_on", now, status=followed.snapshot.status)
            if untracked is None or over:
                end_trouble(work, ticket, TicketTrouble.UNTRACKED)
            else:
                if ticket.trouble is not TicketTrouble.UNTRACKED:
                    followed.record(work, "untracked", now, seen=untracked)
                what = f"{followed.ref.key} was done after its end ({ticket.state}): {untracked}"
                begin_trouble(work, ticket, TicketTrouble.UNTRACKED, what=what, remedy=_REMEDY, now=now)
            for comment in work.ticket_comments.owed([ticket.id]):
                work.tickets.due_by(ticket.id, comment.due_at)
        if went_on:
            self._comments.say(ticket, followed.ref, followed.lane)

    def _untracked(self, operation: Operation) -> str | None:
        """What was changed and nothing explains, as the system shows it; None where there is no such thing."""
        seen = look(self._services.connector(operation.system, operation.lane), operation)
        with self._services.store.read() as work:
            if work.operations.not_over_at(operation.access_key):
                return None
            claims = work.claims.on(operation.access_key, states=_EXPLAIN)
        if operation.direction is Direction.GIVE:
            return None if claims or not seen.present else f"{seen.evidence}, and no request explains that."
        held = any(claim.state is ClaimState.ACTIVE for claim in claims)
        return f"{seen.evidence}, and a request holds the access." if held and not seen.present else None


_REMEDY = "Take it back in the system, or have it asked for: then it is known, and ends when it should."


def _went_on(followed: FollowedTicket, *, answered: bool) -> bool:
    """Whether people opened a ticket again, or did it, since it was last seen. Another status of the same phase is no news.

    A verified ticket may have been open then: that it is closed is news only when it was ``answered``, as one opened again is.
    """
    ticket, phase = followed.ticket, followed.snapshot.phase
    if str(phase) == (ticket.phase or str(Phase.DONE)):
        return False
    if phase is Phase.DONE:
        return answered or ticket.state is not TicketState.VERIFIED
    return phase is Phase.OPEN
