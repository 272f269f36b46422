"""The tables of faults, of the rows that wait for their end, and of alarms."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from access.faults import Scope
from store.tables import Moment, metadata, one_of

faults = Table(
    "faults",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("place", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("met_at", Moment, nullable=False),
    Column("shared_at", Moment),
    Column("next_test_at", Moment),
    Column("tests", Integer, nullable=False, server_default=text("0")),
    CheckConstraint(one_of("scope", Scope), name="scope_known"),
)
Index("uq_faults_key", faults.c.place, faults.c.scope, faults.c.name, unique=True)

#: A row waits for the end of one fault at most: the one that it met last.
fault_rows = Table(
    "fault_rows",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("fault_id", Integer, ForeignKey("faults.id"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("since", Moment, nullable=False),
    CheckConstraint("topic IN ('request', 'operation')", name="topic_known"),
)
Index("ix_fault_rows_fault_id", fault_rows.c.fault_id)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("raised_at", Moment, nullable=False),
    Column("closed_at", Moment),
    CheckConstraint(
        "kind IN ('fault', 'blocked', 'late', 'held', 'unsaid', 'left_open', 'untracked', "
        "'settings', 'credential', 'contradicted')",
        name="kind_known",
    ),
    CheckConstraint(
        "entity IN ('fault', 'request', 'operation', 'plan', 'producer', 'ticket', 'settings', 'credential', 'place')",
        name="entity_known",
    ),
)
#: One alarm for one cause at a time.
Index(
    "uq_alarms_open",
    alarms.c.kind,
    alarms.c.entity,
    alarms.c.ref,
    unique=True,
    sqlite_where=text("closed_at IS NULL"),
    postgresql_where=text("closed_at IS NULL"),
)
