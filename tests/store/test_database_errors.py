"""What the store makes of the database's errors: only a violated constraint or a refused value is a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, OperationalError

from store.database import Database
from store.unit_of_work import Conflict, OtherRevision, Store, Unavailable, UnitOfWork
from tests.fakes.database_faults import other_revision
from tests.store.records import add_request


def run(work: UnitOfWork, *statements: str) -> None:
    for statement in statements:
        work._connection.execute(text(statement))


@pytest.mark.parametrize("statement", ["SELECT 1 FROM nowhere", "SELECT nothing FROM requests", "SELEC 1"])
def test_a_missing_table_or_column_is_no_verdict(store: Store, statement: str) -> None:
    with pytest.raises(Unavailable), store.write() as work:
        run(work, statement)
    with pytest.raises(Unavailable), store.read() as work:
        run(work, statement)


@pytest.mark.parametrize(
    "statements",
    [
        ["SET LOCAL transaction_read_only = on", "DELETE FROM outbox"],  # SQLSTATE 25006, as after a failover
        ["SET LOCAL statement_timeout = 1", "SELECT pg_sleep(1)"],  # 57014
        ["SET LOCAL lock_timeout = 1", "LOCK TABLE requests"],  # 55P03
        ["SELECT 1 FROM nowhere"],  # 42P01
    ],
)
def test_no_state_of_postgresql_is_a_verdict(postgresql_url: str, statements: list[str]) -> None:
    database = Database(postgresql_url, pool_size=2)
    with database.write() as other:
        other.execute(text("LOCK TABLE requests"))
        with pytest.raises(Unavailable), Store(database).write() as work:
            run(work, *statements)
    database.close()


@pytest.fixture
def without_rights(postgresql_url: str) -> Iterator[Store]:
    """The store for a user who may look at requests and may not write."""
    name = f"provisor_test_{token_hex(4)}"
    owner = Database(postgresql_url, pool_size=1)
    with owner.write() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text(f"GRANT SELECT ON requests TO {name}"))
    database = Database(make_url(postgresql_url).set(username=name).render_as_string(hide_password=False), pool_size=1)
    yield Store(database)
    database.close()
    with owner.write() as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))
    owner.close()


def test_a_missing_right_is_no_verdict(without_rights: Store) -> None:
    with pytest.raises(Unavailable, match="permission denied"), without_rights.write() as work:
        add_request(work)


def test_a_violated_constraint_is_a_conflict(store: Store) -> None:
    with store.write() as work:
        add_request(work)
    with pytest.raises(Conflict), store.write() as work:
        add_request(work)


def test_a_violated_constraint_is_no_verdict_in_a_store_of_another_version(store: Store, store_url: str) -> None:
    with store.write() as work:
        add_request(work)
    with other_revision(store_url), pytest.raises(OtherRevision), store.write() as work:
        add_request(work)


@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT 'x'::integer"])  # SQLSTATE 22012, 22P02
def test_a_refused_value_is_not_waited_out(postgresql_url: str, statement: str) -> None:
    database = Database(postgresql_url, pool_size=1)
    with pytest.raises(DataError), Store(database).write() as work:
        run(work, statement)
    database.close()


def test_a_value_beyond_the_limits_of_postgresql_is_not_waited_out(postgresql_url: str) -> None:
    """A key that no index holds is SQLSTATE 54000: it would never be taken, however often it is tried again."""
    database = Database(postgresql_url, pool_size=1)
    long = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 200) AS n"
    with pytest.raises(OperationalError, match="index row size"), Store(database).write() as work:
        run(work, "INSERT INTO fuse_scopes (scope) " + long)
    database.close()


def test_a_unit_of_work_knows_the_revision_of_its_store(store: Store, store_url: str) -> None:
    with store.read() as work:
        work.require_own_revision()
    with other_revision(store_url), pytest.raises(OtherRevision, match="later"), store.read() as work:
        work.require_own_revision()
