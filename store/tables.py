"""The tables. Migrations under ``store/migrations`` bring a database to this form; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    false,
    text,
)

from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from access.operations import TicketTrouble


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite, which has no time zones, keeps it as naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored. Use aware datetimes.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give aware UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(column: str, states: type[StrEnum]) -> str:
    """The condition that a column holds a word of ``states``."""
    return f"{column} IN ({', '.join(repr(str(state)) for state in states)})"


def _leased() -> list[Column[Any]]:
    """What work found by time has: when it is due, who has it until when, and until when a wake-up is under way."""
    return [
        Column("due_at", Moment),
        Column("dispatched_until", Moment),
        Column("lease_until", Moment),
        Column("fence", Integer, nullable=False, server_default=text("0")),
    ]


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("body", JSON, nullable=False),
    Column("action", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("entitlement", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("source", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    # Always set by ``Requests.add``; no NOT NULL, since SQLite would make the table anew for it.
    Column("sequence", BigInteger),
    Column("received_at", Moment, nullable=False),
    Column("starts_at", Moment),
    Column("begun_at", Moment),
    Column("first_tried_at", Moment),
    Column("finished_at", Moment),
    Column("settled_account", Text),
    Column("candidates", JSON(none_as_null=True)),
    *_leased(),
    CheckConstraint(one_of("state", RequestState), name="state_known"),
    CheckConstraint("state NOT IN ('refused', 'failed', 'blocked') OR reason IS NOT NULL", name="no_means_a_reason"),
)
Index("ix_requests_due", requests.c.due_at, sqlite_where=requests.c.due_at.is_not(None))
Index("ix_requests_sequence", requests.c.sequence, unique=True)
Index("ix_requests_state", requests.c.state, requests.c.received_at)
Index("ix_requests_subject", requests.c.subject, requests.c.state)
#: Requests to extend access that are not decided: few rows, asked for at the end of each claim.
Index(
    "ix_requests_extensions",
    requests.c.entitlement,
    sqlite_where=text("action = 'extend' AND state IN ('received', 'planned')"),
    postgresql_where=text("action = 'extend' AND state IN ('received', 'planned')"),
)

claims = Table(
    "claims",
    metadata,
    Column("id", Text, primary_key=True),
    Column("request_id", Text, ForeignKey("requests.id"), nullable=False, unique=True),
    Column("system", Text, nullable=False),
    Column("account_id", Text),
    Column("email", Text),
    Column("account_proven", Boolean, nullable=False, server_default=false()),
    Column("account_title", Text, nullable=False),
    Column("entitlement", Text, nullable=False),
    Column("named", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("access_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("pre_existing", Boolean),
    Column("duration_seconds", Float),
    Column("starts_at", Moment),
    Column("ends_at", Moment),
    Column("ended_at", Moment),
    Column("why_ended", Text),
    Column("ended_by", Text),
    Column("follows", Text),
    Column("first_request_id", Text),
    Column("until_issue", Text),
    Column("cut_short", Boolean, nullable=False, server_default=false()),
    Column("due_at", Moment),
    Column("dispatched_until", Moment),
    CheckConstraint(one_of("state", ClaimState), name="state_known"),
    CheckConstraint(
        "state NOT IN ('active', 'ending') OR (starts_at IS NOT NULL AND account_id IS NOT NULL AND pre_existing IS NOT NULL)",
        name="active_means_seen",
    ),
    CheckConstraint("duration_seconds IS NULL OR starts_at IS NULL OR ends_at IS NOT NULL", name="an_end_is_kept"),
)
Index("ix_claims_access_key", claims.c.access_key, claims.c.state)
Index("ix_claims_due", claims.c.due_at)
Index("ix_claims_account_id", claims.c.account_id)
Index("ix_claims_email", claims.c.email)
#: A claim is extended once.
Index("uq_claims_follows", claims.c.follows, unique=True)
Index(
    "ix_claims_first_request_id",
    claims.c.first_request_id,
    sqlite_where=text("first_request_id IS NOT NULL"),
    postgresql_where=text("first_request_id IS NOT NULL"),
)

operations = Table(
    "operations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("request_id", Text, ForeignKey("requests.id"), nullable=False),
    Column("claim_id", Text, ForeignKey("claims.id")),
    Column("purpose", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("direction", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("entitlement", Text, nullable=False),
    Column("named", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text),
    Column("account_id", Text),
    Column("account_title", Text, nullable=False),
    Column("email", Text),
    Column("products", JSON, nullable=False),
    Column("access_key", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("before", Text),
    Column("wrote_at", Moment),
    Column("accepted_at", Moment),
    Column("shown_since", Moment),
    Column("there_at", Moment),
    Column("obstacle", Text),
    Column("blocked_at", Moment),
    Column("missing", Text),
    Column("retried_at", Moment),
    Column("evidence", Text),
    Column("error", Text),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Moment, nullable=False),
    Column("begun_at", Moment),
    Column("first_tried_at", Moment),
    Column("verified_at", Moment),
    *_leased(),
    CheckConstraint(one_of("state", OperationState), name="state_known"),
    CheckConstraint("state <> 'done' OR (verified_at IS NOT NULL AND evidence IS NOT NULL)", name="done_means_seen"),
    CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="failed_means_a_reason"),
    CheckConstraint("wrote_at IS NULL OR before IS NOT NULL OR via = 'ticket'", name="looked_before_writing"),
    CheckConstraint("before IN ('present', 'absent', 'unread')", name="before_known"),
    CheckConstraint("obstacle IN ('refused', 'unseen', 'unresolved')", name="obstacle_known"),
    CheckConstraint(
        "state <> 'blocked' OR (direction = 'take' AND error IS NOT NULL AND obstacle IS NOT NULL"
        " AND blocked_at IS NOT NULL)",
        name="blocked_means_a_removal",
    ),
    CheckConstraint("via IN ('connector', 'ticket', 'propagation')", name="via_known"),
    CheckConstraint("direction IN ('give', 'take')", name="direction_known"),
    CheckConstraint("purpose IN ('request', 'expiry')", name="purpose_known"),
)
Index("ix_operations_due", operations.c.due_at)
Index("ix_operations_request_id", operations.c.request_id, operations.c.position)
Index("ix_operations_access_key", operations.c.access_key, operations.c.state)
#: Removals that wait for a thing that cannot be seen: few rows.
Index(
    "ix_operations_missing",
    operations.c.missing,
    sqlite_where=text("missing IS NOT NULL"),
    postgresql_where=text("missing IS NOT NULL"),
)
#: Two operations are never at the same access at once: the second is refused by the database and waits.
Index(
    "uq_operations_one_at_an_access",
    operations.c.access_key,
    unique=True,
    sqlite_where=text("state IN ('running', 'with_person')"),
    postgresql_where=text("state IN ('running', 'with_person')"),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("operation_id", Text, ForeignKey("operations.id"), nullable=False),
    Column("provider", Text, nullable=False),
    Column("marker", Text, nullable=False, unique=True),
    Column("project", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("issue_id", Text),
    Column("issue_key", Text),
    Column("url", Text),
    Column("status", Text),
    Column("after_key", Text),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("create_tried_at", Moment),
    Column("answers", Integer, nullable=False, server_default=text("0")),
    Column("answered_at", Moment),
    Column("opened_at", Moment),
    Column("looked_at", Moment),
    Column("closed_at", Moment),
    Column("error", Text),
    Column("phase", Text),
    Column("missing_since", Moment),
    Column("trouble", Text),
    Column("due_on", Date),
    Column("overdue_at", Moment),
    Column("unmapped", Text),
    Column("shown", JSON(none_as_null=True)),
    *_leased(),
    CheckConstraint(one_of("state", TicketState), name="state_known"),
    CheckConstraint(one_of("trouble", TicketTrouble), name="trouble_known"),
    CheckConstraint("state IN ('intended', 'withdrawn', 'lost') OR issue_id IS NOT NULL", name="open_means_it_exists"),
)
Index("ix_tickets_due", tickets.c.due_at)
#: Tickets that vanished from our sight: few rows.
Index(
    "ix_tickets_missing",
    tickets.c.missing_since,
    sqlite_where=text("missing_since IS NOT NULL"),
    postgresql_where=text("missing_since IS NOT NULL"),
)
#: One operation, one living ticket.
Index(
    "uq_tickets_one_for_an_operation",
    tickets.c.operation_id,
    unique=True,
    sqlite_where=text("state IN ('intended', 'open', 'answered')"),
    postgresql_where=text("state IN ('intended', 'open', 'answered')"),
)
#: One issue belongs to one ticket.
Index("uq_tickets_issue", tickets.c.provider, tickets.c.issue_id, unique=True)

#: What Provisor says on tickets: owed from the commit of what it tells, once for each marker, until it is said.
ticket_comments = Table(
    "ticket_comments",
    metadata,
    Column("ticket_id", Text, ForeignKey("tickets.id"), primary_key=True),
    Column("marker", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("owed_since", Moment, nullable=False),
    Column("due_at", Moment),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("said_at", Moment),
    Column("error", Text),
)
Index(
    "ix_ticket_comments_owed",
    ticket_comments.c.ticket_id,
    sqlite_where=text("due_at IS NOT NULL"),
    postgresql_where=text("due_at IS NOT NULL"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("topic", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("request_id", Text),
    Column("detail", JSON, nullable=False),
)
Index("ix_audit_request_id", audit.c.request_id, audit.c.id)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("body", LargeBinary, nullable=False),
    Column("content_type", Text),
    Column("source", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("body", LargeBinary, nullable=False),
    Column("content_type", Text),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("resent_at", Moment),
    Column("properties", LargeBinary),
    Column("length", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("acknowledged_at", Moment),
    Column("acknowledged_why", Text),
)
Index("ix_dead_letters_sha256", dead_letters.c.sha256)
Index("ix_dead_letters_received_at", dead_letters.c.received_at)

#: At most one row: the process that takes messages in from a broker that would serve several at once.
intake_lease = Table(
    "intake_lease",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Moment, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

#: Times in which an older database was put back. While one is open, no access is changed.
restores = Table(
    "restores",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("backup_at", Moment),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    # The requests of this part of the sequence came in meanwhile.
    Column("after_sequence", BigInteger, nullable=False),
    Column("last_sequence", BigInteger),
    # The systems whose snapshot the backup had.
    Column("systems", JSON, nullable=False),
)

#: The accesses that the snapshots of the backup show, by their keys.
restored_accesses = Table("restored_accesses", metadata, Column("access_key", Text, primary_key=True))

#: The tickets that were found after a restore, and that the database did not know then.
lost_tickets = Table(
    "lost_tickets",
    metadata,
    Column("marker", Text, primary_key=True),
    Column("request_id", Text, nullable=False),
    # Empty where the ticket does not say it.
    Column("direction", Text, nullable=False),
    Column("entitlement", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("issue_key", Text, nullable=False),
    Column("issue_url", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("seen_at", Moment, nullable=False),
)
Index("ix_lost_tickets_request_id", lost_tickets.c.request_id)

known_emails = Table(
    "known_emails",
    metadata,
    Column("system", Text, primary_key=True),
    Column("email", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("learned_at", Moment, nullable=False),
)

#: The organization or site that each system is: the one that the accounts and resources of this store belong to.
tenants = Table(
    "tenants",
    metadata,
    Column("system", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("known_since", Moment, nullable=False),
)

#: What may follow what; a trigger on each living table asks it. Filled by migrations from ``access.lifecycle``.
lifecycle = Table(
    "lifecycle",
    metadata,
    Column("entity", Text, primary_key=True),
    Column("from_state", Text, primary_key=True),
    Column("to_state", Text, primary_key=True),
)
