"""Giving access: seen before it is done, written once, and remembered as what it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.entitlements import System
from access.lifecycle import ClaimState, OperationState, RequestState
from access.provisioning import Provisioning
from store.unit_of_work import Store
from tests.fakes.faults import WAIT, Fault
from tests.fakes.local_stack import ADA, GROUP, LocalStack

MINUTE = timedelta(minutes=1)


def test_access_is_given_and_seen_before_the_clock_starts(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    claim = stack.claim("r1")
    assert stack.has()
    assert stack.request("r1").state is RequestState.DONE
    assert stack.operation("r1").evidence == "the list shows it"
    assert (claim.state, claim.pre_existing) == (ClaimState.ACTIVE, False)
    assert claim.ends_at == stack.clock.now() + MINUTE


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.KILLED_AFTER])
def test_what_we_gave_and_heard_nothing_of_is_ours_and_goes_when_its_time_is_up(
    stack: LocalStack, fault: Fault
) -> None:
    """A lost answer is no reason to take our own access for pre-existing: it would never go away again."""
    stack.grant("r1", seconds=120)
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.FINE, fault)
    stack.run(MINUTE)
    assert stack.claim("r1").state is ClaimState.ACTIVE
    assert not stack.claim("r1").pre_existing
    assert stack.system.writes == [(ADA, GROUP, "give")]
    stack.run(3 * MINUTE)
    assert not stack.has()


def test_a_write_that_does_not_show_yet_is_not_made_twice(stack: LocalStack) -> None:
    stack.system.lag = timedelta(seconds=10)
    stack.grant("r1")
    stack.run()
    assert stack.request("r1").state is RequestState.FULFILLING
    assert stack.operation("r1").state is OperationState.RUNNING
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.DONE
    assert stack.system.writes == [(ADA, GROUP, "give")]


def test_a_write_that_never_shows_is_made_again_and_ends_with_a_person(stack: LocalStack) -> None:
    stack.system.lag = timedelta(days=1)
    stack.grant("r1")
    stack.run(10 * MINUTE)
    operation = stack.operation("r1")
    assert operation.state is OperationState.WITH_PERSON
    assert "does not show it" in (operation.error or "")
    assert len(stack.tickets.issues) == 1


def test_a_grant_by_address_does_not_prove_whose_the_address_is(stack: LocalStack) -> None:
    """Only an account that Provisor made from an address is known to have it."""
    stack.grant("r1", subject={"email": "ada@example.com"})
    stack.run()
    assert stack.has()
    with stack.store.read() as work:
        assert work.known_emails.all(System.JUMPCLOUD) == {}


@pytest.mark.parametrize("calls_before", [0, 1, 2, 3])
def test_the_wait_a_service_asks_for_is_kept(stack: LocalStack, calls_before: int) -> None:
    stack.grant("r1")
    stack.system.faults.forecast(*[Fault.FINE] * calls_before, Fault.THROTTLED)
    stack.run(WAIT - timedelta(seconds=1))
    assert stack.request("r1").state is not RequestState.DONE
    stack.run(timedelta(seconds=2))
    assert stack.request("r1").state is RequestState.DONE


def test_another_operation_that_ends_does_not_cut_a_wait_short(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.THROTTLED)
    stack.run()
    stack.grant("r2")
    stack.run()
    assert stack.request("r2").state is RequestState.DONE
    due = stack.operation("r1").due_at
    assert due is not None
    assert due > stack.clock.now() + WAIT / 2


def test_a_system_that_is_away_keeps_the_work_and_asks_nobody_else(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, *[Fault.BUSY] * 100)
    stack.run(timedelta(hours=1))
    assert stack.request("r1").state is RequestState.DONE
    assert stack.tickets.issues == {}


def test_work_whose_credential_is_refused_is_kept_for_as_long_as_it_takes(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, *[Fault.LOCKED_OUT] * 50)
    stack.run(8 * MINUTE)
    assert stack.operation("r1").state is OperationState.READY
    assert stack.tickets.issues == {}
    stack.run(2 * MINUTE)
    assert stack.request("r1").state is RequestState.DONE


@pytest.mark.parametrize("calls_before", [0, 2, 3, 4])
def test_a_fault_of_our_own_holds_the_one_row_that_met_it_with_an_alarm(stack: LocalStack, calls_before: int) -> None:
    stack.grant("r1")
    stack.system.faults.forecast(*[Fault.FINE] * calls_before, *[Fault.BUG] * 12)
    stack.run()
    with stack.store.read() as work:
        [alarm] = work.alarms.lasting()
    assert "Provisor itself failed (RuntimeError)" in alarm.what
    stack.run(10 * MINUTE)
    stack.services.faults.tidy()
    assert stack.request("r1").state is RequestState.DONE
    assert stack.tickets.issues == {}
    with stack.store.read() as work:
        assert work.alarms.lasting() == []


def test_a_system_that_is_away_while_a_request_is_planned_is_waited_for(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.system.faults.forecast(*[Fault.BUSY] * 20)
    stack.run(10 * MINUTE)
    assert stack.request("r1").state is RequestState.DONE


def test_a_worker_killed_anywhere_leaves_work_that_the_next_one_ends(stack: LocalStack) -> None:
    for number, calls_before in enumerate(range(6)):
        stack.grant(
            f"r{number}", subject={"id": "u2" if number % 2 else ADA}, entitlement=f"jumpcloud:group:g{number}:member"
        )
        stack.system.faults.forecast(*[Fault.FINE] * calls_before, Fault.KILLED_BEFORE)
        stack.run(2 * MINUTE)
        assert stack.request(f"r{number}").state is RequestState.DONE
    assert len(stack.system.writes) == 6


def test_a_system_that_is_no_longer_configured_is_a_matter_for_a_person(stack: LocalStack, store: Store) -> None:
    """A company that takes the API away from Provisor has its people do it."""
    stack.grant("r1")
    stack.system.faults.forecast(Fault.FINE, Fault.FINE, Fault.BUSY)
    stack.run()
    other = LocalStack.over(store, like=stack)
    other.services.connectors.clear()  # type: ignore[attr-defined] # a dict behind the Mapping
    other.run(10 * MINUTE)
    assert other.operation("r1").state is OperationState.WITH_PERSON


@pytest.mark.parametrize("mode", [Provisioning.OFF, Provisioning.PLAN])
def test_nothing_is_changed_until_it_is_switched_on(store: Store, mode: Provisioning) -> None:
    quiet = LocalStack.over(store, mode=mode)
    quiet.grant("r1", seconds=60)
    quiet.run(10 * MINUTE)
    assert quiet.system.writes == []
    state = quiet.request("r1").state
    assert state is (RequestState.PLANNED if mode is Provisioning.PLAN else RequestState.RECEIVED)
    if mode is Provisioning.PLAN:
        assert (quiet.operation("r1").state, quiet.operation("r1").why) == (
            OperationState.READY,
            "policy rule 'jumpcloud:*' and the API allow it",
        )
    loud = LocalStack.over(store, like=quiet)
    with store.write() as work:
        work.requests.wake_planned(now=loud.clock.now())
    loud.run()
    assert loud.request("r1").state is RequestState.DONE
    assert loud.has()


def test_a_plan_that_policy_forbids_in_the_meantime_leaves_nothing_behind(store: Store) -> None:
    quiet = LocalStack.over(store, mode=Provisioning.PLAN)
    quiet.grant("r1")
    quiet.run()
    loud = LocalStack.over(store, like=quiet, rules=())
    with store.write() as work:
        work.requests.wake_planned(now=loud.clock.now())
    loud.run()
    assert loud.request("r1").state is RequestState.REFUSED
    assert loud.operation("r1").state is OperationState.DROPPED
