"""Faults of a real database, mended when the block ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from store.revision import REVISION

#: A fault of the database at an address.
DatabaseFault = Callable[[str], AbstractContextManager[None]]


def execute(url: str, *statements: str) -> None:
    """Carry statements out in one transaction on a connection of their own."""
    engine = create_engine(make_url(url), poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@contextmanager
def table_missing(url: str, table: str = "requests") -> Iterator[None]:
    execute(url, f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        execute(url, f"ALTER TABLE {table}_away RENAME TO {table}")


@contextmanager
def right_missing(url: str) -> Iterator[None]:
    """Nobody but the owner and superusers may insert requests (PostgreSQL)."""
    execute(url, "REVOKE INSERT ON requests FROM PUBLIC")
    try:
        yield
    finally:
        execute(url, "GRANT INSERT ON requests TO PUBLIC")


@contextmanager
def other_revision(url: str) -> Iterator[None]:
    """Another version of Provisor has migrated the store."""
    execute(url, "UPDATE alembic_version SET version_num = 'later'")
    try:
        yield
    finally:
        execute(url, f"UPDATE alembic_version SET version_num = '{REVISION}'")  # noqa: S608 - our own constant
