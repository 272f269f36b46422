"""A check that the store can be written to, without writing anything."""

from __future__ import annotations

from sqlalchemy import false, update
from sqlalchemy.exc import SQLAlchemyError

from store.database import Database
from store.tables import requests


def why_not_writable(database: Database) -> str | None:
    """The database's reason why it cannot be written to; None when it can.

    An update of no row needs the same rights, and on SQLite the same lock, as any other.
    """
    try:
        with database.write() as connection:
            connection.execute(update(requests).where(false()).values(reason=None))
    except SQLAlchemyError as exc:
        return str(getattr(exc, "orig", None) or exc).strip().partition("\n")[0].rstrip(".")
    return None
