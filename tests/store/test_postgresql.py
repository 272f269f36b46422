"""Connections to PostgreSQL: every address that libpq takes, servers that fall silent or become read-only, poolers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from structlog.testing import capture_logs

from access.entitlements import System
from store.database import Database, allow_long_statements
from store.unit_of_work import Store, Unavailable, UnitOfWork
from tests.brokers.proxy import Proxy
from tests.store.records import NOW, add_request

#: A limit of silence for tests; the pool tests a connection that rested for a second.
SILENCE_SECONDS = 0.5
RESTED_SECONDS = 1.1

#: So often a statement was sent that it is prepared by then.
_MORE_THAN_TO_PREPARE = 8


def opened(url: str, *, to_work: bool = False, silence_seconds: float = 8.0) -> Iterator[Store]:
    database = Database(url, pool_size=1, to_work=to_work, silence_seconds=silence_seconds)
    yield Store(database)
    database.close()


@pytest.fixture
def working(postgresql_url: str) -> Iterator[Store]:
    yield from opened(postgresql_url, to_work=True)


@pytest.fixture
def proxy(postgresql_url: str) -> Iterator[Proxy]:
    proxy = Proxy(postgresql_url)
    yield proxy
    proxy.open()
    proxy.close()


@pytest.fixture
def behind(proxy: Proxy) -> Iterator[Store]:
    yield from opened(proxy.url, silence_seconds=SILENCE_SECONDS)


def can_write(url: str, *, to_work: bool = False) -> bool:
    for store in opened(url, to_work=to_work):
        with store.write() as work:
            add_request(work)
    return True


def test_several_hosts_are_tried_in_order(postgresql_url: str) -> None:
    at = make_url(postgresql_url)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = taken.getsockname()[1]
        assert can_write(f"postgresql://{at.username}@127.0.0.1:{dead},{at.host}:{at.port or 5432}/{at.database}")


def test_a_unix_socket_is_an_address(postgresql_url: str) -> None:
    at = make_url(postgresql_url)
    for store in opened(postgresql_url):
        with store.read() as work:
            folder = work._connection.execute(text("SHOW unix_socket_directories")).scalar_one().split(",")[0].strip()
    if not folder:
        pytest.skip("this server has no Unix socket")
    with pytest.raises(Unavailable, match=r'connection to server on socket "/|authentication'):
        can_write(f"postgresql://no-such-user@/{at.database}?host={folder}")


def test_what_is_no_address_is_said_to_be_none() -> None:
    with pytest.raises(ArgumentError, match="none that PostgreSQL takes"):
        Database("postgresql://h/n?no_such_parameter=1")


def test_who_works_wants_a_server_that_can_be_written_to(postgresql_url: str) -> None:
    read_only = f"{postgresql_url}?options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(Unavailable, match="read-only"):
        can_write(read_only, to_work=True)
    for store in opened(read_only):
        with store.read() as work:
            assert work.requests.counts() == {}, "who only looks is content"


def make_read_only(store: Store) -> None:
    """What a session looks like whose server has become a replica."""
    with store.database.write() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))


def test_a_session_that_became_read_only_fails_one_write_and_not_the_next(working: Store) -> None:
    make_read_only(working)
    with pytest.raises(Unavailable, match="read-only"), working.write() as work:
        add_request(work)
    with working.write() as work:
        add_request(work)


def test_a_rested_session_that_became_read_only_is_replaced_before_use(working: Store) -> None:
    make_read_only(working)
    rest(working)
    with working.write() as work:
        add_request(work)


def rest(store: Store) -> None:
    """Let the connection look as idle as one that is tested before use."""

    def age(_connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info["idle_since"] = monotonic() - RESTED_SECONDS

    event.listen(store.database.engine, "checkin", age)
    with store.read() as work:
        work.requests.counts()


def session(store: Store) -> int:
    with store.read() as work:
        return int(work._connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_which_states_of_postgresql_end_a_session(working: Store) -> None:
    """Every state that the driver knows, said by a real server; of its appendix A these say that the session is no good."""
    states = (getattr(each, "sqlstate", None) for each in vars(psycopg.errors).values())
    known = {state for state in states if isinstance(state, str)}
    ended = set()
    before = session(working)
    for state in sorted(known):
        with pytest.raises((Unavailable, DBAPIError)), working.read() as work:
            work._connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"))
        before, earlier = session(working), before
        if before != earlier:
            ended.add(state)
    connection_exceptions = {state for state in known if state.startswith("08")}
    assert ended == connection_exceptions | {"0A000", "25006", "25P03", "26000", "57P01", "57P02", "57P03", "57P05"}
    assert "40001" in known - ended


@pytest.mark.parametrize(("silence_seconds", "connecting"), [(8.0, 4), (16.0, 8), (0.5, 2)])
def test_a_server_that_is_gone_is_noticed_by_the_network_too(
    postgresql_url: str, silence_seconds: float, connecting: int
) -> None:
    for store in opened(postgresql_url, silence_seconds=silence_seconds):
        with store.read() as work:
            used = driver(work).info.get_parameters()
        assert {name: int(used[name]) for name in used if name.startswith(("connect_t", "keepalives_", "tcp_"))} == {
            "connect_timeout": connecting,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "tcp_user_timeout": silence_seconds * 1000,
        }


def driver(work: UnitOfWork) -> psycopg.Connection:
    connection = work._connection.connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def test_statements_are_prepared_at_a_server_and_not_behind_a_pooler(postgresql_url: str, pgbouncer_url: str) -> None:
    for url, after in ((postgresql_url, 5), (pgbouncer_url, None)):
        for store in opened(url):
            with store.read() as work:
                assert driver(work).prepare_threshold == after


@pytest.mark.parametrize(
    "change", ["ALTER TABLE inbox ALTER COLUMN source TYPE varchar(99)", "DEALLOCATE ALL"], ids=["altered", "forgotten"]
)
def test_a_prepared_statement_that_serves_no_more_fails_one_read_and_not_the_next(
    working: Store, postgresql_url: str, change: str
) -> None:
    """The table is altered, or something in between resets the session (psycopg#1307, supacloud#537)."""

    def read() -> None:
        with working.database.read() as connection:
            connection.execute(text("SELECT source FROM inbox"))

    for _ in range(_MORE_THAN_TO_PREPARE):
        read()
    if change.startswith("ALTER"):
        with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as other:
            other.execute(change)
    else:
        with working.read() as work:
            driver(work).pgconn.exec_(change.encode())
    with pytest.raises(DBAPIError):
        read()
    read()


def test_a_server_that_says_nothing_is_lost_and_found_again(behind: Store, proxy: Proxy) -> None:
    with behind.read() as work:
        work.requests.counts()
    proxy.fall_silent()
    with pytest.raises(Unavailable, match=r"said nothing for 0\.5 seconds"), behind.read() as work:
        work.requests.counts()
    proxy.open()
    with behind.read() as work:
        assert work.requests.counts() == {}


def test_a_rested_connection_is_lost_in_silence_too_and_so_is_a_new_one(behind: Store, proxy: Proxy) -> None:
    rest(behind)
    proxy.fall_silent()
    with capture_logs() as logs, pytest.raises(Unavailable, match="timeout"), behind.read() as work:
        work.requests.counts()
    said = [each["why"] for each in logs if each["event"] == "database.silent"]
    assert said == ["no answer within 0.1875 seconds"], "the test of a rested connection leaves time for a new one"


def test_a_silence_is_said_once_however_many_connections_meet_it(proxy: Proxy) -> None:
    store = Store(Database(proxy.url, pool_size=2, silence_seconds=SILENCE_SECONDS))

    def fall_silent() -> list[str]:
        with capture_logs() as logs, store.read() as one, store.read() as other:
            for work in (one, other):
                work.requests.counts()
            proxy.fall_silent()
            for work in (one, other):
                with pytest.raises(DBAPIError, match="said nothing"):
                    work.requests.counts()
        proxy.open()
        return [each["event"] for each in logs]

    assert fall_silent() == ["database.silent"]
    assert fall_silent() == ["database.silent"], "it answered meanwhile"
    store.database.close()


def test_a_statement_may_take_long_where_that_is_said(postgresql_url: str) -> None:
    for store in opened(postgresql_url, silence_seconds=SILENCE_SECONDS):
        with store.database.read() as connection:
            allow_long_statements(connection)
            connection.execute(text("SELECT pg_sleep(1)"))
        with pytest.raises(Unavailable, match="said nothing"), store.read() as work:
            work._connection.execute(text("SELECT pg_sleep(30)"))


def test_the_time_is_the_databases(postgresql_url: str) -> None:
    for store in opened(postgresql_url):
        before, moment, after = datetime.now(UTC), store.now(), datetime.now(UTC)
        assert before - timedelta(seconds=1) <= moment <= after + timedelta(seconds=1), "one machine, one clock"
        assert moment.utcoffset() == timedelta(0)


def test_statements_are_their_own_behind_a_pooler(pgbouncer_url: str) -> None:
    """A pooler gives each transaction to whichever session is free: what one prepared by name, another would run."""
    stores = [Store(Database(pgbouncer_url, pool_size=4, to_work=True)) for _ in range(2)]

    def write(number: int) -> int:
        store = stores[number % 2]
        with store.write() as work:
            work.known_emails.learn(System.JIRA, f"p{number}@example.com", f"u{number}", source="test", now=NOW)
        with store.read() as work:
            assert work.known_emails.account(System.JIRA, f"p{number}@example.com") == f"u{number}"
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(120))) == list(range(120))
    for store in stores:
        store.database.close()


def test_a_wait_of_psycopg_that_lasts_too_long_ends_as_the_store_expects(postgresql_url: str) -> None:
    """The name of that error is psycopg's own: another version may raise another."""
    url = make_url(postgresql_url)
    with psycopg.connect(dbname=url.database, host=url.host, port=url.port, user=url.username) as connection:
        nothing_comes = psycopg.generators.notifies(connection.pgconn)
        with pytest.raises(psycopg.errors._WaitTimeout):
            connection.wait(nothing_comes, timeout=0.01)


def test_the_server_ends_a_transaction_whose_process_says_nothing_more(working: Store) -> None:
    """Others wait for its locks. A session between two transactions may rest, and a pooler may give it to others."""
    shown = text("SHOW idle_in_transaction_session_timeout")
    with working.write() as work:
        assert work.connection.execute(shown).scalar() == "8s"
        allow_long_statements(work.connection)
        assert work.connection.execute(shown).scalar() == "10min"
    with working.read() as work:
        assert work.connection.execute(shown).scalar() == "0"
