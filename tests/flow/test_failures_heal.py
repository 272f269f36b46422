"""What the services do to us, and what becomes of the work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.lifecycle import OperationState
from simulator.systems import act
from tests.flow.estate import Estate


def team(estate: Estate, system: str) -> tuple[str, str, str]:
    """A person, a group they are not in, and the entitlement of being in it."""
    email = estate.company.person()
    if system == "jumpcloud":
        group = estate.company.jumpcloud_group()
        return email, group, f"jumpcloud:group:{group}:member"
    group = estate.company.jira_group()
    return email, group, f"jira:group:{group}:member"


def is_in(estate: Estate, system: str, email: str, group: str) -> bool:
    return (estate.company.in_jumpcloud if system == "jumpcloud" else estate.company.in_jira)(email, group)


WRITES = {"jumpcloud": "/members$", "jira": "/group/user$"}
LOOKS = {"jumpcloud": "/memberof$", "jira": "/user/groups$"}
SYSTEMS = pytest.mark.parametrize("system", ["jumpcloud", "jira"])


@SYSTEMS
@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_answer_lost_on_a_write_leaves_one_effect_which_is_ours(estate: Estate, system: str, drop: str) -> None:
    """However often the write is lost: it is ours, and so it goes when its time is up."""
    email, group, entitlement = team(estate, system)
    lost = estate.faults.add(system=system, method="POST", path=WRITES[system], drop=drop, times=4)
    request = estate.grant(email, entitlement, duration="PT2S")
    estate.ended(request)
    assert estate.faults.get(lost).played >= 1
    assert not estate.claim(request).pre_existing
    estate.claim_ended(request)
    assert not is_in(estate, system, email, group)


@SYSTEMS
def test_errors_that_pass_are_outlived(estate: Estate, system: str) -> None:
    email, group, entitlement = team(estate, system)
    for path in (WRITES[system], LOOKS[system]):
        estate.faults.add(system=system, path=path, status=503, times=3)
    estate.ended(estate.grant(email, entitlement))
    assert is_in(estate, system, email, group)


@SYSTEMS
def test_the_wait_a_service_asks_for_is_kept(estate: Estate, system: str) -> None:
    """Three seconds are more than a call waits by itself: the work is put back until then."""
    email, group, entitlement = team(estate, system)
    estate.faults.add(
        system=system, method="POST", path=WRITES[system], status=429, headers={"Retry-After": "3"}, times=1
    )
    request = estate.grant(email, entitlement)
    estate.ended(request)
    [operation] = estate.operations(request)
    assert operation.verified_at is not None
    assert operation.verified_at - operation.created_at >= timedelta(seconds=3)
    assert is_in(estate, system, email, group)


def test_a_permanent_refusal_becomes_a_ticket(estate: Estate) -> None:
    email, group, entitlement = team(estate, "jumpcloud")
    estate.faults.add(system="jumpcloud", method="POST", path=WRITES["jumpcloud"], status=403, times=None)
    request = estate.grant(email, entitlement)
    ticket = estate.ticket(request)
    assert "403" in estate.operations(request)[0].why
    act(estate.company.jumpcloud, "add_member", group=group, user=email)
    act(estate.company.jira, "done", issue=ticket.issue_key)
    estate.ended(request)
    assert not estate.claim(request).pre_existing


def test_what_fails_too_often_becomes_a_ticket(estate: Estate) -> None:
    email, _, entitlement = team(estate, "jumpcloud")
    estate.faults.add(system="jumpcloud", method="POST", path=WRITES["jumpcloud"], status=500, times=None)
    request = estate.grant(email, entitlement)
    estate.ticket(request)
    assert estate.operations(request)[0].state is OperationState.WITH_PERSON


@SYSTEMS
def test_reads_that_lag_do_not_make_a_second_write(estate: Estate, system: str) -> None:
    email, group, entitlement = team(estate, system)
    world = estate.company.jumpcloud if system == "jumpcloud" else estate.company.jira
    lag = "consistency_lag_ms" if system == "jumpcloud" else "directory_lag_ms"
    watch = estate.faults.add(system=system, method="POST", path=WRITES[system], latency_ms=1, times=None)
    setattr(world.switches, lag, 700)
    try:
        request = estate.grant(email, entitlement, duration="PT2S")
        estate.ended(request)
    finally:
        setattr(world.switches, lag, 0)
    assert is_in(estate, system, email, group)
    assert estate.faults.get(watch).played == 1
    assert not estate.claim(request).pre_existing


@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_account_is_made_once_though_the_answer_was_lost(estate: Estate, drop: str) -> None:
    email = estate.company.person(jira=False)
    estate.faults.add(system="jira", method="POST", path="/rest/api/3/user$", drop=drop, times=1)
    estate.ended(estate.ask("create_account", email, system="jira"))
    made = [user for user in estate.company.jira.directory.users.values() if user.email == email]
    assert len(made) == 1


def test_an_account_that_cannot_be_found_at_once_is_not_made_twice(estate: Estate) -> None:
    email = estate.company.person(jira=False)
    estate.company.jira.switches.new_user_lag_ms = 700
    watch = estate.faults.add(system="jira", method="POST", path="/rest/api/3/user$", latency_ms=1, times=None)
    try:
        estate.ended(estate.ask("create_account", email, system="jira"))
    finally:
        estate.company.jira.switches.new_user_lag_ms = 0
    assert estate.faults.get(watch).played == 1


def test_a_refused_credential_keeps_the_work_and_asks_nobody_else(estate: Estate) -> None:
    email, _, entitlement = team(estate, "jumpcloud")
    refused = estate.faults.add(system="jumpcloud", method="GET", path=LOOKS["jumpcloud"], status=401, times=None)
    request = estate.grant(email, entitlement)
    estate.until(lambda: estate.operations(request) and "credential" in (estate.operations(request)[0].error or ""))
    [operation] = estate.operations(request)
    assert operation.state is OperationState.READY
    assert operation.due_at is not None
    assert estate.tickets(request) == []
    estate.faults.remove(refused)
    with estate.store.write() as work:
        work.operations.step(
            operation.id, to=OperationState.READY, states=[OperationState.READY], due_at=operation.created_at
        )
    estate.ended(request)


@SYSTEMS
def test_a_body_that_breaks_off_is_no_answer(estate: Estate, system: str) -> None:
    email, group, entitlement = team(estate, system)
    estate.faults.add(system=system, path=LOOKS[system], break_after=5, times=1)
    estate.faults.add(system=system, path=LOOKS[system], truncate_to=5, times=1)
    estate.ended(estate.grant(email, entitlement))
    assert is_in(estate, system, email, group)
