"""Tickets that vanished from our sight: deleted, hidden one by one, or all at once by a permission that was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from access.failures import Failure, Permanent, Transient
from access.faults import SHARED_BY
from access.lifecycle import TicketState
from access.operations import Ticket
from tasks.services import Services
from tasks.ticket_options import TicketOptions
from ticketing.ports import Phase, TicketSnapshot

#: States of a ticket that asks a person.
ASKING = (TicketState.OPEN, TicketState.ANSWERED)


def without_vanished(
    services: Services,
    options: TicketOptions,
    seen: Mapping[str, TicketSnapshot | Failure],
    due: Sequence[Ticket],
) -> Mapping[str, TicketSnapshot | Failure]:
    """What was read, with a failure in place of tickets that vanished from our sight a moment ago, or together.

    Nobody deletes several tickets at one moment: our permission is to blame. The others are looked at within a poll, and
    some are late, so that a ticket that vanished alone is known after two. What is still away after ``hidden_together`` was
    deleted or hidden.
    """
    now = services.clock.now()
    gone = {ticket.id for ticket in due if ticket.state in ASKING and _is_gone(seen[ticket.id])}
    if not gone and not any(ticket.missing_since for ticket in due):
        return seen
    with services.store.write() as work:
        for ticket in due:
            if (ticket.id in gone) is not (ticket.missing_since is not None):
                work.tickets.set(ticket.id, missing_since=now if ticket.id in gone else None)
        together = work.tickets.count_missing(ASKING) >= SHARED_BY
    lasting = options.hidden_together if together else 2 * options.poll
    failure = _hidden_together() if together else _SEEN_ONCE_MORE
    waiting = [ticket for ticket in due if ticket.id in gone and now < (ticket.missing_since or now) + lasting]
    return {**seen, **{ticket.id: failure for ticket in waiting}}


_SEEN_ONCE_MORE = Transient("The ticket cannot be seen; it is looked for once more.")


def _is_gone(seen: TicketSnapshot | Failure) -> bool:
    return isinstance(seen, TicketSnapshot) and seen.phase is Phase.GONE


def _hidden_together() -> Permanent:
    return Permanent(
        "Several tickets at once cannot be seen any more.",
        remedy="Give Provisor's account Browse projects there, and the security level of its tickets.",
        status=HTTPStatus.FORBIDDEN,
    )
