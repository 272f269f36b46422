"""The table of the issues whose closing ends access."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from store.tables import Moment, metadata

#: One row for each active claim that lasts until an issue is closed; ``id`` is the claim's.
awaited_issues = Table(
    "awaited_issues",
    metadata,
    Column("id", Text, ForeignKey("claims.id"), primary_key=True),
    Column("issue_key", Text, nullable=False),
    # Why the issue could not be read at the last look.
    Column("error", Text),
    Column("due_at", Moment, nullable=False),
    Column("dispatched_until", Moment),
)
Index("ix_awaited_issues_due", awaited_issues.c.due_at)
