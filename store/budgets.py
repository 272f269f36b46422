"""The rate budget of each system, shared by all workers.

A token bucket per system, and a stop per class of endpoint. Lanes differ in how far down the bucket they may draw: what
takes access away may take the last token and owe some, grants leave a little, reading leaves half. So a sync uses all that
flows in and a revocation never waits behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from access.operations import Lane
from store.snapshot_tables import budgets

#: The class every call counts against, besides stops of its own class.
ALL = "*"

#: How far down each lane may draw, as a share of the bucket; negative is debt.
FLOORS = {Lane.REVOKE: -0.5, Lane.GRANT: 0.0, Lane.TICKET: 0.25, Lane.SYNC: 0.5}


@dataclass(frozen=True, slots=True)
class Allowance:
    """The size of a bucket: ``rate`` tokens a second flow in, at most ``burst`` are kept."""

    rate: float
    burst: float


class Budgets:
    """Budgets, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(
        self, system: str, lane: Lane, wanted: int, allowance: Allowance, *, now: datetime
    ) -> tuple[int, timedelta]:
        """Take up to ``wanted`` tokens; how many were had, and how long to wait when none was.

        At least one token or none: who asks for many is content with fewer.
        """
        row = self._locked(system, allowance, now)
        flowed = max(0.0, (now - row.refilled_at).total_seconds()) * allowance.rate
        tokens = min(allowance.burst, row.tokens + flowed)
        # The smallest bucket has to hold a token for every lane.
        floor = min(FLOORS[lane] * allowance.burst, allowance.burst - 1)
        had = min(wanted, int(tokens - floor + 1e-9))
        if had < 1:
            return 0, timedelta(seconds=max(0.001, (floor + 1 - tokens) / allowance.rate))
        self._connection.execute(
            update(budgets)
            .where(budgets.c.system == system, budgets.c.endpoint_class == ALL)
            # Clocks of machines differ: what has flowed in must not flow in again for one that is behind.
            .values(tokens=tokens - had, refilled_at=max(now, row.refilled_at))
        )
        return had, timedelta(0)

    def stop(self, system: str, endpoint_class: str, until: datetime, *, now: datetime) -> None:
        """The service asked for no calls of this class before ``until``; the later of two such moments counts."""
        self._begin(system, endpoint_class, tokens=0.0, now=now)
        self._connection.execute(
            update(budgets)
            .where(
                budgets.c.system == system,
                budgets.c.endpoint_class == endpoint_class,
                (budgets.c.blocked_until.is_(None)) | (budgets.c.blocked_until < until),
            )
            .values(blocked_until=until)
        )

    def stops(self, system: str, *, now: datetime) -> dict[str, datetime]:
        """The stops in force, by class of endpoint."""
        statement = select(budgets.c.endpoint_class, budgets.c.blocked_until).where(
            budgets.c.system == system, budgets.c.blocked_until > now
        )
        return {row.endpoint_class: row.blocked_until for row in self._connection.execute(statement)}

    def _begin(self, system: str, endpoint_class: str, *, tokens: float, now: datetime) -> None:
        """The row of a class, if there is none yet; whoever else begins it in the same moment."""
        values = {"system": system, "endpoint_class": endpoint_class, "tokens": tokens, "refilled_at": now}
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        self._connection.execute(insert(budgets).values(values).on_conflict_do_nothing())

    def _locked(self, system: str, allowance: Allowance, now: datetime) -> Row[Any]:
        statement = select(budgets).where(budgets.c.system == system, budgets.c.endpoint_class == ALL)
        if self._connection.dialect.name == "postgresql":
            statement = statement.with_for_update()
        row = self._connection.execute(statement).first()
        if row is None:
            self._begin(system, ALL, tokens=allowance.burst, now=now)
            row = self._connection.execute(statement).first()
        assert row is not None
        return row
