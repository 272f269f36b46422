"""The table of people who have left, or seem to have."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from access.leavers import LeaverKind
from access.lifecycle import LeaverState
from store.tables import Moment, metadata, one_of

leavers = Table(
    "leavers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("noticed_at", Moment, nullable=False),
    Column("read_at", Moment),
    Column("left_at", Moment),
    Column("ended_at", Moment),
    Column("due_at", Moment),
    Column("evidence", Text),
    Column("why", Text),
    Column("maker", Text),
    Column("reason", Text),
    Column("was", Text),
    CheckConstraint(one_of("kind", LeaverKind), name="kind_known"),
    CheckConstraint(one_of("state", LeaverState), name="state_known"),
    CheckConstraint("state NOT IN ('seen', 'left') OR kind = 'asked' OR read_at IS NOT NULL", name="seen_means_read"),
    CheckConstraint("state <> 'left' OR left_at IS NOT NULL", name="left_means_when"),
    CheckConstraint("kind <> 'asked' OR (maker IS NOT NULL AND reason IS NOT NULL)", name="asked_means_by_whom"),
)
Index("ix_leavers_due_at", leavers.c.due_at)
#: A person leaves once at a time.
Index(
    "uq_leavers_person",
    leavers.c.person,
    unique=True,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)
