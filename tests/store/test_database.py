"""The connections to PostgreSQL: an access is one writer's at a time, and what broke is found out and replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from store.database import Database, allow_long_statements
from store.unit_of_work import Store, Unavailable
from tests.store.records import add_request

_BREAK = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def cluster(postgresql_url: str) -> Iterator[Store]:
    database = Database(postgresql_url, pool_size=2)
    yield Store(database)
    database.close()


def end_connections(url: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(_BREAK)
    engine.dispose()


def test_how_long_a_statement_may_wait_for_its_answer(sqlite_url: str, cluster: Store) -> None:
    """Half a minute for another process that writes to the file; eight seconds for a server, ten minutes where that is said."""
    file = Database(sqlite_url)
    with file.read() as connection:
        assert connection.execute(text("PRAGMA busy_timeout")).scalar_one() == 30_000
    file.close()
    with cluster.database.read() as connection:
        driver: Any = connection.connection.dbapi_connection
        assert driver.silence_seconds == 8
        allow_long_statements(connection)
        assert driver.silence_seconds == 600
    with cluster.database.read() as connection:
        driver = connection.connection.dbapi_connection
        assert driver.silence_seconds == 8, "the next transaction is short again"


def test_an_access_is_held_by_one_writer_at_a_time(cluster: Store) -> None:
    def write(access: str) -> None:
        with cluster.write(holding=access) as work:
            add_request(work, access)

    with ThreadPoolExecutor(1) as pool:
        with cluster.write(holding="one"):
            waiting = pool.submit(write, "one")
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
        waiting.result(300)
        with cluster.write(holding="one"):
            pool.submit(write, "another").result(300)


@pytest.mark.parametrize("holding", [None, "one"])
def test_a_connection_that_broke_fails_one_write_and_not_the_next(
    cluster: Store, postgresql_url: str, holding: str | None
) -> None:
    with cluster.write(holding=holding) as work:
        add_request(work)
    end_connections(postgresql_url)
    with pytest.raises(Unavailable), cluster.write(holding=holding) as work:
        add_request(work, "r2")
    with cluster.write(holding=holding) as work:
        add_request(work, "r2")
    with cluster.read() as work:
        assert work.requests.counts() == {"received": 2}


def test_a_connection_that_comes_back_after_the_store_was_closed_is_closed(store: Store) -> None:
    with store.database.read() as connection:
        driver: Any = connection.connection.dbapi_connection
        store.database.close()
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    with pytest.raises(Exception, match="closed"):
        driver.execute("SELECT 1")


def test_a_new_sqlite_store_and_the_files_beside_it_are_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/var/provisor.db")
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE one (n INTEGER)")
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "var").iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert set(modes) == {"provisor.db", "provisor.db-wal", "provisor.db-shm"}
    assert set(modes.values()) == {0o600}
