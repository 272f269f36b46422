"""Connections to the database: SQLite in a file for the embedded default, PostgreSQL for a cluster.

A write on SQLite takes the write lock at its start (``BEGIN IMMEDIATE``): a transaction that reads first and writes later
would fail as busy without waiting. Threads of one process queue on a Python lock before that, since SQLite waits by sleeping.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

#: Seconds that SQLite waits for the write of another process.
_BUSY_SECONDS = 30

#: A connection to PostgreSQL that was idle for longer is tested before use. A test before each transaction would cost a
#: round trip, and prove nothing about the next statement.
_IDLE_SECONDS = 1.0


class Database:
    """An engine with ``read()`` and ``write()``. An exception within ``write()`` rolls back."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=10,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False} if self.is_sqlite else {},
        )
        self._lock = threading.Lock()
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin)
        else:
            event.listen(self.engine, "checkin", _begin_idle)
            event.listen(self.engine, "checkout", self._test_idle)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; its transaction is rolled back."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, holding: str | None = None) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        ``holding`` names a lock that is kept until then. It is taken before any row is written, so that two writers never
        wait for each other. On SQLite there is only one writer anyway.
        """
        turn = self._lock if self.is_sqlite else nullcontext()
        with turn, self._to_write() as connection, connection.begin():
            if holding is not None and not self.is_sqlite:
                _hold(connection, holding)
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _to_write(self) -> Connection:
        connection = self.engine.connect()
        return connection.execution_options(provisor_write=True) if self.is_sqlite else connection

    def _test_idle(self, connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        idle_since = entry.info.get("idle_since")
        if idle_since is None or monotonic() - idle_since < _IDLE_SECONDS:
            return
        dialect = self.engine.dialect
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as exc:
            raise DisconnectionError(str(exc)) from exc  # The pool opens another connection.


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("provisor_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _begin_idle(_connection: Any, entry: ConnectionPoolEntry) -> None:
    entry.info["idle_since"] = monotonic()


def _hold(connection: Connection, name: str) -> None:
    """Take the PostgreSQL advisory lock of a name. The key is a hash of it; a collision only causes an unneeded wait."""
    number = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")
