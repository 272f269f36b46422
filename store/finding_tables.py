"""The tables of reconciliation: what is managed, what was there before, and what differs."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, false, text

from access.findings import FindingKind, Profile
from store.tables import Moment, metadata, one_of

#: The resources on which access that nothing explains is a finding. Those without ``baseline_at`` have no baseline yet.
managed = Table(
    "managed",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("system", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("entitlement", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("auto", Boolean, nullable=False),
    Column("ticket", Boolean, nullable=False),
    # Whether the newest snapshot does not show the resource.
    Column("gone", Boolean, nullable=False, server_default=false()),
    # Who answers for it, by policy.
    Column("owner", Text),
    # Of a Jira group: the JumpCloud group that fills it, by its id.
    Column("fed_by", Text),
    # Of a Jira group: whether new accounts of a product are put into it by Jira itself.
    Column("of_product", Boolean, nullable=False, server_default=false()),
    Column("baseline_run_id", Text),
    Column("baseline_at", Moment),
    CheckConstraint(one_of("profile", Profile), name="profile_known"),
)
Index("uq_managed_resource", managed.c.system, managed.c.kind, managed.c.resource, unique=True)
Index("uq_managed_entitlement", managed.c.entitlement, unique=True)

#: Who held a managed resource in its first complete snapshot, or was given it by the system's own (``cause``), and has held it
#: ever since. ``doubted_at``: since when it is not seen, where so many went at once that a wrong answer is likelier than that
#: all of them are gone.
baseline = Table(
    "baseline",
    metadata,
    Column("managed_id", Integer, ForeignKey("managed.id"), primary_key=True),
    Column("holder_kind", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("doubted_at", Moment),
    # What of the system's own gave it after that, as a clause: it is explained as long as it lasts.
    Column("cause", Text),
    sqlite_with_rowid=False,
)
Index(
    "ix_baseline_doubted_at",
    baseline.c.doubted_at,
    sqlite_where=text("doubted_at IS NOT NULL"),
    postgresql_where=text("doubted_at IS NOT NULL"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("account_title", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("entitlement", Text),
    Column("claim_id", Text),
    Column("request_id", Text),
    Column("holder_is_group", Boolean, nullable=False, server_default=false()),
    Column("ours_at", Moment),
    Column("first_run_id", Text, nullable=False),
    Column("first_seen_at", Moment, nullable=False),
    Column("last_seen_at", Moment),
    # Who did it, by which entry of the service's log; else why that is not known, and since when to ask the log again.
    Column("done_by", Text),
    Column("done_at", Moment),
    Column("done_record", Text),
    Column("not_known", Text),
    Column("ask_since", Moment),
    Column("ignored_until", Moment),
    Column("ignored_by", Text),
    Column("ignored_why", Text),
    Column("adopted_by_request", Text),
    Column("closed_at", Moment),
    Column("closed_why", Text),
    CheckConstraint(one_of("kind", FindingKind), name="kind_known"),
    CheckConstraint(
        "(done_by IS NULL) = (done_at IS NULL) AND (done_by IS NULL) = (done_record IS NULL)",
        name="done_means_a_record",
    ),
    CheckConstraint("done_by IS NULL OR (not_known IS NULL AND ask_since IS NULL)", name="done_means_known"),
    CheckConstraint("closed_at IS NULL OR closed_why IS NOT NULL", name="closed_means_a_reason"),
    CheckConstraint(
        "ignored_until IS NULL OR (ignored_by IS NOT NULL AND ignored_why IS NOT NULL)",
        name="ignored_means_by_somebody",
    ),
)
#: One finding for one difference, as long as it lasts.
Index(
    "uq_findings_open",
    findings.c.system,
    findings.c.kind,
    findings.c.key,
    unique=True,
    sqlite_where=text("closed_at IS NULL"),
    postgresql_where=text("closed_at IS NULL"),
)
Index("ix_findings_first_seen_at", findings.c.first_seen_at)

#: Of each system: the snapshot that was compared last, by which policy, and who is at it.
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("system", Text, primary_key=True),
    Column("run_id", Text),
    Column("policy", Text),
    Column("began_at", Moment),
    Column("reconciled_at", Moment),
    Column("managed_grants", Integer, nullable=False, server_default=text("0")),
    Column("people", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", Moment),
)

#: The last digest that each owner was given, by the numbers of the findings in it.
digests = Table(
    "digests",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("told_at", Moment, nullable=False),
    Column("numbers", JSON, nullable=False),
)
