"""Findings and the state of reconciliation in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, cast, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from access.entitlements import System
from access.findings import Difference, Finding
from access.lifecycle import LineState, RequestState
from store.finding_tables import findings, reconciliations
from store.leases import among
from store.plan_tables import plan_lines
from store.rows import from_row
from store.tables import requests


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The snapshot of a system that was compared last: its run, when that began, the policy, and what it showed."""

    system: System
    run_id: str | None
    policy: str | None
    began_at: datetime | None
    reconciled_at: datetime | None
    managed_grants: int
    people: int
    lease_until: datetime | None


class Findings:
    """Findings, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert

    # The state of reconciliation

    def reconciled(self, system: System) -> Reconciled | None:
        """What was compared last."""
        row = self._connection.execute(select(reconciliations).where(reconciliations.c.system == str(system)))
        found = row.mappings().first()
        return None if found is None else from_row(Reconciled, found)

    def take_lease(self, system: System, *, now: datetime, lasting: timedelta) -> bool:
        """Become the one who reconciles a system; whether nobody else is at it."""
        new = self._insert(reconciliations).values(system=str(system), lease_until=now + lasting)
        added = new.on_conflict_do_nothing().returning(reconciliations.c.system)
        if self._connection.execute(added).first() is not None:
            return True
        free = or_(reconciliations.c.lease_until.is_(None), reconciliations.c.lease_until <= now)
        taken = update(reconciliations).where(reconciliations.c.system == str(system), free)
        return self._connection.execute(taken.values(lease_until=now + lasting)).rowcount == 1

    def give_lease_back(self, system: System) -> None:
        """Let somebody else reconcile the system."""
        mine = update(reconciliations).where(reconciliations.c.system == str(system))
        self._connection.execute(mine.values(lease_until=None))

    def note_reconciled(self, system: System, **columns: Any) -> None:
        """Note what was compared."""
        mine = update(reconciliations).where(reconciliations.c.system == str(system))
        self._connection.execute(mine.values(columns))

    # Findings

    def add(self, new: Sequence[tuple[Difference, dict[str, Any]]], *, run_id: str, now: datetime) -> Sequence[Finding]:
        """Store differences, each with what is known of who made it, as open findings unless they are; those that are new."""
        rows = [
            {
                "kind": str(each.kind),
                "system": str(each.system),
                "key": each.key,
                "account_id": each.account_id,
                "account_title": each.account_title,
                "title": each.title,
                "detail": each.detail,
                "entitlement": None if each.entitlement is None else str(each.entitlement),
                "claim_id": each.claim_id,
                "request_id": each.request_id,
                "holder_is_group": each.group,
                "ours_at": each.ours_at,
                "first_run_id": run_id,
                "first_seen_at": now,
            }
            | known
            for each, known in new
        ]
        if not rows:
            return []
        added = self._insert(findings).on_conflict_do_nothing().returning(findings)
        return [from_row(Finding, row) for row in self._connection.execute(added, rows).mappings()]

    def open_keys(self, system: System) -> dict[tuple[str, str], int]:
        """The open findings of a system: their numbers by kind and key."""
        found = select(findings.c.kind, findings.c.key, findings.c.id).where(_OPEN, findings.c.system == str(system))
        return {(row.kind, row.key): row.id for row in self._connection.execute(found)}

    def asked_about(self, system: System, *, limit: int) -> Sequence[Finding]:
        """Open findings that the log of the system may still tell about, oldest first."""
        found = select(findings).where(_OPEN, findings.c.system == str(system), findings.c.ask_since.is_not(None))
        return self._all(found.order_by(findings.c.id).limit(limit))

    def close(self, numbers: Sequence[int], *, why: str, last_seen_at: datetime | None, now: datetime) -> None:
        """The differences are gone."""
        over = update(findings).where(findings.c.id.in_(list(numbers)), _OPEN)
        self._connection.execute(over.values(closed_at=now, closed_why=why, last_seen_at=last_seen_at))

    def get(self, number: int) -> Finding | None:
        """The finding of this number, last seen when its system was compared last while it is open."""
        return next(iter(self._all(SHOWN.where(findings.c.id == number))), None)

    def listed(
        self, *, system: str | None = None, kind: str | None = None, over: bool = False, limit: int | None = None
    ) -> Sequence[Finding]:
        """The newest findings: those that are open, or all."""
        found = SHOWN.order_by(findings.c.id.desc()).limit(limit)
        found = found if over else found.where(_OPEN)
        found = found if system is None else found.where(findings.c.system == system)
        return self._all(found if kind is None else found.where(findings.c.kind == kind))

    def count(self, *, system: str | None = None, kind: str | None = None, over: bool = False) -> int:
        """How many there are."""
        found = select(func.count()).select_from(findings)
        found = found if over else found.where(_OPEN)
        found = found if system is None else found.where(findings.c.system == system)
        found = found if kind is None else found.where(findings.c.kind == kind)
        return self._connection.execute(found).scalar_one()

    def counts(self, system: System) -> dict[str, int]:
        """How many open findings of each kind a system has."""
        found = select(findings.c.kind, func.count()).where(_OPEN, findings.c.system == str(system))
        return {row[0]: row[1] for row in self._connection.execute(found.group_by(findings.c.kind))}

    def undecided(self, system: System, *, now: datetime, again: bool, after: int, limit: int) -> Sequence[Finding]:
        """Open findings that nobody adopted or ignores, and that no plan has a line for, by number after ``after``.

        ``again``: also those whose lines have come to an end without mending them.
        """
        ended = (LineState.DONE, LineState.FAILED, LineState.DROPPED)
        line = [plan_lines.c.finding_id == _NUMBER]
        if again:
            line.append(~among(plan_lines.c.state, ended))
        found = select(findings).where(
            _OPEN,
            findings.c.system == str(system),
            findings.c.id > after,
            *_undecided(now),
            ~exists().where(*line),
        )
        return self._all(found.order_by(findings.c.id).limit(limit))

    def actionable(self, numbers: Sequence[str], *, now: datetime) -> frozenset[str]:
        """Those of these findings that are open, and that nobody adopted or ignores."""
        found = select(_NUMBER).where(
            findings.c.id.in_([int(number) for number in numbers]),
            _OPEN,
            *_undecided(now),
        )
        return frozenset(self._connection.execute(found).scalars())

    def set(self, number: int, **columns: Any) -> bool:
        """Write what a person decided about an open finding; whether it is open."""
        mine = update(findings).where(findings.c.id == number, _OPEN)
        return self._connection.execute(mine.values(columns)).rowcount == 1

    def outdated_lines(self, system: System, *, limit: int) -> Sequence[str]:
        """Waiting lines of plans whose findings are closed."""
        found = (
            select(plan_lines.c.id)
            .join(findings, plan_lines.c.finding_id == _NUMBER)
            .where(among(plan_lines.c.state, (LineState.WAITING,)), findings.c.system == str(system), ~_OPEN)
        )
        return list(self._connection.execute(found.limit(limit)).scalars())

    def _all(self, statement: Any) -> list[Finding]:
        return [from_row(Finding, row) for row in self._connection.execute(statement).mappings()]


def _undecided(now: datetime) -> list[ColumnElement[bool]]:
    """That nobody ignores or adopted it, unless the request for its adoption came to nothing."""
    refused = exists().where(
        requests.c.id == findings.c.adopted_by_request,
        among(requests.c.state, (RequestState.REFUSED, RequestState.FAILED, RequestState.WITHDRAWN)),
    )
    return [
        or_(findings.c.ignored_until.is_(None), findings.c.ignored_until <= now),
        or_(findings.c.adopted_by_request.is_(None), refused),
    ]


_OPEN = findings.c.closed_at.is_(None)
_NUMBER = cast(findings.c.id, String)
#: Findings as they are shown: one that is open was seen last when its system was compared last.
SHOWN = select(
    *(column for column in findings.c if column.name != "last_seen_at"),
    func.coalesce(findings.c.last_seen_at, reconciliations.c.began_at, type_=findings.c.first_seen_at.type).label(
        "last_seen_at"
    ),
).outerjoin(reconciliations, reconciliations.c.system == findings.c.system)
