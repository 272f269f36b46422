"""``INSERT … ON CONFLICT``: each database has a form of its own, and SQLAlchemy none for both."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(table: Table, connection: Connection) -> postgresql.Insert:
    """An insert as the connection's database has it."""
    statement: postgresql.Insert = insert_for(table, connection.dialect.name)
    return statement


@cache
def insert_for(table: Table, dialect: str) -> Any:
    """The same for a dialect by its name."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
