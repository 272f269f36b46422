"""A database and queues for one measurement, removed after it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from kombu import Connection
from kombu.exceptions import OperationalError as BrokerAway
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError as DatabaseAway

from access.operations import Lane
from worker.queues import Queues

#: Addresses of the machine's services; the tests read the same variables.
POSTGRESQL = os.environ.get("PROVISOR_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
RABBITMQ = os.environ.get("PROVISOR_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")

EMBEDDED = "embedded: SQLite, memory://"
CLUSTER = "cluster: PostgreSQL, RabbitMQ"


class Absent(Exception):  # noqa: N818 - a fact about the machine
    """A service that this machine does not have."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker runs. ``folder`` holds its files and logs."""

    name: str
    folder: Path
    store_url: str
    broker_url: str
    prefix: str = ""

    @property
    def queues(self) -> Queues:
        return Queues(prefix=self.prefix, amqp=self.broker_url.startswith("amqp"))

    @property
    def within(self) -> bool:
        """Whether only the worker's own process reaches its broker."""
        return self.broker_url.startswith("memory")


@contextmanager
def new_place(name: str) -> Iterator[Place]:
    """A fresh place of this kind. Raises ``Absent``."""
    with tempfile.TemporaryDirectory(prefix="provisor-bench-") as folder:
        if name == EMBEDDED:
            yield Place(name, Path(folder), f"sqlite:///{folder}/bench.db", "memory://")
        else:
            with _database() as store_url, _queues() as prefix:
                yield Place(name, Path(folder), store_url, RABBITMQ, prefix)


@contextmanager
def _database() -> Iterator[str]:
    server = make_url(POSTGRESQL)
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"provisor_bench_{token_hex(6)}"
    try:
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except DatabaseAway as exc:
        engine.dispose()
        raise Absent(f"PostgreSQL cannot be reached: {exc.orig}") from exc
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        engine.dispose()


@contextmanager
def _queues() -> Iterator[str]:
    prefix = f"bench-{token_hex(4)}."
    try:
        with Connection(RABBITMQ, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1)
    except (BrokerAway, OSError) as exc:
        raise Absent(f"RabbitMQ cannot be reached: {exc}") from exc
    try:
        yield prefix
    finally:
        queues = Queues(prefix=prefix, amqp=True)
        mine = [queues.intake, queues.returned, queues.dead, *(queues.lane(lane) for lane in Lane)]
        with Connection(RABBITMQ) as connection, connection.channel() as channel:
            for queue in mine:
                queue(channel).delete()
