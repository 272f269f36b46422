"""The tables of plans with their lines, and of what the fuse has counted."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, false, text

from access.lifecycle import LineState, PlanState
from access.plans import PlanKind
from access.reactions import Reaction
from store.tables import Moment, metadata, one_of

plans = Table(
    "plans",
    metadata,
    Column("id", Text, primary_key=True),
    # The number within the id.
    Column("sequence", Integer, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("maker", Text),
    Column("made_at", Moment, nullable=False),
    Column("automatic", Boolean, nullable=False, server_default=false()),
    Column("person", Text),
    Column("certificate", JSON, nullable=False),
    Column("approved_by", Text),
    Column("approved_why", Text),
    Column("approved_at", Moment),
    Column("self_approved", Boolean, nullable=False, server_default=false()),
    Column("beyond_fuse", Boolean, nullable=False, server_default=false()),
    Column("held_why", Text),
    Column("approver_said", Text),
    CheckConstraint(one_of("state", PlanState), name="state_known"),
    CheckConstraint(one_of("kind", PlanKind), name="kind_known"),
    CheckConstraint(
        "state <> 'approved' OR (approved_by IS NOT NULL AND approved_why IS NOT NULL AND approved_at IS NOT NULL)",
        name="approved_means_by_somebody",
    ),
    CheckConstraint("state <> 'held' OR held_why IS NOT NULL", name="held_means_a_reason"),
)
Index("ix_plans_state", plans.c.state)

plan_lines = Table(
    "plan_lines",
    metadata,
    # The id of the plan and the number of the line, which is the id of the line's request too.
    Column("id", Text, primary_key=True),
    Column("plan_id", Text, ForeignKey("plans.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("reaction", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("account_title", Text, nullable=False),
    Column("entitlement", Text),
    Column("title", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("finding_id", Text),
    Column("claim_id", Text),
    Column("weight", Integer, nullable=False, server_default=text("0")),
    Column("ends_at", Moment),
    Column("state", Text, nullable=False),
    Column("request_id", Text, ForeignKey("requests.id"), unique=True),
    Column("note", Text),
    CheckConstraint(one_of("state", LineState), name="state_known"),
    CheckConstraint(one_of("reaction", Reaction), name="reaction_known"),
    CheckConstraint("state NOT IN ('begun', 'failed') OR request_id IS NOT NULL", name="begun_means_a_request"),
    CheckConstraint(
        "reaction NOT IN ('take', 'give', 'ticket') OR entitlement IS NOT NULL", name="access_means_an_entitlement"
    ),
)
Index("uq_plan_lines_number", plan_lines.c.plan_id, plan_lines.c.number, unique=True)
Index("ix_plan_lines_state", plan_lines.c.plan_id, plan_lines.c.state, plan_lines.c.weight)
Index(
    "ix_plan_lines_finding_id",
    plan_lines.c.finding_id,
    sqlite_where=text("finding_id IS NOT NULL"),
    postgresql_where=text("finding_id IS NOT NULL"),
)
#: At most one line that may still ask for something is about a finding, so that no two tickets are.
_LIVES = "finding_id IS NOT NULL AND state IN ('waiting', 'begun')"
Index(
    "uq_plan_lines_finding",
    plan_lines.c.finding_id,
    unique=True,
    sqlite_where=text(_LIVES),
    postgresql_where=text(_LIVES),
)

#: A row for each scope of the fuse: who counts in it locks its row first.
#: The row ``clock`` has the moment when a process was last at work.
fuse_scopes = Table("fuse_scopes", metadata, Column("scope", Text, primary_key=True), Column("seen_at", Moment))

#: What was counted, each once, and when it may begin: a revoke of a producer that is held begins later.
fuse_counts = Table(
    "fuse_counts",
    metadata,
    Column("scope", Text, ForeignKey("fuse_scopes.scope"), primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)
Index("ix_fuse_counts_at", fuse_counts.c.scope, fuse_counts.c.at)
