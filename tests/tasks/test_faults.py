"""Whose fault it is: what several subjects meet holds all, what one row meets holds that row, and any success ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from access.faults import Scope
from access.lifecycle import OperationState, RequestState
from access.policy import Rule
from store.alarms import Alarm, AlarmKind
from store.unit_of_work import Store
from tasks.faults import Faults
from tests.fakes.faults import Fault
from tests.fakes.local_stack import BY_HAND, RULES, TERMS, LocalStack

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SLOW = replace(TERMS, retry=replace(TERMS.retry, longest_wait=10 * MINUTE, credential_wait=MINUTE))


@pytest.fixture
def stack(store: Store) -> LocalStack:
    """People enough, and the waits of production."""
    stack = LocalStack.over(store, options=SLOW)
    stack.system.accounts |= {f"p{number}": f"p{number}@example.com" for number in range(20)}
    return stack


def ask(stack: LocalStack, number: int, action: str = "grant", **more: object) -> str:
    """A request for one of many people; its id."""
    group = f"jumpcloud:group:g{number}:member"
    stack.submit(id=f"r{number}", action=action, subject={"id": f"p{number}"}, **{"entitlement": group} | more)
    return f"r{number}"


def later(stack: LocalStack, hours: float) -> None:
    """A fault lasts for hours; what happens every minute happens at their end only."""
    stack.run(MINUTE)
    stack.clock.advance(hours * HOUR)
    stack.run()


def alarms(stack: LocalStack) -> Sequence[Alarm]:
    with stack.store.read() as work:
        return work.alarms.lasting()


def finished(stack: LocalStack, *requests: str) -> list[datetime]:
    moments = [stack.request(each).finished_at for each in requests]
    assert all(moments), [stack.request(each).reason for each in requests]
    return [moment for moment in moments if moment is not None]


def test_one_row_alone_is_held_by_what_only_it_met(stack: LocalStack) -> None:
    stack.system.faults.forecast(Fault.BUSY)
    held, free = ask(stack, 1), ask(stack, 2)
    stack.run()
    states = {stack.request(each).state for each in (held, free)}
    assert states == {RequestState.RECEIVED, RequestState.DONE}
    assert alarms(stack) == []


def test_what_three_subjects_met_holds_all_and_a_row_at_a_time_tests_it(stack: LocalStack) -> None:
    stack.system.faults.lasting = Fault.BUSY
    for number in range(10):
        ask(stack, number)
    stack.run(10 * MINUTE)
    with stack.store.read() as work:
        [fault] = work.faults.all()
        waiting = work.faults.rows(fault.id)
    assert fault.shared_at is not None
    assert len(waiting) == 10
    assert [alarm.kind for alarm in alarms(stack)] == [AlarmKind.FAULT]
    before = stack.system.faults.calls
    stack.run(20 * MINUTE)
    assert 19 <= stack.system.faults.calls - before <= 21
    tries = [stack.request(f"r{number}").tries for number in range(10)]
    assert max(tries) - min(tries) <= 2
    assert "busy" in (stack.request("r9").reason or "")


def test_one_success_ends_it_for_all_removals_first_then_the_oldest_at_the_pace_of_the_budget(store: Store) -> None:
    stack = LocalStack.over(store, options=SLOW)
    stack.services.faults.rates["jumpcloud"] = 5.0  # type: ignore[index] # a dict behind the Mapping
    stack.system.accounts |= {f"p{number}": f"p{number}@example.com" for number in range(20)}
    stack.system.change("p8", "jumpcloud:group:g8:member", present=True)
    stack.system.faults.lasting = Fault.BUSY
    for number in range(8):
        ask(stack, number)
        stack.run(SECOND)
    revoke = ask(stack, 8, "revoke")
    stack.run(5 * MINUTE)
    stack.system.faults.clear()
    stack.run(2 * MINUTE)
    grants = [f"r{number}" for number in range(8)]
    assert not stack.system.has("p8", "jumpcloud:group:g8:member")
    moments = finished(stack, *grants)
    tester = moments.index(min(moments))
    others = moments[:tester] + moments[tester + 1 :]
    assert others == sorted(others)
    assert {later - earlier for earlier, later in pairwise(others)} <= {SECOND, 2 * SECOND}
    assert finished(stack, revoke)[0] <= min(others)


def test_a_refused_credential_is_everybodys_at_once_and_others_do_not_try_it(stack: LocalStack) -> None:
    stack.system.faults.lasting = Fault.LOCKED_OUT
    for number in range(10):
        ask(stack, number)
    stack.run()
    assert stack.system.faults.calls == 1
    [alarm] = alarms(stack)
    assert "The credential is refused" in alarm.what
    stack.run(10 * MINUTE)
    assert stack.system.faults.calls == 11
    assert {stack.request(f"r{number}").tries for number in range(10)} == {0}, "what is held is not tried"
    stack.system.faults.clear()
    stack.run(2 * MINUTE)
    finished(stack, *(f"r{number}" for number in range(10)))
    stack.services.faults.tidy()
    assert alarms(stack) == []


def test_an_operation_that_a_shared_fault_holds_keeps_the_access_only_where_a_write_may_be_under_way(
    stack: LocalStack,
) -> None:
    stack.system.faults.lasting_on_writes = Fault.BUSY
    for number in range(4):
        ask(stack, number)
        stack.run()
    stack.run(SECOND)
    operations = [stack.operation(f"r{number}") for number in range(4)]
    assert [each.state for each in operations] == [OperationState.RUNNING] * 3 + [OperationState.READY]
    assert [each.before is None for each in operations] == [False] * 3 + [True]
    assert {"busy" in (each.error or "") for each in operations} == {True}


def test_what_some_meet_again_and_again_holds_nobody_whose_calls_are_answered(stack: LocalStack) -> None:
    for number in range(12):
        stack.system.faults.forecast(*[Fault.BUSY] * (number % 3 == 0))
        ask(stack, number)
        stack.run()
    done = [number for number in range(12) if stack.request(f"r{number}").state is RequestState.DONE]
    assert [number for number in range(12) if number % 3] == [number for number in done if number % 3]


def test_a_missing_permission_holds_its_rows_and_nothing_becomes_a_ticket(stack: LocalStack) -> None:
    """C1: 403 on writes, over an expiry and over grants."""
    stack.grant("timed", seconds=60)
    stack.run()
    stack.system.faults.lasting_on_writes = Fault.FORBIDDEN
    for number in range(4):
        ask(stack, number)
    stack.run(HOUR)
    assert stack.has()
    assert stack.tickets.issues == {}
    assert {alarm.remedy for alarm in alarms(stack) if alarm.kind is AlarmKind.FAULT} == {"Give the permission."}
    with stack.store.read() as work:
        assert {fault.scope for fault in work.faults.all()} == {Scope.PERMISSION}
    stack.system.faults.clear()
    stack.run(15 * MINUTE)
    finished(stack, *(f"r{number}" for number in range(4)))
    assert not stack.has()


def test_a_fault_for_whose_end_nothing_waits_any_more_is_forgotten_with_its_alarm(stack: LocalStack) -> None:
    stack.system.faults.lasting = Fault.LOCKED_OUT
    ask(stack, 1)
    stack.run()
    assert alarms(stack)
    with stack.store.write() as work:
        work.requests.finish("r1", RequestState.WITHDRAWN, now=stack.clock.now(), reason="called back")
    assert alarms(stack)[0].kind is AlarmKind.FAULT
    stack.services.faults.tidy()
    assert alarms(stack) == []
    with stack.store.read() as work:
        assert work.faults.at("jumpcloud") == []
        assert work.alarms.recent(limit=5)[0].closed_at is not None


def test_a_timed_grant_that_is_not_given_in_time_ends_so_while_the_fault_lasts(stack: LocalStack) -> None:
    stack.system.faults.lasting = Fault.BUSY
    timed = [ask(stack, number, duration="PT1H") for number in range(3)]
    standing = ask(stack, 3)
    revoke = ask(stack, 4, "revoke")
    later(stack, 23.9)
    assert {stack.request(each).state for each in timed} == {RequestState.RECEIVED}
    stack.run(6 * MINUTE)
    for each in timed:
        assert stack.request(each).state is RequestState.FAILED
        assert "not given in time: The service is busy." in (stack.request(each).reason or "")
    assert {stack.request(each).state for each in (standing, revoke)} == {RequestState.RECEIVED}
    assert {alarm.ref for alarm in alarms(stack) if alarm.kind is AlarmKind.LATE} == {standing, revoke}
    stack.system.faults.clear()
    stack.run(6 * MINUTE)
    finished(stack, standing, revoke)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LOST_UNDONE, Fault.BUSY, Fault.LOCKED_OUT, Fault.FORBIDDEN])
def test_what_an_unanswered_write_gave_is_taken_back_where_it_comes_too_late(stack: LocalStack, fault: Fault) -> None:
    request = ask(stack, 1, duration="PT1H")
    stack.system.faults.forecast(*[Fault.FINE] * 3, fault)
    stack.system.faults.lasting = Fault.BUSY
    later(stack, 25)
    stack.system.faults.clear()
    stack.run(15 * MINUTE)
    assert stack.request(request).state is RequestState.FAILED
    assert "not given in time" in (stack.request(request).reason or "")
    assert not stack.system.has("p1", "jumpcloud:group:g1:member")
    assert stack.operation(request).state is OperationState.FAILED


def test_access_from_before_is_not_taken_back_with_what_comes_too_late(stack: LocalStack) -> None:
    """The look before the write shows the access only to a write that others made; what was there stays."""
    stack.system.change("p1", "jumpcloud:group:g1:member", present=True)
    request = ask(stack, 1, duration="PT1H")
    stack.system.faults.lasting = Fault.BUSY
    later(stack, 25)
    stack.system.faults.clear()
    stack.run(15 * MINUTE)
    assert stack.request(request).state is RequestState.FAILED
    assert stack.system.has("p1", "jumpcloud:group:g1:member")


def test_what_policy_gives_longer_for_is_waited_for_as_long(store: Store) -> None:
    patient = Rule(pattern="jumpcloud:group:api:member", give_within=48 * HOUR)
    stack = LocalStack.over(store, options=SLOW, rules=(patient, *RULES))
    stack.system.faults.lasting = Fault.BUSY
    stack.grant("r1", seconds=60)
    later(stack, 30)
    stack.system.faults.clear()
    stack.run(15 * MINUTE)
    assert stack.request("r1").state is RequestState.DONE


def test_a_ticket_for_a_timed_grant_is_waited_for_with_an_alarm(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60, group=BY_HAND)
    stack.run(SECOND)
    stack.clock.advance(25 * HOUR)
    stack.run(MINUTE)
    assert stack.operation("r1").state is OperationState.WITH_PERSON
    assert [alarm.kind for alarm in alarms(stack)] == [AlarmKind.LATE]


def test_faults_of_one_process_are_known_to_another_within_a_second(stack: LocalStack) -> None:
    other = Faults(stack.store, stack.clock)
    stack.system.faults.lasting = Fault.LOCKED_OUT
    ask(stack, 1)
    stack.run(SECOND)
    ask(stack, 2)
    stack.run()
    assert stack.system.faults.calls == 1
    with stack.store.read() as work:
        [fault] = work.faults.all()
    assert other._at("jumpcloud") == [fault]
