"""Migrates a database to the revision that this version needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from store.database import Database, allow_long_statements
from store.revision import REVISION, stored_revision

if TYPE_CHECKING:
    from alembic.config import Config

#: Only one process migrates a PostgreSQL database at a time: the number is ours, its value arbitrary.
_MIGRATION_LOCK = 7_706_515


class NewerStore(Exception):  # noqa: N818 - a fact about the store
    """A newer version of Provisor made the store: this one does not know its form."""


def migrate(database: Database, *, revision: str = REVISION) -> None:
    """Upgrade to ``revision``; does nothing when the database has that form already. Several processes may call it at once.

    Raises ``NewerStore`` when it does not know the form that the database has.
    """
    with database.write() as connection:
        if not database.is_sqlite:
            allow_long_statements(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        if current_revision(connection) != revision:
            _upgrade(connection, revision)


def _upgrade(connection: Connection, revision: str) -> None:
    # Alembic costs a tenth of a second and 8 MB, and is needed once in the life of a store's form.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.util.exc import CommandError  # noqa: PLC0415 - the same

    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as exc:
        raise NewerStore(str(exc)) from exc


def current_revision(connection: Connection) -> str | None:
    """The revision of the database; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return stored_revision(connection)


def newest_revision() -> str | None:
    """The newest of the migrations."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
