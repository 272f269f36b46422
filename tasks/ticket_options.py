"""The times and bounds of tickets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class TicketOptions:
    """The times and bounds of tickets.

    - ``poll``: how often an open ticket is looked at.
    - ``look_for``: how long an issue whose creation was not answered is looked for before another is made.
    - ``believe_within``: how long after a ticket was closed the system may take to show the change.
    - ``closings``: how often a ticket may be closed without being done, and how many tickets an operation may use up,
      before the operation is handed to the operator.
    - ``watch_ended``, ``ended_poll``: how long after its end a ticket is looked at, and how often.
    - ``hidden_together``: how long tickets that vanish at once count as hidden by a lost permission.
    """

    poll: timedelta = timedelta(seconds=30)
    look_for: timedelta = timedelta(minutes=2)
    believe_within: timedelta = timedelta(seconds=30)
    closings: int = 3
    watch_ended: timedelta = timedelta(days=30)
    ended_poll: timedelta = timedelta(minutes=10)
    hidden_together: timedelta = timedelta(days=1)
