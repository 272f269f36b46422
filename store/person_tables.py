"""The tables of persons: the users of the directory, the accounts joined to them, and what is disputed."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text

from access.people import Proof
from store.tables import Moment, metadata, one_of

#: The users of the directory, those that are gone included. ``since`` is when a snapshot showed this status first.
persons = Table(
    "persons",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("address", Text),
    Column("status", Text, nullable=False),
    Column("since", Moment, nullable=False),
    CheckConstraint("status IN ('active', 'suspended', 'gone')", name="status_known"),
)
Index("ix_persons_address", persons.c.address)

#: An account belongs to one person at most. Until a later look confirms the proof, it is merely seen.
person_accounts = Table(
    "person_accounts",
    metadata,
    Column("system", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("proof", Text, nullable=False),
    Column("address", Text),
    Column("joined", Boolean, nullable=False),
    Column("seen_until", Moment, nullable=False),
    Column("joined_at", Moment),
    Column("decided_by", Text),
    Column("reason", Text),
    CheckConstraint(one_of("proof", Proof), name="proof_known"),
    CheckConstraint("joined = (joined_at IS NOT NULL)", name="joined_means_when"),
    CheckConstraint(
        "proof <> 'decided' OR (decided_by IS NOT NULL AND reason IS NOT NULL)", name="decided_means_by_whom"
    ),
)
Index("ix_person_accounts_person", person_accounts.c.person)

#: What a person decided not to be one person: no proof joins it again.
person_splits = Table(
    "person_splits",
    metadata,
    Column("system", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("person", Text, ForeignKey("persons.id"), primary_key=True),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_at", Moment, nullable=False),
)

#: Accounts that may be a person's, unproven.
person_disputes = Table(
    "person_disputes",
    metadata,
    Column("system", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("person", Text, ForeignKey("persons.id"), primary_key=True),
    Column("why", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
)

#: The snapshots that persons were last derived from.
person_sources = Table(
    "person_sources",
    metadata,
    Column("system", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
