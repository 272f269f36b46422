"""The rate budget of each system, shared by all workers.

A token bucket for each system, and a stop for each class of endpoint. Lanes differ in how far down the bucket they may draw:
what takes access away may take the last token and owe some, grants empty it, tickets leave a quarter, reading leaves half.
So a sync uses all that flows in, and a revocation never waits behind a sync. Work that was let in may end: it may owe more.

The rate is found: it begins at the safe one, rises slowly while the budget is used and the service shows room, and falls at once
when it shows none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from access.operations import Lane
from store.snapshot_tables import budgets

#: The class of the bucket itself. Other classes have no bucket of their own, only a stop.
ALL = "*"

#: How far down each lane may draw, as a share of the bucket; negative is debt.
FLOORS = {Lane.REVOKE: -0.5, Lane.GRANT: 0.0, Lane.TICKET: 0.25, Lane.SYNC: 0.5}


#: How long the service has to show room before the rate rises, and by what share of the safe rate it rises then.
_RISES_AFTER, _RISES_BY = timedelta(seconds=10), 0.1

#: Of calls under way together that are refused, one lowers the rate.
_FALLS_AFTER = timedelta(seconds=1)

#: The least rate, as a share of the safe one: what falls has to be able to rise.
_LEAST = 0.1


@dataclass(frozen=True, slots=True)
class Allowance:
    """The size of a bucket: ``rate`` tokens a second flow in, which is known to be safe; at most ``burst`` are kept.

    ``most`` is how far the rate may rise while the service shows room, None for no further.
    """

    rate: float
    burst: float
    most: float | None = None

    def found(self, rate: float | None) -> float:
        """The rate in force, where ``rate`` is the one that was found; None where nothing was found yet."""
        return self.rate if rate is None else max(_LEAST * self.rate, min(rate, self.most or self.rate))


def _floor(lane: Lane, allowance: Allowance) -> float:
    # The smallest bucket has to hold a token for every lane.
    return min(FLOORS[lane] * allowance.burst, allowance.burst - 1)


def capacity(lane: Lane, allowance: Allowance) -> int:
    """The most tokens that a lane can find in the bucket."""
    return int(allowance.burst - _floor(lane, allowance) + 1e-9)


@dataclass(frozen=True, slots=True)
class Stop:
    """A service asked for no calls of a class before ``until``; ``since`` is when it asked, or when a call last tried."""

    system: str
    endpoint_class: str
    since: datetime
    until: datetime


class Budgets:
    """Budgets, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(
        self, system: str, lane: Lane, wanted: int, allowance: Allowance, *, now: datetime, at_least: int = 1
    ) -> tuple[int, timedelta]:
        """Take up to ``wanted`` tokens; how many were had, and how long to wait when none was.

        None rather than fewer than ``at_least``, or than the bucket can hold: who asks for many is content with these.
        """
        row = self._locked(system, allowance, now)
        rate = allowance.found(row.rate)
        flowed = max(0.0, (now - row.refilled_at).total_seconds()) * rate
        tokens = min(allowance.burst, row.tokens + flowed)
        floor = _floor(lane, allowance)
        at_least = max(1, min(at_least, capacity(lane, allowance)))
        had = min(max(wanted, at_least), int(tokens - floor + 1e-9))
        if had < at_least:
            return 0, timedelta(seconds=max(0.001, (floor + at_least - tokens) / rate))
        self._connection.execute(
            update(budgets)
            .where(*_row(system, ALL))
            # Clocks of machines differ: what has flowed in must not flow in again for one that is behind.
            .values(tokens=tokens - had, refilled_at=max(now, row.refilled_at), **_risen(row, allowance, now))
        )
        return had, timedelta(0)

    def fall(self, system: str, allowance: Allowance, *, to: float, now: datetime) -> float | None:
        """Lower the rate to this share of itself, since the service shows no room; the rate then.

        None when it fell just now: what is refused together is refused for one reason.
        """
        row = self._locked(system, allowance, now)
        if row.rate_since is not None and row.rate is not None and now < row.rate_since + _FALLS_AFTER:
            return None
        rate = allowance.found(allowance.found(row.rate) * to)
        self._connection.execute(update(budgets).where(*_row(system, ALL)).values(rate=rate, rate_since=now))
        return rate

    def rate(self, system: str, allowance: Allowance) -> float:
        """The rate in force, in calls a second."""
        found = select(budgets.c.rate).where(*_row(system, ALL))
        return allowance.found(self._connection.execute(found).scalar())

    def pieces(self, system: str, lane: Lane, allowance: Allowance, *, calls: int, now: datetime) -> int:
        """How many pieces of work of so many calls the lane could take tokens for now. Nothing is taken."""
        row = self._connection.execute(select(budgets).where(*_row(system, ALL))).first()
        rate = allowance.found(None if row is None else row.rate)
        flowed = 0.0 if row is None else max(0.0, (now - row.refilled_at).total_seconds()) * rate
        tokens = allowance.burst if row is None else min(allowance.burst, row.tokens + flowed)
        calls = max(1, min(calls, capacity(lane, allowance)))
        return max(0, int((tokens - _floor(lane, allowance) + 1e-9) / calls))

    def change(self, system: str, *, by: int) -> None:
        """Give tokens back that were not used, or take some that are owed: the bucket may hold less than nothing."""
        self._connection.execute(update(budgets).where(*_row(system, ALL)).values(tokens=budgets.c.tokens + by))

    def stop(self, system: str, endpoint_class: str, until: datetime, *, now: datetime) -> None:
        """The service asked for no calls of this class before ``until``; the later of two such moments counts."""
        self._begin(system, endpoint_class, tokens=0.0, now=now)
        self._connection.execute(
            update(budgets).where(*_row(system, endpoint_class)).values(refilled_at=now)  # nothing flows into a class
        )
        self._connection.execute(
            update(budgets)
            .where(
                *_row(system, endpoint_class),
                (budgets.c.blocked_until.is_(None)) | (budgets.c.blocked_until < until),
            )
            .values(blocked_until=until)
        )

    def stops(self, *, now: datetime) -> tuple[Stop, ...]:
        """The stops in force, of all systems."""
        statement = (
            select(budgets.c.system, budgets.c.endpoint_class, budgets.c.refilled_at, budgets.c.blocked_until)
            .where(budgets.c.blocked_until > now)
            .order_by(budgets.c.system, budgets.c.endpoint_class)
        )
        return tuple(Stop(*row) for row in self._connection.execute(statement))

    def try_again(self, system: str, endpoint_class: str, *, stopped_before: datetime, now: datetime) -> bool:
        """Whether the caller may make one call in spite of a stop, which was asked for, or last tried, by ``stopped_before``.

        Of several who ask at once, one may.
        """
        tried = self._connection.execute(
            update(budgets)
            .where(*_row(system, endpoint_class), budgets.c.refilled_at <= stopped_before)
            .values(refilled_at=now)
        )
        return tried.rowcount == 1

    def lift(self, system: str, endpoint_class: str | None = None) -> int:
        """End the stops of a system, or the one of a class; how many there were, those that had run out included."""
        statement = update(budgets).where(budgets.c.system == system, budgets.c.blocked_until.is_not(None))
        if endpoint_class is not None:
            statement = statement.where(budgets.c.endpoint_class == endpoint_class)
        return self._connection.execute(statement.values(blocked_until=None)).rowcount

    def _begin(self, system: str, endpoint_class: str, *, tokens: float, now: datetime) -> None:
        """The row of a class, if there is none yet; whoever else begins it in the same moment."""
        values = {"system": system, "endpoint_class": endpoint_class, "tokens": tokens, "refilled_at": now}
        insert = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        self._connection.execute(insert(budgets).values(values).on_conflict_do_nothing())

    def _locked(self, system: str, allowance: Allowance, now: datetime) -> Row[Any]:
        statement = select(budgets).where(*_row(system, ALL))
        if self._connection.dialect.name == "postgresql":
            statement = statement.with_for_update()
        row = self._connection.execute(statement).first()
        if row is None:
            self._begin(system, ALL, tokens=allowance.burst, now=now)
            row = self._connection.execute(statement).first()
        assert row is not None
        return row


def _risen(row: Row[Any], allowance: Allowance, now: datetime) -> dict[str, Any]:
    """The columns of a rate that rises now: the service has shown room for long enough. Rows of before begin to count."""
    rate, most = allowance.found(row.rate), allowance.most or allowance.rate
    if row.rate_since is None:
        return {"rate_since": now}
    if rate >= most or now < row.rate_since + _RISES_AFTER:
        return {}
    return {"rate": min(most, rate + _RISES_BY * allowance.rate), "rate_since": now}


def _row(system: str, endpoint_class: str) -> tuple[ColumnElement[bool], ...]:
    return budgets.c.system == system, budgets.c.endpoint_class == endpoint_class
