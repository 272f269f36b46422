"""The lease of the intake: which process takes messages from a broker that serves several readers at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, or_

from store.tables import intake_lease
from store.upsert import insert_into


class IntakeLease:
    """The one lease, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, holder: str, *, now: datetime, lasting: timedelta) -> bool:
        """Take the lease, or prolong it; whether ``holder`` has it."""
        insert: Any = insert_into(intake_lease, self._connection).values(id=1, holder=holder, until=now + lasting)
        free = or_(intake_lease.c.holder == holder, intake_lease.c.until <= now)
        taken = insert.on_conflict_do_update(
            index_elements=[intake_lease.c.id],
            set_={"holder": insert.excluded.holder, "until": insert.excluded.until},
            where=free,
        )
        return self._connection.execute(taken.returning(intake_lease.c.id)).first() is not None

    def give_back(self, holder: str) -> None:
        """End the lease of ``holder``, if it has the lease."""
        self._connection.execute(delete(intake_lease).where(intake_lease.c.holder == holder))
