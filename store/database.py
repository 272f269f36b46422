"""Connections to the database: SQLite in a file for the embedded default, PostgreSQL for a cluster.

A write on SQLite takes the write lock at its start (``BEGIN IMMEDIATE``): a transaction that reads first and writes later
would fail as busy without waiting. Threads of one process queue on a Python lock before that, since SQLite waits by sleeping.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

#: Seconds that SQLite waits for the write of another process.
_BUSY_SECONDS = 30

#: Seconds in which PostgreSQL has to answer a statement; after that its connection counts as lost.
SILENCE_SECONDS = 8.0

#: The same for statements that may take longer.
_LONG_SECONDS = 600.0

#: The longest that a transaction waits for its own process, in whole seconds: who says nothing for so long counts as lost.
_IDLE_SECONDS = 8

#: How a transaction begins on SQLite; None for statements without one.
_BEGIN = "provisor_begin"

#: Requests hold addresses and reasons; dead letters whatever was sent.
_OWNER_ONLY = 0o600


class Database:
    """An engine with ``read()`` and ``write()``. An exception within ``write()`` rolls back.

    - ``to_work``: only a server that can be written to will do. Commands that look are content with a replica.
    - ``silence_seconds``: a server that has to answer and says nothing for so long counts as lost (PostgreSQL).
    """

    def __init__(
        self, url: str, *, pool_size: int = 20, to_work: bool = False, silence_seconds: float = SILENCE_SECONDS
    ) -> None:
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            address = make_url(url)
            if address.database:
                _make_own(Path(address.database))
        else:
            from store import postgresql  # noqa: PLC0415 - its driver is slow to import, and the default needs none

            found = postgresql.parameters(url)
            address = postgresql.shown_address(found)
        self.engine: Engine = create_engine(
            address,
            pool_size=pool_size,
            max_overflow=10,
            # Nobody waits longer for a connection than for an answer.
            pool_timeout=silence_seconds,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False} if self.is_sqlite else {},
            # Who has waited for a lock must see what its holder has committed, whatever default the database has.
            isolation_level=None if self.is_sqlite else "READ COMMITTED",
        )
        self._lock = threading.Lock()
        self._closed = False
        event.listen(self.engine, "checkin", self._end_late)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin)
        else:
            postgresql.prepare(self.engine, found, silence_seconds=silence_seconds, to_work=to_work)
        # PostgreSQL shows each statement its own moment, within a transaction too. To begin and end one takes longer than
        # most reads [measured].
        alone = {_BEGIN: None} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self.engine.execution_options(**alone)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading. Each statement sees what was committed before that statement."""
        with self._reading.connect() as connection:
            yield connection

    @contextmanager
    def one_moment(self) -> Iterator[Connection]:
        """A connection for reading, whose statements all see the same moment and may take minutes."""
        # On SQLite a transaction shows one moment anyway.
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect() as connection:
            allow_long_statements(connection)
            yield connection.execution_options(**options)

    @contextmanager
    def write(self, *, holding: str | None = None) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        ``holding`` names a lock that is kept until then. It is taken before any row is written, so that two writers never
        wait for each other. On SQLite there is only one writer anyway.
        """
        turn = self._lock if self.is_sqlite else nullcontext()
        with turn, self._to_write() as connection, connection.begin():
            _end_when_idle(connection)
            if holding is not None:
                hold(connection, holding)
            yield connection

    def now(self) -> datetime:
        """The time of the database, aware, in UTC; SQLite has the machine's."""
        if self.is_sqlite:
            return datetime.now(UTC)
        with self.read() as connection:
            moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return moment.astimezone(UTC)

    def close(self) -> None:
        """Close all connections; one that another thread still uses is closed when it comes back."""
        self._closed = True
        self.engine.dispose()

    def _end_late(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        if self._closed:
            entry.invalidate()

    def _to_write(self) -> Connection:
        connection = self.engine.connect()
        return connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}) if self.is_sqlite else connection


def _make_own(file: Path) -> None:
    """Make the file of a database that is not there yet, readable by its owner alone; SQLite gives the files beside it the same.

    What cannot be made, SQLite fails to open with a sentence of its own.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY))


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    _use_write_ahead_log(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _is_busy(exc: BaseException) -> bool:
    return isinstance(exc, sqlite3.OperationalError) and exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


@retry(retry=retry_if_exception(_is_busy), wait=wait_random(0, 0.1), stop=stop_after_delay(_BUSY_SECONDS), reraise=True)
def _use_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Have the file written ahead. SQLite itself does not wait here for another connection that does the same [observed]."""
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if statement is not None:
        connection.exec_driver_sql(statement)


def allow_long_statements(connection: Connection) -> None:
    """Let the statements of this transaction, and its pauses, take minutes: changes of snapshots, exports, migrations."""
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.dbapi_connection
        driver.silence_seconds = _LONG_SECONDS
        if connection.in_transaction():
            _end_when_idle(connection, _LONG_SECONDS)


def _end_when_idle(connection: Connection, seconds: float = _IDLE_SECONDS) -> None:
    """Have the server end this transaction when its process, paused or cut off, says nothing more: others wait for its locks.

    Within the transaction, since a pooler may give the session to somebody else afterwards.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{seconds:.0f}s'")


def hold(connection: Connection, name: str) -> None:
    """Hold the lock of a name until the transaction ends; on SQLite a writer is alone anyway.

    On PostgreSQL it is an advisory lock whose key is a hash of the name: a collision only causes an unneeded wait.
    """
    if connection.dialect.name == "sqlite":
        return
    number = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")
