from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text

from access.lifecycle import transitions
from store.database import Database
from store.migrations import current_revision, migrate, newest_revision
from store.tables import metadata
from store.unit_of_work import Store
from tests.store.records import add_request


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'down' / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgresql")
    return url


def test_migrations_bring_an_empty_database_to_the_tables(empty_url: str) -> None:
    database = Database(empty_url)
    migrate(database)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_migrations_make_every_check_of_the_tables(empty_url: str) -> None:
    """Alembic compares no CHECK constraints: by their names, and their number."""
    database = Database(empty_url)
    migrate(database)
    with database.read() as connection:
        found = inspect(connection)
        for table in metadata.sorted_tables:
            wanted = {check.name for check in table.constraints if isinstance(check, CheckConstraint)}
            made = {check["name"] for check in found.get_check_constraints(table.name)}
            assert made == wanted, table.name
    database.close()


def test_migrating_again_changes_nothing(empty_url: str) -> None:
    database = Database(empty_url)
    migrate(database)
    with Store(database).write() as work:
        add_request(work)
    migrate(database)
    with Store(database).read() as work:
        assert work.requests.get("r1") is not None
    with database.read() as connection:
        assert current_revision(connection) == newest_revision()
    database.close()


def test_several_may_migrate_at_once(empty_url: str) -> None:
    start = Barrier(4)

    def one() -> str | None:
        database = Database(empty_url, pool_size=1)
        start.wait(10)
        migrate(database)
        with database.read() as connection:
            found = current_revision(connection)
        database.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert {future.result() for future in [pool.submit(one) for _ in range(4)]} == {newest_revision()}


@pytest.mark.long
def test_several_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from store.database import Database; from store.migrations import migrate; "
        "database = Database(sys.argv[1]); sys.stdin.readline(); migrate(database)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'new.db'}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    said = [process.communicate(b"go\n", timeout=30)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said


def test_the_database_holds_the_lifecycle_of_the_domain(store: Store) -> None:
    with store.database.read() as connection:
        rows = connection.execute(text("SELECT entity, from_state, to_state FROM lifecycle")).all()
    assert sorted(tuple(row) for row in rows) == transitions()
