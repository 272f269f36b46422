"""Opens a store without migrating it: other processes may be working on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import false, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from access.remedies import WithRemedy
from store.database import Database
from store.migrations import NewerStore, current_revision, migrate
from store.revision import REVISION
from store.tables import requests
from store.unit_of_work import Store, Unavailable


class StoreUnusable(WithRemedy, Exception):  # noqa: N818 - what an operator is told
    """The store cannot be used."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(what, remedy)


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite store; None for other databases, and for SQLite in memory."""
    database = make_url(url).database if url.startswith("sqlite") else None
    return Path(database) if database not in (None, "", ":memory:") else None


@contextmanager
def usable(shown: str) -> Iterator[None]:
    """Turn errors of the database into ``StoreUnusable``. ``shown`` is the address without secrets."""
    try:
        yield
    except (SQLAlchemyError, Unavailable) as exc:
        said = str(getattr(exc, "orig", None) or exc).strip().partition("\n")[0].rstrip(".")
        raise StoreUnusable(
            f"The store at {shown} cannot be used: {said}.", "Check store.url, and that the database can be reached."
        ) from exc
    except NewerStore as exc:
        raise StoreUnusable(
            f"The store at {shown} was made by a newer version of Provisor.", "Use that version, or a newer one."
        ) from exc
    except BrokenPipeError:
        raise  # The reader of our output has gone: no fault of the store.
    except OSError as exc:
        raise StoreUnusable(
            f"The store at {shown} cannot be used: {exc.strerror}.", "Check store.url, and who may write there."
        ) from exc


@contextmanager
def open_existing(url: str, *, shown: str, create: bool) -> Iterator[Store]:
    """The store as it is, closed at the end; ``create`` makes the store when there is none.

    Raises ``StoreUnusable`` when there is no store, or when another version of Provisor made it.
    """
    file = sqlite_file(url)
    if file is not None and not file.exists() and not create:
        raise StoreUnusable(
            f"There is no store at {file} yet.", "Start 'provisor up', or name its settings with --config."
        )
    with usable(shown):
        database = Database(url, pool_size=2)
        try:
            _in_form(database, shown, create=create)
            yield Store(database)
        finally:
            database.close()


def _in_form(database: Database, shown: str, *, create: bool) -> None:
    with database.read() as connection:
        found = current_revision(connection)
    if found == REVISION:
        return
    if found is None and create:
        migrate(database)
        return
    if found is None:
        raise StoreUnusable(f"The store at {shown} is empty.", "Start 'provisor up', which makes its tables.")
    raise StoreUnusable(
        f"The store at {shown} has the form of another version of Provisor.",
        "Start this version's 'provisor up', which brings it up to date, or use the other version.",
    )


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
