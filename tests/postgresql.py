"""PostgreSQL as tests use it: databases of their own, which are removed again."""

from __future__ import annotations

from secrets import token_hex

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from store.database import Database
from store.migrations import migrate

_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class PostgreSQL:
    """A PostgreSQL server on which tests make databases of their own."""

    def __init__(self, address: str) -> None:
        self._address = make_url(address)
        self._engine = create_engine(self._address, isolation_level="AUTOCOMMIT")
        self._made: list[str] = []

    def check(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def new(self, template: str | None = None, *, encoding: str | None = None) -> str:
        """The address of a new database, empty (also in another encoding) or a copy of another of ours."""
        name = f"provisor_test_{token_hex(6)}"
        like = f' TEMPLATE "{make_url(template).database}"' if template else ""
        if encoding:
            like = f" TEMPLATE template0 LOCALE 'C' ENCODING '{encoding}'"
        with self._engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"{like}'))
            # No test takes the power away; what a commit is worth to other sessions stays the same.
            connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
        self._made.append(name)
        return self._address.set(database=name).render_as_string(hide_password=False)

    def empty(self, address: str, *, by: str) -> None:
        """Make a database of ours what it was when it was made, whoever still looks at it.

        Removing one and making the next costs the server a checkpoint each time, which is most of a short test.
        """
        engine = create_engine(make_url(address), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(_END_OTHERS))
            connection.exec_driver_sql(by)
        engine.dispose()

    def drop(self, address: str) -> None:
        name = str(make_url(address).database)
        with self._engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        self._made.remove(name)

    def close(self) -> None:
        for name in list(self._made):
            self.drop(self._address.set(database=name).render_as_string(hide_password=False))
        self._engine.dispose()


def migrate_at(address: str) -> None:
    database = Database(address, pool_size=1)
    migrate(database)
    database.close()
