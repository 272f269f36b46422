"""The ledger in the store: what removals waited for, and the times in which access was held past due or missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)

from access.entitlements import EntitlementRef, System
from access.ledger import Cause, Ended, Mark, Overstay, SeenBy, Understay, Wait, Whose, waits_of
from access.lifecycle import ClaimState
from access.methods import Direction
from access.operations import Purpose
from access.snapshots import Snapshot
from store.leases import among
from store.ledger_tables import losses, overstays, removal_waits, understays
from store.operations import ALIVE
from store.outbox import Topic
from store.queries.explanations import has_through_group
from store.queries.parts import entitlement, in_snapshot, named
from store.rows import from_row, to_row
from store.snapshot_tables import grants, parts, snapshots
from store.tables import claims, operations, requests, restores

_US = timedelta(microseconds=1)

# Built once: see ``store/leases.py``.
_LAST_CAUSE = (
    select(removal_waits.c.cause)
    .where(removal_waits.c.topic == bindparam("this_topic"), removal_waits.c.ref == bindparam("this_ref"))
    .order_by(removal_waits.c.id.desc())
    .limit(1)
)
_SINCE = bindparam("this_moment", type_=removal_waits.c.since.type)
#: A mark is written only where the cause is another than before; no mark is the same as the last cause of all.
_MARK = removal_waits.insert().from_select(
    ["topic", "ref", "cause", "since"],
    select(
        bindparam("this_topic", type_=removal_waits.c.topic.type),
        bindparam("this_ref", type_=removal_waits.c.ref.type),
        bindparam("this_cause", type_=removal_waits.c.cause.type),
        _SINCE,
    ).where(
        func.coalesce(_LAST_CAUSE.scalar_subquery(), str(Cause.UNSEEN))
        != bindparam("this_cause", type_=removal_waits.c.cause.type)
    ),
)
_LAST_UNTIL = select(func.max(overstays.c.until)).where(overstays.c.access_key == bindparam("this_key"))


class Ledger:
    """The ledger, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def mark(self, topic: Topic, ref: str, cause: Cause, *, since: datetime) -> None:
        """From ``since`` on this request or operation that takes access away waits for ``cause``."""
        values = {"this_topic": str(topic), "this_ref": ref, "this_cause": str(cause), "this_moment": since}
        self._connection.execute(_MARK, values)

    def waits(self, *, operation_ids: Collection[str], request_ids: Collection[str], since: datetime) -> Sequence[Wait]:
        """What these operations and requests waited for, and the restores that lasted since then."""
        from_marks = select(removal_waits).where(
            or_(
                and_(removal_waits.c.topic == str(Topic.OPERATION), removal_waits.c.ref.in_(operation_ids)),
                and_(removal_waits.c.topic == str(Topic.REQUEST), removal_waits.c.ref.in_(request_ids)),
            )
        )
        rows = self._connection.execute(from_marks.order_by(removal_waits.c.id)).mappings()
        marks = [Mark(f"{row['topic']} {row['ref']}", Cause(row["cause"]), row["since"]) for row in rows]
        lasted = select(restores.c.began_at, restores.c.ended_at).where(
            or_(restores.c.ended_at.is_(None), restores.c.ended_at > since)
        )
        restoring = [Wait(Cause.PERSON, row.began_at, row.ended_at) for row in self._connection.execute(lasted)]
        return [*waits_of(marks), *restoring]

    def asked_at(self, operation_ids: Collection[str]) -> dict[str, datetime]:
        """When the requests came in to which these operations belong, by the operations; those of expiries are left out."""
        found = (
            select(operations.c.id, requests.c.received_at)
            .join(requests, requests.c.id == operations.c.request_id)
            .where(operations.c.id.in_(operation_ids), operations.c.purpose == str(Purpose.REQUEST))
        )
        return {row.id: row.received_at for row in self._connection.execute(found)}

    def last_until(self, key: str) -> datetime | None:
        """Until when the ledger has told of this access."""
        return self._connection.execute(_LAST_UNTIL, {"this_key": key}).scalar()

    def shown_at(self, system: System, ref: EntitlementRef, account_id: str) -> datetime | None:
        """When the list was read that last showed this account to hold the entitlement, of those that are kept."""
        found = select(func.max(parts.c.read_at)).join(grants, grants.c.part_id == parts.c.id)
        found = found.where(
            grants.c.principal == account_id,
            grants.c.principal_kind == "account",
            entitlement(named(str(system)), grants.c.kind, grants.c.resource) == str(ref),
            parts.c.system == str(system),
            parts.c.complete.is_(True),
        )
        return self._connection.execute(found).scalar()

    def overdue_keys(self, *, now: datetime) -> Sequence[str]:
        """The accesses that may be held past due: whose claims are over, or that requests are to take away."""
        over = and_(among(claims.c.state, (ClaimState.ACTIVE,)), claims.c.due_at <= now)
        ending = select(claims.c.access_key).where(or_(among(claims.c.state, (ClaimState.ENDING,)), over))
        asked = select(operations.c.access_key).where(
            operations.c.direction == str(Direction.TAKE), among(operations.c.state, ALIVE)
        )
        return sorted(self._connection.execute(ending.union(asked)).scalars())

    def snapshots(self) -> Sequence[Snapshot]:
        """The current snapshots."""
        return [from_row(Snapshot, row) for row in self._connection.execute(select(snapshots)).mappings()]

    def missing_in_snapshot(self, system: System, *, claimed_before: datetime) -> Sequence[str]:
        """The accesses that active claims stand on since before a moment, and that the current snapshot does not show.

        Snapshots do not show what Provisor has by claims on accounts themselves.
        """
        found = (
            select(claims.c.access_key)
            .distinct()
            .where(
                among(claims.c.state, (ClaimState.ACTIVE,)),
                claims.c.system == str(system),
                claims.c.starts_at < claimed_before,
                claims.c.entitlement.not_like("%:account:exists"),
                # Two conditions, as a database joins each by itself, and not both in one.
                ~_is_held(system, claims.c.account_id, claims.c.entitlement),
                ~_comes_with_a_group(system, claims.c.account_id, claims.c.entitlement),
            )
        )
        return list(self._connection.execute(found).scalars())

    def back_in_snapshot(self, system: System, *, lost_before: datetime) -> Sequence[str]:
        """The accesses that were missing since before a moment, and that the current snapshot shows."""
        found = (
            select(losses.c.access_key)
            .join(claims, claims.c.id == losses.c.claim_id)
            .where(
                losses.c.since < lost_before,
                claims.c.system == str(system),
                or_(
                    _is_held(system, claims.c.account_id, claims.c.entitlement),
                    _comes_with_a_group(system, claims.c.account_id, claims.c.entitlement),
                ),
            )
        )
        return list(self._connection.execute(found).scalars())

    def add(self, overstay: Overstay) -> None:
        """Write a time down that is over."""
        values = {f"{cause}_us": lasted // _US for cause, lasted in overstay.causes.items()}
        times = {"since": overstay.since, "until": overstay.until, "ended": str(overstay.ended)}
        times |= {"total_us": overstay.total // _US, "bound_us": overstay.bound // _US}
        self._connection.execute(overstays.insert().values(_whose(overstay.whose) | times | values))

    def open_loss(self, key: str, claim_id: str, *, since: datetime, bound: timedelta, seen_by: SeenBy) -> bool:
        """Note that claimed access is missing; whether that was not known yet."""
        known = select(literal(1)).where(losses.c.access_key == key)
        if self._connection.execute(known).first() is not None:
            return False
        values = {"access_key": key, "claim_id": claim_id, "since": since, "bound_us": bound // _US}
        self._connection.execute(losses.insert().values(values | {"seen_by": str(seen_by)}))
        return True

    def end_loss(self, key: str) -> RowMapping | None:
        """The access is not missing any more; what was known of that, None when nothing was."""
        ended = delete(losses).where(losses.c.access_key == key).returning(losses)
        return self._connection.execute(ended).mappings().first()

    def losses(self) -> Sequence[RowMapping]:
        """All accesses that are missing now, oldest first."""
        return self._connection.execute(select(losses).order_by(losses.c.since)).mappings().all()

    def add_understay(self, understay: Understay) -> None:
        """Write a time down that is over."""
        values = _whose(understay.whose)
        values.pop("operation_id")
        values |= {name: getattr(understay, name) for name in ("since", "until", "ended")}
        values |= {"seen_by": str(understay.seen_by), "bound_us": understay.bound // _US}
        self._connection.execute(understays.insert().values(values | {"total_us": understay.total // _US}))

    def overstays(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[Overstay]:
        """The times past due that ended within this window, oldest first."""
        for row in self._within(overstays, since, until):
            causes = {cause: row[f"{cause}_us"] * _US for cause in Cause}
            yield Overstay(
                from_row(Whose, row), row["since"], row["until"], causes, row["bound_us"] * _US, Ended(row["ended"])
            )

    def understays(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[Understay]:
        """The times of missing access that ended within this window, oldest first."""
        for row in self._within(understays, since, until):
            seen_by, bound = SeenBy(row["seen_by"]), row["bound_us"] * _US
            whose = from_row(Whose, {**row, "operation_id": None})
            yield Understay(whose, row["since"], row["until"], seen_by, bound, row["ended"])

    def _within(self, table: Table, since: datetime | None, until: datetime | None) -> Iterator[RowMapping]:
        found = select(table).order_by(table.c.until, table.c.id)
        if since is not None:
            found = found.where(table.c.until >= since)
        if until is not None:
            found = found.where(table.c.until < until)
        yield from self._connection.execute(found).mappings()


def _is_held(system: System, account_id: ColumnElement[Any], ref: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the current snapshot shows that the account holds the entitlement directly: found by the account's index."""
    of = named(str(system))
    return exists().where(
        grants.c.principal == account_id,
        grants.c.principal_kind == "account",
        entitlement(of, grants.c.kind, grants.c.resource) == ref,
        in_snapshot(grants.c.part_id, of),
    )


def _comes_with_a_group(system: System, account_id: ColumnElement[Any], ref: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the entitlement is an application, and the current snapshot shows that a group of the account has it."""
    of = named(str(system))
    through = has_through_group(account_id, lambda a: entitlement(of, a.c.kind, a.c.resource) == ref, of)
    return and_(ref.like("%:application:%"), through)


def _whose(whose: Whose) -> dict[str, Any]:
    return to_row(whose) | {"system": str(whose.entitlement.system)}
