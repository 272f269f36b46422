from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, MetaData, bindparam, delete, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from access.entitlements import System
from access.lifecycle import transitions
from store.database import Database
from store.migrations import current_revision, migrate, newest_revision
from store.revision import REVISION
from store.tables import Moment, metadata
from store.unit_of_work import Store
from tasks.incoming_message import BEGINNING_BYTES, WHOLE_BYTES
from tests.store.records import add_request
from tests.together import together

MOMENT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


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
        assert current_revision(connection) == REVISION
    database.close()


def test_several_may_migrate_at_once(empty_url: str) -> None:
    databases = [Database(empty_url, pool_size=1) for _ in range(4)]
    together(partial(migrate, database) for database in databases)
    for database in databases:
        with database.read() as connection:
            assert current_revision(connection) == REVISION
        database.close()


def test_the_constant_names_the_newest_migration() -> None:
    assert newest_revision() == REVISION


#: Rows as the version of 22 November 2026 wrote them, in an order that foreign keys allow.
ROWS_BEFORE_THE_NAMES: dict[str, dict[str, object]] = {
    "sync_runs": {"id": "run1", "system": "jira", "state": "complete", "started_at": MOMENT, "finished_at": MOMENT},
    "parts": {"id": 7, "system": "jira", "name": "users", "read_at": MOMENT, "rows": 1, "complete": True},
    "picture_parts": {"run_id": "run1", "name": "users", "part_id": 7},
    "pictures": {"system": "jira", "run_id": "run1", "full_run_at": MOMENT, "began_at": MOMENT, "completed_at": MOMENT},
    "known_addresses": {
        "system": "jira",
        "email": "ada@example.com",
        "account_id": "u1",
        "source": "created",
        "learned_at": MOMENT,
    },
}
NEW_NAMES = {"pictures": "snapshots", "picture_parts": "snapshot_parts", "known_addresses": "known_emails"}


def test_a_store_of_the_version_before_is_brought_over_with_its_rows(empty_url: str) -> None:
    database = Database(empty_url)
    migrate(database, revision="0003")
    with database.write() as connection:
        before = MetaData()
        before.reflect(connection)
        for name, row in ROWS_BEFORE_THE_NAMES.items():
            moments = {column: Moment() for column, value in row.items() if value is MOMENT}
            statement = insert(before.tables[name]).values(
                {column: bindparam(column, value, type_=moments.get(column)) for column, value in row.items()}
            )
            connection.execute(statement)
    migrate(database)
    with database.read() as connection:
        assert not set(inspect(connection).get_table_names()) & set(NEW_NAMES)
        for table, row in ROWS_BEFORE_THE_NAMES.items():
            renamed = metadata.tables[NEW_NAMES.get(table, table)]
            [found] = connection.execute(select(renamed)).mappings()
            assert {column: found[column] for column in row} == row
        with pytest.raises(IntegrityError):  # The part is still held by its snapshot.
            connection.execute(delete(metadata.tables["parts"]))
    with Store(database).read() as work:
        snapshot = work.snapshots.current(System.JIRA)
        assert snapshot is not None
        assert snapshot.run_id == "run1"
        assert work.known_emails.account(System.JIRA, "ada@example.com") == "u1"
    database.close()


def test_requests_of_the_version_before_are_numbered_and_its_long_dead_letters_cut(empty_url: str) -> None:
    database = Database(empty_url)
    migrate(database, revision="0004")
    long = b"x" * (WHOLE_BYTES + 1)
    with database.write() as connection:
        before = MetaData()
        before.reflect(connection)
        plain = dict.fromkeys(("fingerprint", "action", "system", "entitlement", "subject", "source"), "x")
        for number, name in enumerate(("late", "early")):
            row = plain | {"id": name, "body": {}, "state": "received"}
            moment = bindparam("at", MOMENT - timedelta(seconds=number), type_=Moment())
            connection.execute(insert(before.tables["requests"]).values(**row, received_at=moment))
        moment = bindparam("at", MOMENT, type_=Moment())
        letter = {"body": long, "source": "queue", "reason": "long"}
        connection.execute(insert(before.tables["dead_letters"]).values(**letter, received_at=moment))
    migrate(database)
    with Store(database).read() as work:
        assert work.requests.sequences(["late", "early"]) == {"early": 1, "late": 2}
        [listed] = work.dead_letters.recent()
        letter_now = work.dead_letters.get(listed.id)
    assert letter_now is not None
    assert (letter_now.length, len(letter_now.body)) == (len(long), BEGINNING_BYTES)
    assert letter_now.sha256 == sha256(long).hexdigest()
    database.close()


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
    said = [process.communicate(b"go\n")[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said


def test_the_database_holds_the_lifecycle_of_the_domain(store: Store) -> None:
    with store.database.read() as connection:
        rows = connection.execute(text("SELECT entity, from_state, to_state FROM lifecycle")).all()
    assert sorted(tuple(row) for row in rows) == transitions()
