"""The audit trail is append-only, and whatever is done to it past its triggers is found and located to a batch."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from access import actors
from access.clock import ManualClock
from access.failures import Transient
from access.seals import NOTHING, Anchored, SealKind, Signer, leaf, sealed
from store.audit import AuditRow, row_facts
from store.database import Database
from store.migrations import migrate
from store.queries.audit import Trail, trail
from store.rows import from_row, to_row
from store.seal_tables import audit_sealed, audit_seals
from store.tables import audit
from store.unit_of_work import Store
from tasks.audit_check import Verdict, verify
from tasks.restoring import Restoring
from tasks.sealing import BATCH, Sealing
from tests.store.past_triggers import past_triggers
from tests.tasks.audit_tampers import MINUTE, START, TAMPERS, rows_of
from tests.together import together

KEY = Signer("a-key-that-nobody-knows")


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=8)
    yield Store(database)
    database.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


class Outside:
    """A place outside, which may be away."""

    name = "outside"

    def __init__(self) -> None:
        self.noted: list[Anchored] = []
        self.away = False

    def read(self) -> Sequence[Anchored]:
        if self.away:
            raise Transient("It is away.")
        return list(self.noted)

    def note(self, anchored: Anchored) -> None:
        self.noted.append(anchored)


def write(store: Store, *names: str, at: datetime = START) -> None:
    with store.write() as work:
        for name in names:
            work.audit.record("request.received", "request", name, now=at, request_id=name, action="grant")


def sealed_batches(store: Store, clock: ManualClock, *, signer: Signer | None = None) -> Sealing:
    """Four batches of some rows each, and two rows that wait."""
    sealing = Sealing(store, clock, signer=signer)
    for number in range(4):
        write(store, *(f"r{number}-{each}" for each in range(3 + number)))
        sealing.seal()
        clock.advance(MINUTE)
    write(store, "waits-1", "waits-2")
    return sealing


def verdict(store: Store, *, signer: Signer | None = None, anchors: Sequence[Anchored] = ()) -> Verdict:
    with trail(store.database) as reading:
        return verify(reading, signer=signer, anchors=anchors)


def found(verdict_: Verdict) -> list[tuple[int | None, int | None]]:
    return [(each.seal, each.row) for each in verdict_.findings]


# Append-only

FORGED_SEAL = """
    INSERT INTO audit_seals (number, kind, rows, digest, previous, sealed_at, hash)
    VALUES (9, 'rows', 0, 'x', 'y', '2026-11-30 09:00:00', 'z')
"""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'provisor'",
        "DELETE FROM audit",
        "UPDATE audit_seals SET rows = 7",
        "DELETE FROM audit_seals",
        "UPDATE audit_sealed SET salt = NULL",
        "UPDATE audit_sealed SET seal = 1, digest = 'x' WHERE seal = 2",
        "UPDATE audit_sealed SET removed_by = 1, salt = NULL",
        "DELETE FROM audit_sealed",
        "INSERT INTO audit_sealed (audit_id, seal, digest) VALUES (900, 1, 'x')",
        FORGED_SEAL,
    ],
)
def test_the_database_keeps_the_trail_as_it_was_written(store: Store, clock: ManualClock, statement: str) -> None:
    sealed_batches(store, clock)
    with store.database.engine.connect() as connection, pytest.raises(IntegrityError, match=r"may not|may only"):
        connection.execute(text(statement))
    assert verdict(store).count == 0


def test_the_trail_cannot_be_emptied(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with database.engine.connect() as connection, pytest.raises(IntegrityError, match="may not be emptied"):
        connection.execute(text("TRUNCATE audit"))
    database.close()


@pytest.mark.parametrize("actor", ["grace", "operator", "operator:", "producer:", "", "system"])
def test_nobody_else_is_an_author(store: Store, actor: str) -> None:
    with store.write() as work, pytest.raises(ValueError, match="no actor"):
        work.audit.record("request.done", "request", "r1", now=START, actor=actor)
    row = {"at": START, "actor": actor, "event": "e", "entity": "x", "entity_id": "1", "detail": {}}
    with store.database.engine.connect() as connection, pytest.raises(IntegrityError, match="this author"):
        connection.execute(insert(audit).values(row))


def test_the_authors_that_there_are_are_taken(store: Store) -> None:
    authors = [actors.PROVISOR, actors.SCHEDULER, actors.operator("grace"), actors.producer("rabbitmq:shop")]
    with store.write() as work:
        for author in authors:
            work.audit.record("request.done", "request", "r1", now=START, actor=author)
    with store.read() as work:
        assert [row.actor for _, row in work.audit.after(0)] == authors


# Sealing


def test_what_was_written_is_sealed_once_and_each_minute_at_most(store: Store, clock: ManualClock) -> None:
    sealing = Sealing(store, clock)
    write(store, "r1", "r2")
    sealing.turn()
    write(store, "r3")
    sealing.turn()
    assert (verdict(store).seals, verdict(store).rows, verdict(store).waiting) == (1, 2, 1)
    clock.advance(MINUTE)
    sealing.turn()
    clock.advance(MINUTE)
    sealing.turn()
    assert (verdict(store).seals, verdict(store).rows, verdict(store).waiting, verdict(store).count) == (2, 3, 0, 0)


def test_rows_that_are_committed_late_are_neither_missed_nor_sealed_twice(
    postgresql_url: str, clock: ManualClock
) -> None:
    """PostgreSQL gives numbers before the commit: a row with a small number may appear after a greater one was sealed."""
    database = Database(postgresql_url, pool_size=4)
    store = Store(database)
    sealing = Sealing(store, clock)
    with store.write() as late:
        late.audit.record("request.received", "request", "late", now=START)
        late.audit.flush()
        write(store, "r1")
        assert sealing.seal() == 1
        write(store, "r2")
        assert sealing.seal() == 1
    assert sealing.seal() == 1
    with trail(database) as reading:
        batches = [(member.row["entity_id"], member.seal) for member in reading.members() if member.row]
    assert batches == [("r1", 1), ("r2", 2), ("late", 3)]
    assert verdict(store).count == 0
    database.close()


def test_writers_and_two_sealers_at_once_leave_one_chain_over_all_rows(store: Store, clock: ManualClock) -> None:
    def writer(name: str) -> None:
        for number in range(25):
            write(store, f"{name}-{number}")

    def sealer() -> None:
        sealing = Sealing(store, clock)
        for _ in range(25):
            sealing.seal()

    works: list[Callable[[], None]] = [partial(writer, "a"), partial(writer, "b"), sealer, sealer]
    together(works)
    Sealing(store, clock).seal()
    seen = verdict(store)
    assert (seen.rows, seen.waiting, seen.findings) == (50, 0, [])


def test_a_turn_that_a_wrong_clock_set_far_ahead_keeps_nothing_from_being_sealed(
    store: Store, clock: ManualClock
) -> None:
    ahead = ManualClock(START + timedelta(days=365))
    Sealing(store, ahead).turn()
    write(store, "r1")
    Sealing(store, clock).turn()
    assert verdict(store).rows == 1


@pytest.mark.parametrize("address", ["sqlite", "empty_postgresql"])
def test_rows_of_the_version_before_keep_their_authors_and_are_sealed(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock, address: str
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}" if address == "sqlite" else request.getfixturevalue(address)
    database = Database(url, pool_size=2)
    migrate(database, revision="0009")
    row = {"at": START, "actor": "ada@example.com", "event": "e", "entity": "x", "entity_id": "1", "detail": {"ü": 1.5}}
    with database.write() as connection:
        connection.execute(insert(audit), [row] * 3)
    migrate(database)
    store = Store(database)
    assert Sealing(store, clock).seal() == 3
    with trail(database) as reading:
        assert {each["actor"] for each in reading.rows()} == {"ada@example.com"}
    assert (verdict(store).rows, verdict(store).count) == (3, 0)
    database.close()


# What is found


def test_any_single_change_of_a_row_or_a_seal_is_found(store: Store, clock: ManualClock) -> None:
    sealed_batches(store, clock, signer=KEY)
    assert (verdict(store, signer=KEY).count, verdict(store, signer=KEY).signed) == (0, 4)

    @hypothesis_settings(max_examples=60)
    @given(name=st.sampled_from(sorted(TAMPERS)), picks=st.lists(st.integers(0, 1000), min_size=3, max_size=3))
    def whatever_is_done_is_found(name: str, picks: list[int]) -> None:
        left = iter(picks)
        with past_triggers(store.database, kept=False) as connection:
            TAMPERS[name](connection, lambda choices: next(left) % choices)
            assert verify(Trail(connection), signer=KEY).count, name

    whatever_is_done_is_found()
    for name, tamper in TAMPERS.items():
        with past_triggers(store.database, kept=False) as connection:
            tamper(connection, lambda choices: choices - 1)
            assert verify(Trail(connection), signer=KEY).count, name
    assert verdict(store, signer=KEY).count == 0


def test_what_is_found_is_located_to_its_batch_and_row(store: Store, clock: ManualClock) -> None:
    sealed_batches(store, clock)
    with trail(store.database) as reading:
        members = list(reading.members())
    changed, gone = members[4], members[8]
    with past_triggers(store.database) as connection:
        connection.execute(update(audit).where(audit.c.id == changed.number).values(entity_id="x"))
        connection.execute(delete(audit).where(audit.c.id == gone.number))
    assert found(verdict(store)) == [(changed.seal, changed.number), (gone.seal, gone.number)]
    assert (changed.seal, gone.seal) == (2, 3)


def written_anew(connection: Connection, from_seal: int) -> None:
    """A whole new chain from one batch on, by somebody who knows how it is made and has no key."""
    previous = NOTHING
    for seal in connection.execute(select(audit_seals).order_by(audit_seals.c.number)).mappings().all():
        if seal["number"] < from_seal:
            previous = seal["hash"]
            continue
        places = connection.execute(select(audit_sealed).where(audit_sealed.c.seal == seal["number"])).mappings().all()
        digests = []
        for place in sorted(places, key=lambda each: each["audit_id"]):
            row = connection.execute(select(audit).where(audit.c.id == place["audit_id"])).mappings().one()
            digests.append(leaf(place["salt"], row_facts(row["id"], from_row(AuditRow, row))))
            changed = update(audit_sealed).where(audit_sealed.c.audit_id == place["audit_id"])
            connection.execute(changed.values(digest=digests[-1]))
        new = sealed(seal["number"], SealKind.ROWS, previous=previous, at=seal["sealed_at"], leaves=digests)
        connection.execute(delete(audit_seals).where(audit_seals.c.number == new.number))
        connection.execute(insert(audit_seals).values(to_row(new)))
        previous = new.hash


def test_a_chain_that_was_written_anew_is_found_by_the_key_and_by_what_was_noted_outside(
    store: Store, clock: ManualClock
) -> None:
    place = Outside()
    sealing = Sealing(store, clock, signer=KEY, places=[place])
    for number in range(4):
        write(store, f"r{number}")
        sealing.seal()
        sealing.anchor()
        clock.advance(MINUTE)
    with past_triggers(store.database) as connection:
        connection.execute(update(audit).where(audit.c.entity_id == "r2").values(entity_id="x"))
        written_anew(connection, 3)
    assert verdict(store).count == 2  # Not signed any more, and seals before were.
    assert found(verdict(store, signer=KEY)) == [(3, None), (4, None)]
    outside = verdict(store, anchors=place.noted)
    assert {each.seal for each in outside.findings} == {3, 4}
    assert (outside.anchors, outside.anchored_to) == (2, 2)


# An older database


def test_an_older_database_is_found_and_what_is_noted_outside_is_not_overwritten(
    store: Store, clock: ManualClock
) -> None:
    place = Outside()
    Sealing(store, clock, places=[place]).seal()
    write(store, "r1")
    sealing = Sealing(store, clock, places=[place])
    sealing.seal()
    right, place.noted = place.noted, [Anchored(1, "0" * 64, START), Anchored(3, "1" * 64, START)]
    for _ in range(2):
        sealing.anchor()
    assert len(place.noted) == 2
    with store.read() as work:
        [alarm] = work.alarms.lasting()
    assert (alarm.kind, alarm.ref, "Seal 1, noted at" in alarm.what) == ("contradicted", place.name, True)
    assert {each.seal for each in verdict(store, anchors=place.noted).findings} == {1, 3}
    place.noted = right
    sealing.anchor()
    with store.read() as work:
        assert not work.alarms.lasting(), "what is noted agrees with the chain again"


def test_a_restore_makes_a_signed_break_that_explains_what_is_noted_outside(store: Store, clock: ManualClock) -> None:
    place = Outside()
    sealing = Sealing(store, clock, signer=KEY, places=[place])
    write(store, "r1")
    sealing.seal()
    place.noted = [Anchored(3, "1" * 64, clock.now())]  # Of the database that is not there any more.
    clock.advance(MINUTE)
    assert Restoring(store, clock, by="grace", signer=KEY).begin()
    seen = verdict(store, signer=KEY, anchors=place.noted)
    assert (seen.findings, seen.breaks, seen.lost_anchors, seen.signed) == ([], [clock.now()], 1, 2)
    with store.read() as work:
        broken = work.seals.newest()
    assert broken is not None
    assert broken.statement is not None
    assert broken.statement["by"] == "operator:grace"
    sealing.seal()
    sealing.anchor()
    assert verdict(store, signer=KEY, anchors=place.noted).anchors == 1
    clock.advance(MINUTE)
    place.noted.append(Anchored(7, "2" * 64, clock.now()))  # Noted after the break: that one is not explained.
    assert verdict(store, signer=KEY, anchors=place.noted).count == 1


def test_the_first_seal_is_noted_soon_although_there_was_none_when_it_was_time(
    store: Store, clock: ManualClock
) -> None:
    place = Outside()
    sealing = Sealing(store, clock, places=[place])
    sealing.turn()
    write(store, "r1")
    clock.advance(5 * MINUTE)
    sealing.turn()
    assert [each.number for each in place.noted] == [1]


def test_a_place_that_is_away_keeps_nothing_from_being_sealed(store: Store, clock: ManualClock) -> None:
    place = Outside()
    place.away = True
    sealing = Sealing(store, clock, places=[place])
    write(store, "r1")
    sealing.turn()
    assert (verdict(store).rows, place.noted) == (1, [])
    place.away = False
    clock.advance(5 * MINUTE)
    sealing.turn()
    assert [each.number for each in place.noted] == [1]


# Retention and erasure


def test_rows_that_were_kept_long_enough_go_and_the_seals_stay_valid(store: Store, clock: ManualClock) -> None:
    sealing = sealed_batches(store, clock)
    assert sealing.forget(older_than=2 * MINUTE) == 7
    assert sealing.forget(older_than=2 * MINUTE) == 0
    sealing.seal()
    seen = verdict(store)
    assert (seen.findings, seen.removed, seen.rows) == ([], 7, 14)
    with past_triggers(store.database) as connection:
        rows = rows_of(connection)
        connection.execute(update(audit).where(audit.c.id == rows[0]).values(entity_id="x"))
    assert found(verdict(store)) == [(3, rows[0])]


def test_a_row_that_is_erased_leaves_nothing_but_its_digest(store: Store, clock: ManualClock) -> None:
    sealing = sealed_batches(store, clock)
    with trail(store.database) as reading:
        erased = [member.number for member in reading.members()][5:7]
        waiting = max(row["number"] for row in reading.rows())
    assert sealing.erase([*erased, waiting, 9000], by="grace", reason="asked by the person") == erased
    assert sealing.erase(erased, by="grace", reason="again") == []
    seen = verdict(store)
    assert (seen.findings, seen.removed) == ([], 2)
    with trail(store.database) as reading:
        left = {member.number: (member.salt, member.row) for member in reading.members()}
    assert [left[number] for number in erased] == [(None, None)] * 2


def test_nobody_passes_a_deletion_off_as_an_erasure(store: Store, clock: ManualClock) -> None:
    sealing = sealed_batches(store, clock)
    with trail(store.database) as reading:
        numbers = [member.number for member in reading.members()]
    sealing.erase(numbers[:1], by="grace", reason="asked by the person")
    with past_triggers(store.database) as connection:
        connection.execute(delete(audit).where(audit.c.id == numbers[1]))
        connection.execute(update(audit_sealed).where(audit_sealed.c.audit_id == numbers[1]).values(removed_by=5))
    assert found(verdict(store)) == [(1, numbers[1])]


# As long as it may be


def check_bounded(store: Store, clock: ManualClock, rows: int) -> None:
    for start in range(0, rows, 5000):
        write(store, *(f"r{number}" for number in range(start, min(start + 5000, rows))))
    assert Sealing(store, clock).seal() == rows
    with trail(store.database) as reading:
        tracemalloc.start()
        seen = verify(reading)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (seen.count, seen.rows, seen.seals) == (0, rows, -(-rows // BATCH))
    assert peak < 12 * 2**20


def test_a_long_trail_is_verified_in_little_memory(store: Store, clock: ManualClock) -> None:
    check_bounded(store, clock, 3_000)


@pytest.mark.long
def test_a_hundred_thousand_rows_are_verified_in_as_little_memory(store: Store, clock: ManualClock) -> None:
    check_bounded(store, clock, 100_000)
