"""Restores: times in which an older database was put back, and what its snapshots showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Text, delete, exists, func, insert, literal, or_, select, update

from access.entitlements import System
from access.operations import Operation
from store.queries.parts import current_parts, entitlement, named
from store.rows import from_row, to_row
from store.snapshot_tables import grants, snapshots
from store.tables import audit, lost_tickets, operations, requests, restored_accesses, restores, tickets


@dataclass(frozen=True, slots=True)
class LostTicket:
    """A ticket of ours that a restored database did not know, as the ticketing system showed it at ``seen_at``.

    ``direction`` is empty where the ticket does not say whether it asks to give or to take, ``account_id`` where it names none.
    """

    marker: str
    request_id: str
    direction: str
    entitlement: str
    account_id: str
    project: str
    issue_key: str
    issue_url: str
    phase: str
    status: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Restore:
    """One time in which an older database was put back.

    - ``backup_at``: the last moment that the backup knows; None when it knows none.
    - ``after_sequence``, ``last_sequence``: the requests that came in meanwhile are those after the first, up to the last.
    - ``systems``: those whose snapshot the backup had.
    """

    id: int
    backup_at: datetime | None
    began_at: datetime
    ended_at: datetime | None
    after_sequence: int
    last_sequence: int | None
    systems: tuple[str, ...]


_UNDER_WAY = select(literal(1)).where(restores.c.ended_at.is_(None)).limit(1)
_LAST_SEQUENCE = select(func.coalesce(func.max(requests.c.sequence), 0)).scalar_subquery()


class Restores:
    """Restores, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def latest(self) -> Restore | None:
        """The latest restore, over or not."""
        row = self._connection.execute(select(restores).order_by(restores.c.id.desc()).limit(1)).mappings().first()
        return None if row is None else from_row(Restore, row)

    def under_way(self) -> bool:
        """Whether no access may be changed now."""
        return self._connection.execute(_UNDER_WAY).first() is not None

    def begin(self, *, now: datetime) -> None:
        """Begin a restore: keep what the snapshots show, since the next ones replace them."""
        self._connection.execute(delete(restored_accesses))
        systems = list(self._connection.execute(select(snapshots.c.system).order_by(snapshots.c.system)).scalars())
        for system in systems:
            shown = direct_accesses(System(system))
            self._connection.execute(insert(restored_accesses).from_select(["access_key"], shown))
        values = {
            "backup_at": select(func.max(audit.c.at)).scalar_subquery(),
            "began_at": now,
            "after_sequence": _LAST_SEQUENCE,
            "systems": systems,
        }
        self._connection.execute(insert(restores).values(values))

    def end(self, restore_id: int, *, now: datetime) -> None:
        """Access may be changed again."""
        ended = update(restores).where(restores.c.id == restore_id, restores.c.ended_at.is_(None))
        self._connection.execute(ended.values(ended_at=now, last_sequence=_LAST_SEQUENCE))

    def count_handed_in(self, restore: Restore) -> int:
        """How many requests came in meanwhile that the backup did not know."""
        found = select(func.count()).select_from(requests).where(requests.c.sequence > restore.after_sequence)
        if restore.last_sequence is not None:
            found = found.where(requests.c.sequence <= restore.last_sequence)
        return self._connection.execute(found).scalar_one()

    def keep_lost(self, found: Sequence[LostTicket]) -> None:
        """Keep the tickets that the store does not know; of those that it keeps already, how they stand now."""
        markers = [each.marker for each in found]
        known = set(self._connection.execute(select(tickets.c.marker).where(tickets.c.marker.in_(markers))).scalars())
        rows = [to_row(each) for each in found if each.marker not in known]
        kept = [row["marker"] for row in rows]
        self._connection.execute(delete(lost_tickets).where(lost_tickets.c.marker.in_(kept)))
        if rows:
            self._connection.execute(insert(lost_tickets), rows)

    def lost_tickets(self) -> Sequence[tuple[LostTicket, str | None, str | None]]:
        """The tickets that were lost, by their keys, with the states of their request and operation where they are known now."""
        statement = (
            select(lost_tickets, requests.c.state.label("request_state"), operations.c.state.label("operation_state"))
            .outerjoin(requests, requests.c.id == lost_tickets.c.request_id)
            .outerjoin(tickets, tickets.c.marker == lost_tickets.c.marker)
            .outerjoin(operations, operations.c.id == tickets.c.operation_id)
            .order_by(func.length(lost_tickets.c.issue_key), lost_tickets.c.issue_key)
        )
        rows = self._connection.execute(statement).mappings()
        return [(from_row(LostTicket, row), row["request_state"], row["operation_state"]) for row in rows]

    def lost_ticket_of(self, operation: Operation) -> LostTicket | None:
        """The ticket that was lost, asks for the very same as this operation, and is nobody's yet."""
        found = select(lost_tickets).where(
            lost_tickets.c.request_id == operation.request_id,
            lost_tickets.c.direction == str(operation.direction),
            lost_tickets.c.entitlement == str(operation.entitlement),
            lost_tickets.c.account_id == (operation.account_id or ""),
            ~exists().where(tickets.c.marker == lost_tickets.c.marker),
        )
        # The last that was made counts: the others were closed, or could not be reopened.
        newest = found.order_by(func.length(lost_tickets.c.issue_key).desc(), lost_tickets.c.issue_key.desc()).limit(1)
        row = self._connection.execute(newest).mappings().first()
        return None if row is None else from_row(LostTicket, row)

    def explains(self, request_id: str, access_key: str) -> bool:
        """Whether a request may have given the access in the lost time, which was not there when the backup was made.

        It came in during a restore, or was open in the backup, and was to begin before that restore. The caller knows that it is
        not done yet.
        """
        lost = exists().where(
            requests.c.id == request_id,
            or_(restores.c.last_sequence.is_(None), restores.c.last_sequence >= requests.c.sequence),
            or_(requests.c.starts_at.is_(None), requests.c.starts_at <= restores.c.began_at),
        )
        was_there = exists().where(restored_accesses.c.access_key == access_key)
        return bool(self._connection.execute(select(lost & ~was_there)).scalar())


def direct_accesses(system: System) -> Select[Any]:
    """The keys of the accesses that accounts hold directly, in the current snapshot of a system."""
    of = named(str(system))
    key = grants.c.principal + literal(" ", Text) + entitlement(of, grants.c.kind, grants.c.resource)
    return (
        select(key.label("access_key"))
        .where(grants.c.part_id.in_(current_parts(of)), grants.c.principal_kind == "account")
        .distinct()
    )
