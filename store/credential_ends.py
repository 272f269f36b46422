"""The ends of credentials, in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from access.credential_ends import CredentialEnd, Teller
from store.credential_tables import credential_ends
from store.upsert import insert_into


class CredentialEnds:
    """Ends of credentials, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[CredentialEnd]:
        """The ends that are known, the nearest first."""
        found = (
            select(credential_ends).where(credential_ends.c.ends_at.is_not(None)).order_by(credential_ends.c.ends_at)
        )
        rows = self._connection.execute(found).all()
        return [CredentialEnd(row.place, row.ends_at, Teller(row.told_by)) for row in rows]

    def take_turn(self, place: str, *, now: datetime, every: timedelta) -> bool:
        """Whether it is the caller who looks now: once for all processes in each ``every``."""
        first = (
            insert_into(credential_ends, self._connection).values(place=place, looked_at=now).on_conflict_do_nothing()
        )
        if self._connection.execute(first.returning(credential_ends.c.place)).first() is not None:
            return True
        due = update(credential_ends).where(
            credential_ends.c.place == place, credential_ends.c.looked_at <= now - every
        )
        return self._connection.execute(due.values(looked_at=now)).rowcount == 1

    def keep(self, place: str, end: CredentialEnd | None, *, now: datetime) -> None:
        """Replace what is known of a place."""
        self._connection.execute(
            update(credential_ends)
            .where(credential_ends.c.place == place)
            .values(
                ends_at=None if end is None else end.ends_at,
                told_by=None if end is None else str(end.told_by),
                near=end is not None and end.is_near(now),
            )
        )

    def forget_others(self, places: Collection[str]) -> None:
        """Forget the places that have no credential any more."""
        self._connection.execute(delete(credential_ends).where(credential_ends.c.place.not_in(places)))
