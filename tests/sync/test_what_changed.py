"""A run that is told what changed reads that, and keeps the rest as it was."""

from __future__ import annotations

from datetime import datetime, timedelta

from access.snapshots import RunState
from store.queries.snapshots import Filters, Queries
from tests.sync.conftest import EngineHarness
from tests.sync.test_whole_or_nothing import truth


def first_seen(engine: EngineHarness) -> dict[tuple[str, str], datetime]:
    with engine.store.database.one_moment() as connection:
        rows = list(Queries(connection).grants(Filters()))
    return {(row["resource"], row["account"]): row["first_seen"] for row in rows}


def test_an_unchanged_system_is_not_read_again(engine: EngineHarness) -> None:
    engine.sync()
    engine.system.events = []
    engine.system.reads.clear()
    run = engine.sync()
    assert run.state is RunState.COMPLETE
    assert not engine.system.reads
    assert engine.members() == truth(engine)
    assert engine.accounts() == set(engine.system.users)


def test_each_run_counts_its_own_calls(engine: EngineHarness) -> None:
    first = engine.sync()
    assert first.calls == engine.system.reads.total() > 0
    second = engine.sync(full=True)
    assert first.calls + second.calls == engine.system.reads.total()
    assert second.calls > 0


def test_only_touched_lists_are_read_and_the_others_kept(engine: EngineHarness) -> None:
    engine.sync()
    engine.system.members["group1"].append("user9")
    engine.system.events = ["members/group1"]
    engine.system.reads.clear()
    engine.sync()
    assert dict(engine.system.reads) == {"members/group1": 1}
    assert engine.members() == truth(engine)


def test_a_new_group_has_no_list_to_keep_and_is_read(engine: EngineHarness) -> None:
    engine.sync()
    engine.system.members["group9"] = ["user3"]
    engine.system.events = ["groups"]
    engine.system.reads.clear()
    engine.sync()
    assert dict(engine.system.reads) == {"groups": 1, "members/group9": 1}
    assert engine.members() == truth(engine)


def test_a_group_that_is_gone_takes_its_members_list_with_it(engine: EngineHarness) -> None:
    engine.sync()
    del engine.system.members["group2"]
    engine.system.events = ["groups"]
    engine.sync()
    assert engine.members() == truth(engine)


def test_a_touched_folder_touches_every_list_in_it(engine: EngineHarness) -> None:
    engine.sync()
    engine.system.events = ["members/"]
    engine.system.reads.clear()
    engine.sync()
    assert set(engine.system.reads) == {f"members/group{n}" for n in range(5)}


def test_events_are_hints_and_a_full_pass_on_a_longer_period_corrects_them(engine: EngineHarness) -> None:
    engine.sync()
    engine.system.events = []
    engine.system.members["group1"].append("user9")  # and no event tells of it
    engine.clock.advance(timedelta(hours=23))
    engine.sync()
    assert ("group1", "user9") not in engine.members()
    engine.clock.advance(timedelta(hours=1, minutes=1))
    engine.sync()
    assert engine.members() == truth(engine)


def test_a_full_pass_can_be_asked_for(engine: EngineHarness) -> None:
    engine.sync()
    engine.system.events = []
    engine.system.members["group1"].append("user9")
    engine.sync(full=True)
    assert engine.members() == truth(engine)


def test_a_grant_is_known_since_it_was_first_seen(engine: EngineHarness) -> None:
    engine.sync()
    then = first_seen(engine)[("group1", "user1")]
    engine.clock.advance(timedelta(hours=2))
    engine.system.members["group1"].append("user9")
    engine.sync()
    now = first_seen(engine)
    assert now[("group1", "user1")] == then
    assert now[("group1", "user9")] > then


def test_a_failed_run_between_changes_nothing_of_that(engine: EngineHarness) -> None:
    engine.sync()
    then = first_seen(engine)
    engine.clock.advance(timedelta(hours=2))
    engine.break_at("members/group4", PermissionError())
    assert engine.sync().state is RunState.FAILED
    engine.system.when_read = lambda _: None
    engine.sync()
    assert first_seen(engine) == then


def test_what_a_deleted_account_had_goes_with_it_though_no_event_tells_of_each_group(engine: EngineHarness) -> None:
    engine.system.events = ["users"]
    engine.sync()
    engine.clock.advance(timedelta(hours=1))
    engine.system.users.remove("user3")
    for users in engine.system.members.values():
        if "user3" in users:
            users.remove("user3")
    engine.system.reads.clear()
    assert engine.sync().state is RunState.COMPLETE
    assert engine.members() == truth(engine)
    assert set(engine.system.reads) == {
        "users",
        "members/group0",
        "members/group1",
        "members/group2",
        "members/group3",
    }
