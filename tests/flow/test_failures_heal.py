"""What the services do to us, and what becomes of the work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from access.lifecycle import OperationState
from simulator.systems import act
from tests.flow.simulated_stack import SimulatedStack


def team(stack: SimulatedStack, system: str) -> tuple[str, str, str]:
    """A person, a group they are not in, and the entitlement of being in it."""
    email = stack.company.person()
    if system == "jumpcloud":
        group = stack.company.jumpcloud_group()
        return email, group, f"jumpcloud:group:{group}:member"
    group = stack.company.jira_group()
    return email, group, f"jira:group:{group}:member"


def is_in(stack: SimulatedStack, system: str, email: str, group: str) -> bool:
    return (stack.company.in_jumpcloud if system == "jumpcloud" else stack.company.in_jira)(email, group)


WRITES = {"jumpcloud": "/members$", "jira": "/group/user$"}
LOOKS = {"jumpcloud": "/memberof$", "jira": "/user/groups$"}
SYSTEMS = pytest.mark.parametrize("system", ["jumpcloud", "jira"])


@SYSTEMS
@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_answer_lost_on_a_write_leaves_one_effect_which_is_ours(
    stack: SimulatedStack, system: str, drop: str
) -> None:
    """However often the write is lost: it is ours, and so it goes when its time is up."""
    email, group, entitlement = team(stack, system)
    lost = stack.faults.add(system=system, method="POST", path=WRITES[system], drop=drop, times=4)
    request = stack.grant(email, entitlement, duration="PT2S")
    stack.ended(request)
    assert stack.faults.get(lost).played >= 1
    assert not stack.claim(request).pre_existing
    stack.claim_ended(request)
    assert not is_in(stack, system, email, group)


@SYSTEMS
def test_the_wait_a_service_asks_for_is_kept(stack: SimulatedStack, system: str) -> None:
    """Three seconds are more than a call waits by itself: the work is put back until then."""
    email, group, entitlement = team(stack, system)
    stack.faults.add(
        system=system, method="POST", path=WRITES[system], status=429, headers={"Retry-After": "3"}, times=1
    )
    request = stack.grant(email, entitlement)
    stack.ended(request)
    [operation] = stack.operations(request)
    assert operation.verified_at is not None
    assert operation.verified_at - operation.created_at >= timedelta(seconds=3)
    assert is_in(stack, system, email, group)


def test_a_permanent_refusal_becomes_a_ticket(stack: SimulatedStack) -> None:
    email, group, entitlement = team(stack, "jumpcloud")
    stack.faults.add(system="jumpcloud", method="POST", path=WRITES["jumpcloud"], status=422, times=None)
    request = stack.grant(email, entitlement)
    ticket = stack.ticket(request)
    assert "422" in stack.operations(request)[0].why
    act(stack.company.jumpcloud, "add_member", group=group, user=email)
    act(stack.company.jira, "done", issue=ticket.issue_key)
    stack.ended(request)
    assert not stack.claim(request).pre_existing


@SYSTEMS
def test_reads_that_lag_do_not_make_a_second_write(stack: SimulatedStack, system: str) -> None:
    email, group, entitlement = team(stack, system)
    world = stack.company.jumpcloud if system == "jumpcloud" else stack.company.jira
    lag = "consistency_lag_ms" if system == "jumpcloud" else "directory_lag_ms"
    watch = stack.faults.add(system=system, method="POST", path=WRITES[system], latency_ms=1, times=None)
    setattr(world.switches, lag, 700)
    try:
        request = stack.grant(email, entitlement, duration="PT2S")
        stack.ended(request)
    finally:
        setattr(world.switches, lag, 0)
    assert is_in(stack, system, email, group)
    assert stack.faults.get(watch).played == 1
    assert not stack.claim(request).pre_existing


@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_account_is_made_once_though_the_answer_was_lost(stack: SimulatedStack, drop: str) -> None:
    email = stack.company.person(jira=False)
    stack.faults.add(system="jira", method="POST", path="/rest/api/3/user$", drop=drop, times=1)
    stack.ended(stack.ask("create_account", email, system="jira"))
    made = [user for user in stack.company.jira.directory.users.values() if user.email == email]
    assert len(made) == 1


def test_an_account_that_cannot_be_found_at_once_is_not_made_twice(stack: SimulatedStack) -> None:
    email = stack.company.person(jira=False)
    stack.company.jira.switches.new_user_lag_ms = 700
    watch = stack.faults.add(system="jira", method="POST", path="/rest/api/3/user$", latency_ms=1, times=None)
    try:
        stack.ended(stack.ask("create_account", email, system="jira"))
    finally:
        stack.company.jira.switches.new_user_lag_ms = 0
    assert stack.faults.get(watch).played == 1


def test_a_refused_credential_keeps_the_work_and_asks_nobody_else(stack: SimulatedStack) -> None:
    email, _, entitlement = team(stack, "jumpcloud")
    refused = stack.faults.add(system="jumpcloud", method="GET", path=LOOKS["jumpcloud"], status=401, times=None)
    request = stack.grant(email, entitlement)
    stack.until(lambda: stack.operations(request) and "credential" in (stack.operations(request)[0].error or ""))
    [operation] = stack.operations(request)
    assert operation.state is OperationState.READY
    assert operation.due_at is not None
    assert stack.tickets(request) == []
    stack.faults.remove(refused)
    with stack.store.write() as work:
        work.operations.step(
            operation.id, to=OperationState.READY, states=[OperationState.READY], due_at=operation.created_at
        )
    stack.ended(request)


#: Answers that say nothing about a request: a site that is away, a plan that has run out, a permission, a page, odd JSON.
ELSEWHERES: dict[str, dict[str, Any]] = {
    "away": {"status": 404, "body": {"errorMessage": "Site temporarily unavailable", "errorCode": "OTHER"}},
    "unpaid": {"status": 402},
    "forbidden": {"status": 403},
    "moved": {"status": 302, "headers": {"Location": "https://id.example.com/login"}},
    "page": {"status": 503, "body": "<html>Back soon</html>"},
    "odd": {"status": 200, "body": {"surprise": True}},
}


@pytest.mark.parametrize("answer", list(ELSEWHERES))
def test_a_fault_while_requests_are_planned_refuses_none_of_them(stack: SimulatedStack, answer: str) -> None:
    """C2: grants and revokes wait, and end as they would have without the fault."""
    email, group, entitlement = team(stack, "jira")
    other, other_group, taken = team(stack, "jira")
    act(stack.company.jira, "add_member", group=other_group, account=stack.company.jira.user(other).account_id)
    fault = stack.faults.add(
        system="jira", method="GET", path="/rest/api/3/(group|user)", times=6, **ELSEWHERES[answer]
    )
    grant, revoke = stack.grant(email, entitlement), stack.revoke(other, taken)
    stack.ended(grant)
    stack.ended(revoke)
    assert stack.faults.get(fault).played == 6
    assert is_in(stack, "jira", email, group)
    assert not is_in(stack, "jira", other, other_group)


@pytest.mark.parametrize("answer", ["away", "unpaid", "forbidden"])
def test_a_fault_over_an_expiry_becomes_no_ticket_and_ends_as_it_would_have_without(
    stack: SimulatedStack, answer: str
) -> None:
    """C1."""
    email, group, entitlement = team(stack, "jira")
    request = stack.grant(email, entitlement, duration="PT2S")
    stack.ended(request)
    stack.faults.add(system="jira", method="DELETE", path=WRITES["jira"], times=4, **ELSEWHERES[answer])
    stack.claim_ended(request)
    assert not is_in(stack, "jira", email, group)
    assert stack.tickets(request) == []
