"""What tests need of the machine: databases and brokers, each test with its own, all of it removed afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, delete, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from demo.patience import slowness
from store.database import Database
from store.migrations import migrate
from store.tables import metadata
from tests.machine import Amqp, AmqpAway, Redis, RedisAway
from tests.pgbouncer import PgBouncer, PgBouncerAway

#: Where the services of the machine are; each may be elsewhere, or nowhere.
POSTGRESQL = os.environ.get("PROVISOR_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
RABBITMQ = os.environ.get("PROVISOR_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")
REDIS = os.environ.get("PROVISOR_TEST_REDIS", "redis://127.0.0.1:6379/15")

#: Seconds of a quiet machine after which a test that does not end is stopped and shown.
_HANGS_SECONDS = 600.0

# How long an example takes says nothing about the code.
_UNCHECKED = [*settings.default.suppress_health_check, HealthCheck.too_slow]  # type: ignore[union-attr] # there is one
# The seed alone decides what is tried: no run begins with what failed in the one before.
# Hypothesis takes the same inputs every time where the environment says CI, unless it is told not to.
_EXPLORE = {"deadline": None, "suppress_health_check": _UNCHECKED, "database": None, "derandomize": False}
settings.register_profile("explore", settings.default, **_EXPLORE)
# The same inputs in every run, so that a run fails for a change and never by chance. New inputs are tried with
# ``--hypothesis-profile=explore --hypothesis-seed=N``.
settings.register_profile("tests", settings.get_profile("explore"), derandomize=True)
settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the slow folders begin, and leave the order within each as it is; give each test its limit."""
    hangs = pytest.mark.timeout(_HANGS_SECONDS * slowness())
    for item in items:
        item.add_marker(hangs)
    order = {name: place for place, name in enumerate(_SLOW)}
    items.sort(key=lambda item: order.get(item.path.relative_to(Path(__file__).parent).parts[0], len(order)))


def absent(service: str, why: object) -> NoReturn:
    """A service this machine lacks: skip, or fail where PROVISOR_REQUIRE_SERVICES says that it has to be there."""
    message = f"{service} cannot be reached: {why}"
    if os.environ.get("PROVISOR_REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


#: Where tests wait for processes and services, longest first: begun early, they do not keep everybody waiting at the end.
_SLOW = ("brokers", "crash", "demo", "sync", "flow", "cli", "worker", "tasks", "store")

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


@pytest.fixture(autouse=True, scope="session")
def _quiet_logs() -> None:
    quiet_logs()


def quiet_logs() -> None:
    """Logs go where pytest catches them: they are shown with a test that fails, and nowhere else."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL(POSTGRESQL)
    try:
        server.check()
    except OperationalError as exc:
        absent("PostgreSQL", exc.orig)
    yield server
    server.close()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: PostgreSQL) -> str:
    """A database that is only copied."""
    address = postgresql.new()
    migrate_at(address)
    return address


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: databases of tests need not survive a power cut, and thousands of commits
    need not wait for a disk.
    """
    shared = Path("/dev/shm")  # noqa: S108 - looked at, and used where it is a folder
    with TemporaryDirectory(prefix="provisor-", dir=shared if shared.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def migrated_sqlite(memory: Path) -> Path:
    """A database that is only copied."""
    file = memory / "migrated.db"
    migrate_at(f"sqlite:///{file}")
    return file


def migrate_at(address: str) -> None:
    database = Database(address, pool_size=1)
    migrate(database)
    database.close()


@pytest.fixture
def empty_postgresql(postgresql: PostgreSQL) -> Iterator[str]:
    address = postgresql.new()
    yield address
    postgresql.drop(address)


@pytest.fixture(scope="session")
def emptying_postgresql(migrated_postgresql: str) -> str:
    """What makes a used copy of that database a new one."""
    engine = create_engine(make_url(migrated_postgresql), poolclass=NullPool)
    with engine.connect() as connection:
        empty = [
            table for table in metadata.sorted_tables if connection.execute(select(table).limit(1)).first() is None
        ]
        numbered = connection.scalars(text("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'"))
        steps = [*(str(delete(table)) for table in empty), *(f"ALTER SEQUENCE {name} RESTART" for name in numbered)]
    engine.dispose()
    # As a replica, since triggers forbid to delete some of it.
    return "; ".join(["SET session_replication_role = replica", *steps])


@pytest.fixture(scope="session")
def used_postgresql() -> list[str]:
    """Databases that are as good as new."""
    return []


@pytest.fixture
def postgresql_url(
    postgresql: PostgreSQL, migrated_postgresql: str, emptying_postgresql: str, used_postgresql: list[str]
) -> Iterator[str]:
    """A fresh store on PostgreSQL."""
    address = used_postgresql.pop() if used_postgresql else postgresql.new(template=migrated_postgresql)
    yield address
    postgresql.empty(address, by=emptying_postgresql)
    used_postgresql.append(address)


@pytest.fixture
def pgbouncer_url(postgresql_url: str) -> Iterator[str]:
    """A fresh store on PostgreSQL behind a pooler in transaction mode."""
    with TemporaryDirectory(prefix="pgbouncer-") as folder:
        try:
            pooler = PgBouncer(postgresql_url, Path(folder))
        except PgBouncerAway as exc:
            absent("pgbouncer", exc)
        yield pooler.url
        pooler.close()


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, memory: Path) -> str:
    """A fresh store in a file."""
    file = memory / f"{token_hex(6)}.db"
    copyfile(migrated_sqlite, file)
    return f"sqlite:///{file}"


@pytest.fixture(autouse=True)
def _brokers_used() -> Iterator[list[Amqp | Redis]]:
    """The brokers a test has had to do with, cleaned after everything else of it has ended: a worker that still lives
    makes its queues anew. Being for every test, it is made first and ended last.
    """
    used: list[Amqp | Redis] = []
    yield used
    for broker in used:
        broker.clean()


@pytest.fixture
def rabbitmq(_brokers_used: list[Amqp | Redis]) -> Amqp:
    """RabbitMQ, with a prefix for queues that nobody else uses."""
    try:
        broker = Amqp(RABBITMQ, prefix=f"test-{token_hex(4)}.")
    except AmqpAway as exc:
        absent("RabbitMQ", exc)
    _brokers_used.append(broker)
    return broker


@pytest.fixture
def redis(_brokers_used: list[Amqp | Redis]) -> Redis:
    """Redis, with a prefix for keys that nobody else uses."""
    try:
        broker = Redis(REDIS, prefix=f"test-{token_hex(4)}.")
    except RedisAway as exc:
        absent("Redis", exc)
    _brokers_used.append(broker)
    return broker
