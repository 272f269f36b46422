"""The table of the ends of credentials."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Table, Text, text

from access.credential_ends import Teller
from store.tables import Moment, metadata, one_of

#: One row for each place with a credential: who says when it ends, if anybody does, and when that was looked at.
credential_ends = Table(
    "credential_ends",
    metadata,
    Column("place", Text, primary_key=True),
    Column("looked_at", Moment, nullable=False),
    Column("ends_at", Moment),
    Column("told_by", Text),
    Column("near", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint(one_of("told_by", Teller), name="told_by_known"),
    CheckConstraint("(ends_at IS NULL) = (told_by IS NULL)", name="end_told"),
)
