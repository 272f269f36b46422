"""What a person has to look at on a ticket: noted with an alarm, until it is over. The gravest trouble stands alone."""

from __future__ import annotations

from datetime import datetime

from access.operations import Ticket, TicketTrouble
from store.alarms import AlarmKind
from store.unit_of_work import UnitOfWork
from tasks.faults import begin_alarm

_GRAVITY = tuple(TicketTrouble)


def begin_trouble(
    work: UnitOfWork, ticket: Ticket, trouble: TicketTrouble, *, what: str, remedy: str, now: datetime
) -> None:
    """Note the trouble and raise its alarm, unless a graver one is noted already."""
    current = work.tickets.trouble_of(ticket.id)
    if current is not None and _GRAVITY.index(current) > _GRAVITY.index(trouble):
        return
    work.tickets.set(ticket.id, trouble=str(trouble))
    begin_alarm(work, AlarmKind(trouble), "ticket", ticket.id, what=what, remedy=remedy, now=now)


def end_trouble(work: UnitOfWork, ticket: Ticket, trouble: TicketTrouble) -> None:
    """The trouble is over, if it is the one that is noted."""
    if work.tickets.trouble_of(ticket.id) is trouble:
        work.tickets.set(ticket.id, trouble=None)
