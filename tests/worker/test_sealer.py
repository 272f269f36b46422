"""The sealer's thread does what is due, and touches no store of another version."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from access.clock import ManualClock
from access.failures import Permanent
from access.seals import Anchored
from store.database import Database
from store.unit_of_work import OtherRevision, Store
from tasks.sealing import Sealing
from tests.patience import until
from worker.anchors import FileAnchor
from worker.revision_check import RevisionCheck
from worker.sealer import Sealer

START = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


def waits(store: Store) -> bool:
    with store.read() as work:
        return work.seals.waiting_since() is not None


def write(store: Store) -> None:
    with store.write() as work:
        work.audit.record("request.received", "request", "r1", now=START)


def test_what_was_written_is_sealed_by_the_thread(store: Store) -> None:
    write(store)
    sealer = Sealer(store, Sealing(store, ManualClock(START)), RevisionCheck(), look=timedelta(milliseconds=20))
    sealer.start()
    until(lambda: not waits(store), "the seal")
    sealer.stop()


def test_a_store_of_another_version_is_left_alone(store: Store) -> None:
    write(store)
    with store.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(OtherRevision):
        Sealer(store, Sealing(store, ManualClock(START)), RevisionCheck()).turn()
    assert waits(store)


def test_an_anchor_file_is_only_added_to_and_one_that_is_no_anchor_file_is_left_alone(tmp_path: Path) -> None:
    place = FileAnchor(tmp_path / "seals.jsonl")
    notes = [Anchored(number, str(number) * 64, START + timedelta(hours=number)) for number in (1, 2)]
    for note in notes:
        place.note(note)
    assert place.read() == notes
    assert FileAnchor(tmp_path / "none").read() == ()
    (tmp_path / "seals.jsonl").write_text('{"number": 1}\n')
    with pytest.raises(Permanent, match="a line of it is no seal"):
        place.read()
    with pytest.raises(Permanent, match="cannot be used"):
        FileAnchor(tmp_path / "no" / "folder").note(notes[0])
