"""What Provisor says on tickets: owed in the commit of what it tells, and tried again by itself until it is said."""

from __future__ import annotations

from datetime import timedelta

import structlog

from access.failures import Failure, Permanent, Transient
from access.operations import Lane, Ticket, TicketTrouble
from store.ticket_comments import OwedComment
from tasks.services import Services
from tasks.ticket_trouble import begin_trouble, end_trouble
from ticketing.ports import TicketProvider, TicketRef

_log = structlog.get_logger(__name__)

#: The waits between two tries: the first, and the longest.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)

#: How long a comment is tried.
_TRIED_FOR = timedelta(days=30)


class TicketCommenter:
    """Makes the comments that tickets are owed. The ticketing system is looked at first, so that none is made twice."""

    def __init__(self, services: Services, provider: TicketProvider) -> None:
        self._services = services
        self._provider = provider

    def say(self, ticket: Ticket, ref: TicketRef, lane: Lane) -> None:
        """Make the comments of a ticket that are due. One that cannot be made now keeps no other, and nothing else, waiting."""
        now = self._services.clock.now()
        with self._services.store.read() as work:
            owed = [each for each in work.ticket_comments.owed([ticket.id]) if each.due_at <= now]
        failed = [each for each in owed if not self._make(each, ticket, ref, lane)]
        if owed and not failed:
            with self._services.store.write() as work:
                end_trouble(work, ticket, TicketTrouble.UNSAID)

    def _make(self, comment: OwedComment, ticket: Ticket, ref: TicketRef, lane: Lane) -> bool:
        try:
            self._provider.in_lane(lane).comment(ref, comment.text, marker=comment.marker)
        except Failure as failure:
            self._postpone(comment, ticket, ref, failure)
            return False
        with self._services.store.write() as work:
            work.ticket_comments.said(comment, now=self._services.clock.now())
        return True

    def _postpone(self, comment: OwedComment, ticket: Ticket, ref: TicketRef, failure: Failure) -> None:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            if now >= comment.owed_since + _TRIED_FOR:
                work.ticket_comments.give_up(comment, error=str(failure))
                end_trouble(work, ticket, TicketTrouble.UNSAID)
                work.audit.record("ticket.comment_given_up", "ticket", ticket.id, now=now, why=str(failure))
                return
            until = now + _wait(comment, failure)
            work.ticket_comments.postpone(comment, until=until, error=str(failure))
            work.tickets.due_by(ticket.id, until)
            if isinstance(failure, Permanent):
                what = f"Provisor cannot say on {ref.key} what became of it: {failure.what}"
                begin_trouble(work, ticket, TicketTrouble.UNSAID, what=what, remedy=failure.remedy, now=now)
        _log.warning("ticket.comment_postponed", ticket=ref.key, until=until, why=str(failure))


def _wait(comment: OwedComment, failure: Failure) -> timedelta:
    if isinstance(failure, Transient) and failure.retry_after is not None:
        return failure.retry_after
    doubled: timedelta = _FIRST_WAIT * 2 ** min(comment.tries, 10)
    return min(doubled, _LONGEST_WAIT)
