"""What somebody does who may do anything to the database: changes past its triggers, within a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from store.database import Database

_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit%'"


@contextmanager
def past_triggers(database: Database, *, kept: bool = True) -> Iterator[Connection]:
    """A transaction in which no trigger or foreign key holds. Without ``kept`` it is rolled back in the end."""
    with database.engine.connect() as found:
        connection = found.execution_options(provisor_begin="BEGIN IMMEDIATE")
        if database.is_sqlite:
            triggers = connection.execute(text(_TRIGGERS)).all()
            connection.execute(text("PRAGMA defer_foreign_keys=ON"))
            for name, _ in triggers:
                connection.execute(text(f"DROP TRIGGER {name}"))
            yield connection
            for _, sql in triggers:
                connection.exec_driver_sql(sql)
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            yield connection
        if kept:
            connection.commit()
        else:
            connection.rollback()
