"""A run that is told what changed reads that, and keeps the rest as it was."""

from __future__ import annotations

from datetime import datetime, timedelta

from access.snapshots import RunState
from store.queries.snapshots import Filters, Queries
from tests.sync.conftest import Observatory
from tests.sync.test_whole_or_nothing import truth


def first_seen(observatory: Observatory) -> dict[tuple[str, str], datetime]:
    with observatory.store.database.read() as connection:
        rows = list(Queries(connection).grants(Filters()))
    return {(row["resource"], row["account"]): row["first_seen"] for row in rows}


def test_an_unchanged_system_is_not_read_again(observatory: Observatory) -> None:
    observatory.sync()
    observatory.system.events = []
    observatory.system.reads.clear()
    run = observatory.sync()
    assert run.state is RunState.COMPLETE
    assert not observatory.system.reads
    assert observatory.members() == truth(observatory)
    assert observatory.accounts() == set(observatory.system.users)


def test_only_touched_lists_are_read_and_the_others_kept(observatory: Observatory) -> None:
    observatory.sync()
    observatory.system.members["group1"].append("user9")
    observatory.system.events = ["members/group1"]
    observatory.system.reads.clear()
    observatory.sync()
    assert dict(observatory.system.reads) == {"members/group1": 1}
    assert observatory.members() == truth(observatory)


def test_a_new_group_has_no_list_to_keep_and_is_read(observatory: Observatory) -> None:
    observatory.sync()
    observatory.system.members["group9"] = ["user3"]
    observatory.system.events = ["groups"]
    observatory.system.reads.clear()
    observatory.sync()
    assert dict(observatory.system.reads) == {"groups": 1, "members/group9": 1}
    assert observatory.members() == truth(observatory)


def test_a_group_that_is_gone_takes_its_members_list_with_it(observatory: Observatory) -> None:
    observatory.sync()
    del observatory.system.members["group2"]
    observatory.system.events = ["groups"]
    observatory.sync()
    assert observatory.members() == truth(observatory)


def test_a_touched_folder_touches_every_list_in_it(observatory: Observatory) -> None:
    observatory.sync()
    observatory.system.events = ["members/"]
    observatory.system.reads.clear()
    observatory.sync()
    assert set(observatory.system.reads) == {f"members/group{n}" for n in range(5)}


def test_events_are_hints_and_a_full_pass_on_a_longer_period_corrects_them(observatory: Observatory) -> None:
    observatory.sync()
    observatory.system.events = []
    observatory.system.members["group1"].append("user9")  # and no event tells of it
    observatory.clock.advance(timedelta(hours=23))
    observatory.sync()
    assert ("group1", "user9") not in observatory.members()
    observatory.clock.advance(timedelta(hours=1, minutes=1))
    observatory.sync()
    assert observatory.members() == truth(observatory)


def test_a_full_pass_can_be_asked_for(observatory: Observatory) -> None:
    observatory.sync()
    observatory.system.events = []
    observatory.system.members["group1"].append("user9")
    observatory.sync(full=True)
    assert observatory.members() == truth(observatory)


def test_a_grant_is_known_since_it_was_first_seen(observatory: Observatory) -> None:
    observatory.sync()
    then = first_seen(observatory)[("group1", "user1")]
    observatory.clock.advance(timedelta(hours=2))
    observatory.system.members["group1"].append("user9")
    observatory.sync()
    now = first_seen(observatory)
    assert now[("group1", "user1")] == then
    assert now[("group1", "user9")] > then


def test_a_failed_run_between_changes_nothing_of_that(observatory: Observatory) -> None:
    observatory.sync()
    then = first_seen(observatory)
    observatory.clock.advance(timedelta(hours=2))
    observatory.system.when_read = _break
    assert observatory.sync().state is RunState.FAILED
    observatory.system.when_read = lambda _: None
    observatory.sync()
    assert first_seen(observatory) == then


def _break(name: str) -> None:
    if name == "members/group4":
        raise PermissionError(name)


def test_what_a_deleted_account_had_goes_with_it_though_no_event_tells_of_each_group(observatory: Observatory) -> None:
    observatory.system.events = ["users"]
    observatory.sync()
    observatory.clock.advance(timedelta(hours=1))
    observatory.system.users.remove("user3")
    for users in observatory.system.members.values():
        if "user3" in users:
            users.remove("user3")
    observatory.system.reads.clear()
    assert observatory.sync().state is RunState.COMPLETE
    assert observatory.members() == truth(observatory)
    assert set(observatory.system.reads) == {
        "users",
        "members/group0",
        "members/group1",
        "members/group2",
        "members/group3",
    }
