"""The tables of snapshots: what access exists, as read from the systems.

A snapshot is a set of parts (lists), and each row belongs to the part it was read in. A new run reads new parts beside the
old ones and takes over those that cannot have changed. One step then points the system at the run, as its new snapshot.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from store.tables import Moment, metadata

sync_runs = Table(
    "sync_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("plan", JSON),
    Column("stage", Integer, nullable=False, server_default=text("-1")),
    Column("previous_run_id", Text),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("calls", Integer, nullable=False, server_default=text("0")),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("credential_of", Text),
    Column("error", Text),
    Column("due_at", Moment),
    Column("dispatched_until", Moment),
    Column("lease_until", Moment),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("state IN ('running', 'complete', 'failed')", name="state_known"),
    CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="failed_means_a_reason"),
)
Index("ix_sync_runs_due", sync_runs.c.due_at)
Index("ix_sync_runs_system", sync_runs.c.system, sync_runs.c.started_at)
#: One run per system at a time, whatever the number of schedulers.
Index(
    "uq_sync_runs_one_running",
    sync_runs.c.system,
    unique=True,
    sqlite_where=text("state = 'running'"),
    postgresql_where=text("state = 'running'"),
)

sync_shards = Table(
    "sync_shards",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", Text, ForeignKey("sync_runs.id"), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("parts", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    Column("due_at", Moment),
    Column("lease_until", Moment),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("state IN ('ready', 'done')", name="state_known"),
)
Index("ix_sync_shards_run_id", sync_shards.c.run_id, sync_shards.c.state, sync_shards.c.due_at)

parts = Table(
    "parts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("system", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("read_at", Moment, nullable=False),
    Column("rows", Integer, nullable=False, server_default=text("0")),
    Column("complete", Boolean, nullable=False, server_default=text("false")),
    # How it was read (``connectors/reading_notes.py``): evidence for certificates. None for parts of an earlier version.
    Column("facts", JSON(none_as_null=True)),
)

snapshot_parts = Table(
    "snapshot_parts",
    metadata,
    Column("run_id", Text, ForeignKey("sync_runs.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("part_id", Integer, ForeignKey("parts.id"), nullable=False),
)
Index("ix_snapshot_parts_part_id", snapshot_parts.c.part_id)

#: The current snapshot of each system.
snapshots = Table(
    "snapshots",
    metadata,
    Column("system", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("sync_runs.id"), nullable=False),
    Column("full_run_at", Moment, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("completed_at", Moment, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("part_id", Integer, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("username", Text),
    Column("email", Text),
    Column("email_source", Text),
    Column("created_at", Moment),
    Column("last_active", Moment),
    Column("attributes", JSON, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_accounts_id", accounts.c.id)
Index("ix_accounts_email", accounts.c.email)

resources = Table(
    "resources",
    metadata,
    Column("part_id", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("parent", Text),
    Column("url", Text),
    Column("attributes", JSON, nullable=False),
    sqlite_with_rowid=False,
)

Index("ix_resources_id", resources.c.id, resources.c.kind)

grants = Table(
    "grants",
    metadata,
    Column("part_id", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("principal_kind", Text, primary_key=True),
    Column("principal", Text, primary_key=True),
    Column("since", Moment),
    Column("first_seen", Moment, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_grants_principal", grants.c.principal)
#: The grants that groups hold: few rows, each of which stands for all members.
Index(
    "ix_grants_held_by_group",
    grants.c.principal,
    sqlite_where=text("principal_kind = 'group'"),
    postgresql_where=text("principal_kind = 'group'"),
)

sync_schedule = Table(
    "sync_schedule",
    metadata,
    Column("system", Text, primary_key=True),
    Column("next_at", Moment, nullable=False),
)

#: The shared rate budget: a token bucket for each system and class of endpoint, and the end of a stop the service asked for.
budgets = Table(
    "budgets",
    metadata,
    Column("system", Text, primary_key=True),
    Column("endpoint_class", Text, primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("refilled_at", Moment, nullable=False),
    Column("blocked_until", Moment),
    # The rate that was found, and since when it is in force; nothing before the first.
    Column("rate", Float),
    Column("rate_since", Moment),
)
