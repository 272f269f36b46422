"""The lease of the intake: which process takes messages from a broker that serves several readers at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, update

from store.tables import intake_lease


class IntakeLease:
    """The one lease, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, holder: str, *, now: datetime, lasting: timedelta) -> bool:
        """Take the lease, or prolong it; whether ``holder`` has it."""
        free = or_(intake_lease.c.holder == holder, intake_lease.c.until.is_(None), intake_lease.c.until <= now)
        taken = update(intake_lease).where(free).values(holder=holder, until=now + lasting)
        return self._connection.execute(taken).rowcount == 1

    def give_back(self, holder: str) -> None:
        """End the lease of ``holder``, if it has the lease."""
        ended = update(intake_lease).where(intake_lease.c.holder == holder)
        self._connection.execute(ended.values(holder=None, until=None))
