"""The tables of audit seals: the chain, which rows are in which batch, and whose turn it is.

Triggers (migration 0013) make the audit append-only, note each new row here as one to be sealed, and refuse every change of a
seal. Rows leave the audit only where a seal says that they were removed.
"""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from access.seals import SealKind
from store.tables import Moment, metadata, one_of

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("statement", JSON(none_as_null=True)),
    Column("digest", Text, nullable=False),
    Column("previous", Text, nullable=False, unique=True),
    Column("sealed_at", Moment, nullable=False),
    Column("hash", Text, nullable=False, unique=True),
    Column("signature", Text),
    Column("key_id", Text),
    CheckConstraint(one_of("kind", SealKind), name="kind_known"),
    CheckConstraint("(kind = 'rows') = (statement IS NULL)", name="says_or_closes"),
)

#: Each audit row with its batch: none until it is sealed. The row that stands for an erased one stays, without its salt.
audit_sealed = Table(
    "audit_sealed",
    metadata,
    Column("audit_id", Integer, primary_key=True, autoincrement=False),
    Column("seal", Integer, ForeignKey("audit_seals.number")),
    Column("salt", Text),
    Column("digest", Text),
    Column("removed_by", Integer, ForeignKey("audit_seals.number")),
    CheckConstraint("(seal IS NULL) = (digest IS NULL)", name="sealed_means_hashed"),
)
Index("ix_audit_sealed_seal", audit_sealed.c.seal, audit_sealed.c.audit_id)
#: The rows that wait for their seal: those of the last minute.
Index(
    "ix_audit_sealed_waiting",
    audit_sealed.c.audit_id,
    sqlite_where=text("seal IS NULL"),
    postgresql_where=text("seal IS NULL"),
)

#: When the next seal, and the next anchor, is due: whoever moves it has the turn.
audit_turns = Table(
    "audit_turns",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_at", Moment, nullable=False),
)
