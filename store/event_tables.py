"""The tables of events, and of the notices that were given before the ends of claims."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text, text

from store.tables import Moment, metadata

#: What happened, for others to follow. ``position`` is given to rows that are committed, so it grows as they become visible.
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("position", BigInteger),
    Column("at", Moment, nullable=False),
    Column("type", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("request_id", Text),
    Column("data", JSON, nullable=False),
)
Index("uq_events_position", events.c.position, unique=True)
#: The rows that have no position yet: few.
Index(
    "ix_events_unplaced",
    events.c.id,
    sqlite_where=text("position IS NULL"),
    postgresql_where=text("position IS NULL"),
)
Index("ix_events_at", events.c.at)

#: The notices that were given: each once for a claim and an end of it.
notices = Table(
    "notices",
    metadata,
    Column("claim_id", Text, ForeignKey("claims.id"), primary_key=True),
    Column("ends_at", Moment, primary_key=True),
    Column("before_seconds", Float, primary_key=True),
    Column("given_at", Moment, nullable=False),
)
