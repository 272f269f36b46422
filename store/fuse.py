"""What the fuse has counted, each thing once. Who counts in a scope locks the row of the scope first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from access.fuse import CLOCK
from store.finding_tables import reconciliations
from store.plan_tables import fuse_counts, fuse_scopes
from store.upsert import insert_into


class Fuse:
    """The fuse's counts, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, scope: str) -> None:
        """Let nobody else count in this scope until the transaction ends."""
        self._connection.execute(
            insert_into(fuse_scopes, self._connection).values(scope=scope).on_conflict_do_nothing()
        )
        self._connection.execute(select(fuse_scopes).where(fuse_scopes.c.scope == scope).with_for_update())

    def seen_at(self) -> datetime | None:
        """When a process was last at work."""
        return self._connection.execute(select(fuse_scopes.c.seen_at).where(fuse_scopes.c.scope == CLOCK)).scalar()

    def see(self, *, now: datetime) -> None:
        """A process is at work. The transaction holds the scope ``CLOCK``."""
        self._connection.execute(update(fuse_scopes).where(fuse_scopes.c.scope == CLOCK).values(seen_at=now))

    def begun(self, scope: str, *, since: datetime) -> Sequence[datetime]:
        """When what was counted later than ``since`` began, or will begin."""
        found = select(fuse_counts.c.at).where(fuse_counts.c.scope == scope, fuse_counts.c.at > since)
        return list(self._connection.execute(found).scalars())

    def begins_at(self, scope: str, ref: str) -> datetime | None:
        """When this may begin; None when it was not counted."""
        found = select(fuse_counts.c.at).where(fuse_counts.c.scope == scope, fuse_counts.c.ref == ref)
        return self._connection.execute(found).scalar()

    def used(self, scope: str, *, since: datetime, now: datetime) -> int:
        """How much began later than ``since``. What a clock that was ahead has counted does not count before its time."""
        within = (fuse_counts.c.at > since, fuse_counts.c.at <= now)
        found = select(func.count()).select_from(fuse_counts).where(fuse_counts.c.scope == scope, *within)
        return self._connection.execute(found).scalar_one()

    def count(self, scope: str, refs: Sequence[str], *, at: datetime) -> None:
        """Count these, which begin then. What was counted before stays as it is."""
        if refs:
            rows = [{"scope": scope, "ref": ref, "at": at} for ref in refs]
            self._connection.execute(insert_into(fuse_counts, self._connection).on_conflict_do_nothing(), rows)

    def held(self, scope: str, *, now: datetime, limit: int | None = None) -> Sequence[str]:
        """What may begin later only, in that order."""
        found = select(fuse_counts.c.ref).where(fuse_counts.c.scope == scope, fuse_counts.c.at > now)
        return list(self._connection.execute(found.order_by(fuse_counts.c.at).limit(limit)).scalars())

    def let_begin(self, scope: str, *, now: datetime) -> None:
        """Let begin now whatever may begin later only."""
        later = update(fuse_counts).where(fuse_counts.c.scope == scope, fuse_counts.c.at > now)
        self._connection.execute(later.values(at=now))

    def forget(self, scope: str, refs: Sequence[str]) -> None:
        """These will not begin."""
        gone = delete(fuse_counts).where(fuse_counts.c.scope == scope, fuse_counts.c.ref.in_(list(refs)))
        self._connection.execute(gone)

    def forget_before(self, moment: datetime) -> None:
        """Forget what began before that: no window reaches so far back."""
        self._connection.execute(delete(fuse_counts).where(fuse_counts.c.at < moment))

    def grants(self, system: str) -> int:
        """How many managed grants a system had when it was compared last; 0 before that."""
        found = select(reconciliations.c.managed_grants).where(reconciliations.c.system == system)
        return self._connection.execute(found).scalar() or 0

    def people(self) -> int:
        """How many people there are: the accounts of people in the system that had most of them when it was compared last."""
        return self._connection.execute(select(func.max(reconciliations.c.people))).scalar() or 0
