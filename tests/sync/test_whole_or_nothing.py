"""A snapshot is replaced by a complete one in one step, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.failures import CredentialRefused, Permanent, Transient
from access.snapshots import RunState
from connectors.reading import Incomplete, Shifted
from tests.sync.conftest import Observatory


def truth(observatory: Observatory) -> set[tuple[str, str]]:
    return {(group, user) for group, users in observatory.system.members.items() for user in users}


def test_a_complete_run_shows_all_that_is_there(observatory: Observatory) -> None:
    run = observatory.sync()
    assert (run.state, run.error, run.credential_of) == (RunState.COMPLETE, None, "Acme")
    assert observatory.accounts() == set(observatory.system.users)
    assert observatory.members() == truth(observatory)


def test_the_next_run_forgets_what_is_gone_and_keeps_no_old_rows(observatory: Observatory) -> None:
    observatory.sync()
    observatory.system.members["group0"].remove("user0")
    del observatory.system.members["group4"]
    observatory.sync()
    assert observatory.members() == truth(observatory)
    with observatory.store.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM grants").scalar_one()
    assert kept == len(truth(observatory))


@pytest.mark.parametrize(
    "failure",
    [
        CredentialRefused("The key is not known.", remedy="Set another."),
        Permanent("The role is too low.", remedy="Give the key's owner a higher one."),
        Incomplete("The list ends before its total."),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("where", ["users", "groups", "members/group3"])
def test_a_list_that_cannot_be_had_fails_the_run_and_the_old_snapshot_stays(
    observatory: Observatory, failure: Exception, where: str
) -> None:
    observatory.sync()
    before, members = observatory.snapshot(), observatory.members()
    observatory.clock.advance(timedelta(hours=1))
    observatory.system.members["group0"] = ["user9"]

    def refuse(name: str) -> None:
        if name == where:
            raise failure

    observatory.system.when_read = refuse
    run = observatory.sync()
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert str(failure) in run.error
    assert "The snapshot of 2026-11-01 00:00 UTC stays." in run.error
    assert observatory.snapshot() == before
    assert observatory.members() == members


def test_a_credential_that_is_refused_at_the_start_reads_nothing(observatory: Observatory) -> None:
    def refuse() -> None:
        raise CredentialRefused("The key is not known.")

    observatory.system.when_proved = refuse
    run = observatory.sync()
    assert run.state is RunState.FAILED
    assert not observatory.system.reads
    assert "There is no earlier snapshot." in str(run.error)


@pytest.mark.parametrize("where", ["users", "members/group2"])
def test_a_list_that_shifted_is_read_again_and_its_first_reading_forgotten(
    observatory: Observatory, where: str
) -> None:
    shifted = {where: 2}

    def shift(name: str) -> None:
        if shifted.get(name, 0) and observatory.system.reads[name] <= 2:
            shifted[name] -= 1
            raise Shifted

    observatory.system.when_read = shift
    assert observatory.sync().state is RunState.COMPLETE
    assert observatory.system.reads[where] == 3
    assert observatory.accounts() == set(observatory.system.users)
    assert observatory.members() == truth(observatory)


@pytest.mark.parametrize("where", ["users", "members/group2"])
def test_a_list_that_never_rests_fails_the_run(observatory: Observatory, where: str) -> None:
    def shift(name: str) -> None:
        if name == where:
            raise Shifted

    observatory.system.when_read = shift
    run = observatory.sync()
    assert run.state is RunState.FAILED
    assert f"'{where}' changed each of the" in str(run.error)
    assert observatory.snapshot() is None


@pytest.mark.parametrize("where", ["users", "members/group1"])
def test_a_failure_that_may_heal_is_waited_for_as_long_as_the_service_says(
    observatory: Observatory, where: str
) -> None:
    failures = iter([Transient("Busy.", retry_after=timedelta(seconds=45))])

    def fail_once(name: str) -> None:
        if name == where and (failure := next(failures, None)):
            raise failure

    observatory.system.when_read = fail_once
    worker = observatory.worker()
    run_id = worker.begin(observatory.system.system)
    worker.work(run_id)
    assert observatory.run(run_id).state is RunState.RUNNING
    observatory.clock.advance(timedelta(seconds=44))
    reads = observatory.system.reads[where]
    worker.work(run_id)
    assert observatory.system.reads[where] == reads
    observatory.clock.advance(timedelta(seconds=2))
    worker.work(run_id)
    assert observatory.run(run_id).state is RunState.COMPLETE
    assert observatory.members() == truth(observatory)


def test_a_failure_that_never_heals_fails_the_run_in_the_end(observatory: Observatory) -> None:
    def fail(name: str) -> None:
        if name == "groups":
            raise Transient("Busy.")

    observatory.system.when_read = fail
    run = observatory.sync()
    assert run.state is RunState.FAILED
    assert "Busy." in str(run.error)


@pytest.mark.parametrize("where", ["users", "members/group1"])
def test_a_list_that_lost_much_is_believed_when_a_second_reading_agrees(observatory: Observatory, where: str) -> None:
    observatory.sync()
    observatory.system.users = observatory.system.users[:2]
    observatory.system.members["group1"] = ["user1"]
    observatory.system.reads.clear()
    assert observatory.sync().state is RunState.COMPLETE
    assert observatory.system.reads[where] == 2
    assert observatory.accounts() == {"user0", "user1"}
    assert observatory.members() == truth(observatory)


@pytest.mark.parametrize("where", ["users", "members/group1"])
def test_a_list_that_lost_much_and_shows_something_else_the_second_time_fails_the_run(
    observatory: Observatory, where: str
) -> None:
    observatory.sync()
    before, accounts = observatory.members(), observatory.accounts()
    everything = {"users": list(observatory.system.users), "members/group1": list(observatory.system.members["group1"])}

    def lose_some_the_first_time(name: str) -> None:
        if name != where or observatory.system.reads[name] != 1:
            return
        if name == "users":
            observatory.system.users[:] = everything[name]
        else:
            observatory.system.members["group1"][:] = everything[name]

    observatory.system.users[:] = observatory.system.users[:2]
    observatory.system.members["group1"][:] = ["user1"]
    observatory.system.reads.clear()
    observatory.system.when_read = lose_some_the_first_time
    run = observatory.sync()
    assert run.state is RunState.FAILED
    assert "a second reading did not agree" in str(run.error)
    assert (observatory.members(), observatory.accounts()) == (before, accounts)


def test_a_small_list_may_shrink_without_a_second_reading(observatory: Observatory) -> None:
    observatory.system.members["group1"] = ["user1", "user2", "user3"]
    observatory.sync()
    observatory.system.members["group1"] = []
    observatory.system.reads.clear()
    assert observatory.sync().state is RunState.COMPLETE
    assert observatory.system.reads["members/group1"] == 1
