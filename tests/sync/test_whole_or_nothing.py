"""A snapshot is replaced by a complete one in one step, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.entitlements import System
from access.failures import CredentialRefused, Permanent, Transient
from access.snapshots import RunState
from connectors.reading import Incomplete, Shifted
from tests.sync.conftest import EngineHarness


def truth(engine: EngineHarness) -> set[tuple[str, str]]:
    return {(group, user) for group, users in engine.system.members.items() for user in users}


def test_a_complete_run_shows_all_that_is_there(engine: EngineHarness) -> None:
    run = engine.sync()
    assert (run.state, run.error, run.credential_of) == (RunState.COMPLETE, None, "Acme")
    assert engine.accounts() == set(engine.system.users)
    assert engine.members() == truth(engine)


def test_the_next_run_forgets_what_is_gone_and_keeps_no_old_rows(engine: EngineHarness) -> None:
    engine.sync()
    engine.system.members["group0"].remove("user0")
    del engine.system.members["group4"]
    engine.sync()
    assert engine.members() == truth(engine)
    with engine.store.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM grants").scalar_one()
    assert kept == len(truth(engine))


@pytest.mark.parametrize(
    ("failure", "where"),
    [
        (CredentialRefused("The key is not known.", remedy="Set another."), "users"),
        (Permanent("The role is too low.", remedy="Give the key's owner a higher one."), "groups"),
        (Incomplete("The list ends before its total."), "members/group3"),
    ],
    ids=["CredentialRefused", "Permanent", "Incomplete"],
)
def test_a_list_that_cannot_be_had_fails_the_run_and_the_old_snapshot_stays(
    engine: EngineHarness, failure: Exception, where: str
) -> None:
    engine.sync()
    before, members = engine.snapshot(), engine.members()
    engine.clock.advance(timedelta(hours=1))
    engine.system.members["group0"] = ["user9"]
    engine.break_at(where, failure)
    run = engine.sync()
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert str(failure) in run.error
    assert "The snapshot of 2026-11-01 00:00 UTC stays." in run.error
    assert engine.snapshot() == before
    assert engine.members() == members


def test_a_credential_that_is_refused_at_the_start_reads_nothing(engine: EngineHarness) -> None:
    def refuse() -> None:
        raise CredentialRefused("The key is not known.")

    engine.system.when_proved = refuse
    run = engine.sync()
    assert run.state is RunState.FAILED
    assert not engine.system.reads
    assert "There is no earlier snapshot." in str(run.error)


@pytest.mark.parametrize("where", ["users", "members/group2"])
def test_a_list_that_shifted_is_read_again_and_its_first_reading_forgotten(engine: EngineHarness, where: str) -> None:
    shifted = {where: 2}

    def shift(name: str) -> None:
        if shifted.get(name, 0) and engine.system.reads[name] <= 2:
            shifted[name] -= 1
            raise Shifted

    engine.system.when_read = shift
    assert engine.sync().state is RunState.COMPLETE
    assert engine.system.reads[where] == 3
    assert engine.accounts() == set(engine.system.users)
    assert engine.members() == truth(engine)


@pytest.mark.parametrize("where", ["users", "members/group2"])
def test_a_list_that_never_rests_fails_the_run(engine: EngineHarness, where: str) -> None:
    engine.break_at(where, Shifted())
    run = engine.sync()
    assert run.state is RunState.FAILED
    assert f"'{where}' changed each of the" in str(run.error)
    assert engine.snapshot() is None


@pytest.mark.parametrize("where", ["users", "members/group1"])
def test_a_failure_that_may_heal_is_waited_for_as_long_as_the_service_says(engine: EngineHarness, where: str) -> None:
    engine.break_at(where, Transient("Busy.", retry_after=timedelta(seconds=45)), times=1)
    worker = engine.worker()
    run_id = worker.begin(engine.system.system)
    worker.work(run_id)
    assert engine.run(run_id).state is RunState.RUNNING
    engine.clock.advance(timedelta(seconds=44))
    reads = engine.system.reads[where]
    worker.work(run_id)
    assert engine.system.reads[where] == reads
    engine.clock.advance(timedelta(seconds=2))
    worker.work(run_id)
    assert engine.run(run_id).state is RunState.COMPLETE
    assert engine.members() == truth(engine)


def test_a_failure_that_never_heals_fails_the_run_in_the_end(engine: EngineHarness) -> None:
    engine.break_at("groups", Transient("Busy."))
    run = engine.sync()
    assert run.state is RunState.FAILED
    assert "Busy." in str(run.error)


def test_a_run_that_our_own_budget_puts_off_goes_on_until_its_deadline(engine: EngineHarness) -> None:
    engine.break_at("users", Transient("The rate budget is used up.", retry_after=timedelta(seconds=30), counted=False))
    worker = engine.worker()
    run_id = worker.begin(System.JUMPCLOUD)
    engine.clock.advance(engine.options.retry.deadline)
    worker.work(run_id)
    assert engine.run(run_id).state is RunState.RUNNING
    engine.clock.advance(timedelta(seconds=30))
    worker.work(run_id)
    run = engine.run(run_id)
    assert run.state is RunState.FAILED
    assert "past its deadline of 3:00:00." in (run.error or "")


@pytest.mark.parametrize("where", ["users", "members/group1"])
def test_a_list_that_lost_much_is_believed_when_a_second_reading_agrees(engine: EngineHarness, where: str) -> None:
    engine.sync()
    engine.system.users = engine.system.users[:2]
    engine.system.members["group1"] = ["user1"]
    engine.system.reads.clear()
    assert engine.sync().state is RunState.COMPLETE
    assert engine.system.reads[where] == 2
    assert engine.accounts() == {"user0", "user1"}
    assert engine.members() == truth(engine)


@pytest.mark.parametrize("where", ["users", "members/group1"])
def test_a_list_that_lost_much_and_shows_something_else_the_second_time_fails_the_run(
    engine: EngineHarness, where: str
) -> None:
    engine.sync()
    before, accounts = engine.members(), engine.accounts()
    everything = {"users": list(engine.system.users), "members/group1": list(engine.system.members["group1"])}

    def lose_some_the_first_time(name: str) -> None:
        if name != where or engine.system.reads[name] != 1:
            return
        if name == "users":
            engine.system.users[:] = everything[name]
        else:
            engine.system.members["group1"][:] = everything[name]

    engine.system.users[:] = engine.system.users[:2]
    engine.system.members["group1"][:] = ["user1"]
    engine.system.reads.clear()
    engine.system.when_read = lose_some_the_first_time
    run = engine.sync()
    assert run.state is RunState.FAILED
    assert "a second reading did not agree" in str(run.error)
    assert (engine.members(), engine.accounts()) == (before, accounts)


def test_a_small_list_may_shrink_without_a_second_reading(engine: EngineHarness) -> None:
    engine.system.members["group1"] = ["user1", "user2", "user3"]
    engine.sync()
    engine.system.members["group1"] = []
    engine.system.reads.clear()
    assert engine.sync().state is RunState.COMPLETE
    assert engine.system.reads["members/group1"] == 1
