"""``INSERT … ON CONFLICT``: each database has a form of its own, and SQLAlchemy none for both."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert


def insert_into(table: Table, connection: Connection) -> Insert:
    """An insert as the connection's database has it.

    The other database's dialect is not imported: that would take a tenth of the start of a command.
    """
    return insert_for(table, connection.dialect.name)


@cache
def insert_for(table: Table, dialect: str) -> Insert:
    """The same for a dialect by its name."""
    module: Any = import_module(f"sqlalchemy.dialects.{dialect}")
    statement: Insert = module.insert(table)
    return statement
