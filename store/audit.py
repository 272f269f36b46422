"""The audit trail: a row for each change, in the same transaction as the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from access import actors
from access.seals import written
from store.events import Events, rows_from_audit
from store.rows import from_row
from store.tables import audit

# Built once: see ``store/leases.py``.
_INSERT = audit.insert()


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what to which, when. The actor is one of ``access.actors``; what a sender says of itself is in the detail."""

    at: datetime
    actor: str
    event: str
    entity: str
    entity_id: str
    request_id: str | None
    detail: dict[str, Any]


def row_facts(number: int, row: AuditRow) -> dict[str, Any]:
    """A row as JSON has it, and as it is sealed: its canonical form is what is hashed."""
    return {
        "number": number,
        "at": written(row.at),
        "actor": row.actor,
        "event": row.event,
        "entity": row.entity,
        "entity_id": row.entity_id,
        "request_id": row.request_id,
        "detail": row.detail,
    }


class Audit:
    """The trail, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[dict[str, Any]] = []

    def record(
        self, event: str, entity: str, entity_id: str, *, now: datetime, request_id: str | None = None, **detail: Any
    ) -> None:
        """Note one change. ``flush`` writes the rows of a transaction in one statement, when the transaction ends.

        ``actor`` in the detail is one of ``access.actors``, Provisor itself where it is left out. Raises ``ValueError`` else.
        """
        actor = str(detail.pop("actor", actors.PROVISOR))
        if not actors.is_known(actor):
            raise ValueError(f"'{actor}' is no actor of the audit trail. Make one with access.actors.")
        self._rows.append(
            {
                "at": now,
                "actor": actor,
                "event": event,
                "entity": entity,
                "entity_id": entity_id,
                "request_id": request_id,
                "detail": {name: value for name, value in detail.items() if value is not None},
            }
        )

    def flush(self) -> None:
        """Write the noted rows, and the events that they tell of."""
        if self._rows:
            self._connection.execute(_INSERT, self._rows)
            Events(self._connection).add(rows_from_audit(self._rows))
            self._rows = []

    def of_request(self, request_id: str) -> Sequence[AuditRow]:
        """A request's trail, oldest first."""
        statement = select(audit).where(audit.c.request_id == request_id).order_by(audit.c.id)
        return [from_row(AuditRow, row) for row in self._connection.execute(statement).mappings()]

    def after(self, number: int, *, limit: int = 1000) -> Sequence[tuple[int, AuditRow]]:
        """The rows after row ``number`` (0: from the first) with their numbers, oldest first: to follow what happens."""
        statement = select(audit).where(audit.c.id > number).order_by(audit.c.id).limit(limit)
        return [(row["id"], from_row(AuditRow, row)) for row in self._connection.execute(statement).mappings()]
