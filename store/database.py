"""The one way to the database: SQLite in a file for the embedded default, PostgreSQL for a cluster.

Writes on SQLite take the write lock at once (``BEGIN IMMEDIATE``): a read that becomes a write half-way would fail as busy
without waiting. Threads of this process queue on a lock of their own before that, since SQLite's waiting is by sleeping.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry

#: How long SQLite waits for another process's write, in seconds.
_BUSY_SECONDS = 30


class Database:
    """An engine with two doors: ``read()`` and ``write()``. Leaving ``write()`` by an exception rolls back."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=10,
            pool_pre_ping=not self.is_sqlite,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False} if self.is_sqlite else {},
        )
        self._lock = threading.Lock()
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_by_us)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; nothing it did is kept."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        turn = self._lock if self.is_sqlite else nullcontext()
        with turn, self.engine.connect().execution_options(provisor_write=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_by_us(connection: Connection) -> None:
    write = connection.get_execution_options().get("provisor_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
