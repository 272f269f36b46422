"""The address of a PostgreSQL server as libpq takes it, and connections that do not wait for a silent server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, TypeVar

import structlog
from psycopg import Connection, Error, OperationalError, ProgrammingError
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import _WaitTimeout
from sqlalchemy import URL, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from store.database import SILENCE_SECONDS

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: A connection that was idle for longer is tested before use. A test before each transaction would cost a round trip, and
#: prove nothing about the next statement.
_IDLE_SECONDS = 1.0

#: The shares of the time for an answer that this test, and connecting, may take: one after the other within the time.
_TEST_SHARE = 0.375
_CONNECT_SHARE = 0.5

#: A statement is prepared when a connection sends it for this time: psycopg's own default.
_PREPARE_AFTER = 5

#: SQLSTATEs of a server that cannot do our work, though it answers: the session is no good, another may be. Classes, and
#: single states (PostgreSQL's appendix A: 25006 read-only, 25P03 and 57P05 idle for too long, 57P01 to 57P03 going away or
#: not ready yet, 26000 without the statements that were prepared in it, 0A000 with such whose tables have changed since).
_LOST_CLASSES = ("08",)
_LOST_STATES = frozenset({"0A000", "25006", "25P03", "26000", "57P01", "57P02", "57P03", "57P05"})


class BoundedConnection(Connection[Any]):
    """A connection that is closed when the server says nothing for ``silence_seconds`` though it has to answer."""

    silence_seconds: float = SILENCE_SECONDS
    on_silence: Callable[[float], None] = staticmethod(lambda _: None)

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg's own, with a limit. Raises psycopg's ``OperationalError`` when the limit is over."""
        try:
            return super().wait(gen, interval, self.silence_seconds if timeout is None else timeout)
        except _WaitTimeout as exc:
            if timeout is not None:
                raise
            self.pgconn.finish()
            self.on_silence(self.silence_seconds)
            raise OperationalError(f"the server said nothing for {self.silence_seconds:g} seconds") from exc


def parameters(address: str) -> dict[str, Any]:
    """The parameters of libpq in a URL. Raises SQLAlchemy's ``ArgumentError``."""
    rest = address.partition("://")[2]
    try:
        return conninfo_to_dict(f"postgresql://{rest}")
    except ProgrammingError as exc:
        raise ArgumentError("The address of the database is none that PostgreSQL takes.") from exc


def shown_address(found: Mapping[str, Any]) -> URL:
    """SQLAlchemy's form of an address; connections are made from the parameters themselves."""
    return URL.create(
        "postgresql+psycopg", username=found.get("user"), host=found.get("host"), database=found.get("dbname")
    )


def prepare(engine: Engine, found: Mapping[str, Any], *, silence_seconds: float, to_work: bool) -> None:
    """Have the engine connect to the server of these parameters, and drop connections that do not serve any more."""
    said = threading.Event()

    def on_silence(seconds: float) -> None:
        """Say so once, however many connections it meets, until the server answers again."""
        if not said.is_set():
            said.set()
            _log.warning("database.silent", why=f"no answer within {seconds:g} seconds")

    def connect(*_: Any) -> BoundedConnection:
        connection = _connect(found, silence_seconds=silence_seconds, to_work=to_work)
        connection.on_silence = on_silence
        said.clear()
        return connection

    def rest(connection: BoundedConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info["idle_since"] = monotonic()
        if connection is not None:
            connection.silence_seconds = silence_seconds

    def test(connection: BoundedConnection, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        idle_since = entry.info.get("idle_since")
        if idle_since is None or monotonic() - idle_since < _IDLE_SECONDS:
            return
        connection.silence_seconds = silence_seconds * _TEST_SHARE
        try:
            writable = _can_write(connection)
        except Error as exc:
            raise DisconnectionError(str(exc)) from exc  # The pool opens another connection.
        if to_work and not writable:
            raise DisconnectionError("The server has become read-only.")
        connection.silence_seconds = silence_seconds

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkin", rest)
    event.listen(engine, "checkout", test)
    event.listen(engine, "handle_error", _drop_lost)


def _connect(found: Mapping[str, Any], *, silence_seconds: float, to_work: bool) -> BoundedConnection:
    """A connection. Raises psycopg's errors.

    Statements that come often are prepared by name, except behind a pooler, which may give each transaction to another
    session of the server. ``to_work`` refuses a server that cannot be written to, and takes the next of several.
    """
    # Parameters of the address win over these.
    usual: dict[str, Any] = {
        "client_encoding": "UTF8",
        "connect_timeout": max(2, round(silence_seconds * _CONNECT_SHARE)),
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": round(silence_seconds * 1000),
    }
    if to_work:
        usual["target_session_attrs"] = "read-write"
    connection = BoundedConnection.connect(**(usual | dict(found)), prepare_threshold=None)
    connection.silence_seconds = silence_seconds
    try:
        _require_unicode(connection)
        pooled = _is_pooled(connection)
    except Error:
        connection.close()
        raise
    if not pooled:
        connection.prepare_threshold = _PREPARE_AFTER
    return connection


def _require_unicode(connection: BoundedConnection) -> None:
    """Raise psycopg's ``Error`` for a database that cannot hold every text: it would refuse messages for what they say."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise OperationalError(
            f"the database is encoded as {encoding}; Provisor needs one that was made with ENCODING 'UTF8'"
        )


def _is_pooled(connection: BoundedConnection) -> bool:
    """Whether somebody else answers for the server. Raises psycopg's ``Error``.

    A server states its process at the start of a connection (BackendKeyData). A pooler in transaction mode cannot know the
    process yet, and states a number of its own.
    """
    connection.autocommit = True
    if not (connection.info.parameter_status("DateStyle") or "").startswith("ISO"):
        # The driver reads no other. A role or a database may have another default.
        connection.execute("SET datestyle = ISO")
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    connection.autocommit = False
    return row is None or row[0] != connection.info.backend_pid


def _can_write(connection: BoundedConnection) -> bool:
    """Whether the session may write. Raises psycopg's ``Error`` when it does not answer."""
    connection.autocommit = True
    row = connection.execute("SHOW transaction_read_only").fetchone()
    connection.autocommit = False
    return row is not None and row[0] == "off"


def _drop_lost(context: ExceptionContext) -> None:
    """A session that can do no more leaves the pool, with all that were opened before."""
    state = getattr(context.original_exception, "sqlstate", None)
    if state is not None and (state in _LOST_STATES or state[:2] in _LOST_CLASSES):
        context.is_disconnect = True
