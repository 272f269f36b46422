"""The form of the store, as Alembic numbers it: what this version needs, and what a database has."""

from __future__ import annotations

from sqlalchemy import Connection

#: The newest migration in ``store/migrations/versions``. A constant, so that asking needs no Alembic; a test compares both.
REVISION = "0021"


def stored_revision(connection: Connection) -> str | None:
    """The form that a migrated database has."""
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
