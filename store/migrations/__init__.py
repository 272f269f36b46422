"""Migrates a database to the revision that this version needs."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from store.database import Database, allow_long_statements
from store.revision import REVISION, stored_revision

#: Only one process migrates a PostgreSQL database at a time: the number is ours, its value arbitrary.
_MIGRATION_LOCK = 7_706_515


def migrate(database: Database, *, revision: str = REVISION) -> None:
    """Upgrade to ``revision``; does nothing when the database has that form already. Several processes may call it at once."""
    with database.write() as connection:
        if not database.is_sqlite:
            allow_long_statements(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        if current_revision(connection) != revision:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)


def current_revision(connection: Connection) -> str | None:
    """The revision of the database; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return stored_revision(connection)


def newest_revision() -> str | None:
    """The newest of the migrations."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
