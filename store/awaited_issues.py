"""Issues whose closing ends access, in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from store.issue_tables import awaited_issues
from store.rows import from_row


@dataclass(frozen=True, slots=True)
class AwaitedIssue:
    """The issue that the claim ``id`` waits for. ``error`` is why it could not be read at the last look."""

    id: str
    issue_key: str
    due_at: datetime
    error: str | None = None


class AwaitedIssues:
    """Issues whose closing ends access, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, claim_id: str, issue_key: str, *, now: datetime) -> None:
        """Look at an issue from now on, for a claim."""
        self._connection.execute(awaited_issues.insert().values(id=claim_id, issue_key=issue_key, due_at=now))

    def get(self, claim_id: str) -> AwaitedIssue | None:
        """The issue that a claim waits for."""
        row = self._connection.execute(select(awaited_issues).where(awaited_issues.c.id == claim_id)).mappings().first()
        return None if row is None else from_row(AwaitedIssue, row)

    def take_due(self, *, now: datetime, again_after: timedelta, limit: int) -> Sequence[AwaitedIssue]:
        """Up to ``limit`` issues that are due; each is due again after ``again_after``, whatever becomes of this look."""
        due = (
            select(awaited_issues.c.id)
            .where(awaited_issues.c.due_at <= now)
            .order_by(awaited_issues.c.due_at)
            .limit(limit)
        )
        if self._connection.dialect.name == "postgresql":
            due = due.with_for_update(skip_locked=True)
        statement = (
            update(awaited_issues)
            .where(awaited_issues.c.id.in_(due))
            .values(due_at=now + again_after, dispatched_until=None)
            .returning(awaited_issues)
        )
        return [from_row(AwaitedIssue, row) for row in self._connection.execute(statement).mappings()]

    def note(self, claim_id: str, error: str | None) -> None:
        """Keep why the issue could not be read; None when it was."""
        self._connection.execute(update(awaited_issues).where(awaited_issues.c.id == claim_id).values(error=error))

    def remove(self, claim_id: str) -> None:
        """Look at the claim's issue no more."""
        self._connection.execute(delete(awaited_issues).where(awaited_issues.c.id == claim_id))
