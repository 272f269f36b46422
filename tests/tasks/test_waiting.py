"""What waits stands in one list, each row under the one reason that a person can do something about."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.entitlements import System
from access.provisioning import Provisioning
from store.unit_of_work import Store
from tasks.waiting import waiting
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, TERMS, TICKET_TERMS, LocalStack
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)


def listed(stack: LocalStack) -> list[tuple[str, list[str]]]:
    """The kind of each entry, with the requests of its rows."""
    found = waiting(stack.store, stack.services.mode, now=stack.clock.now())
    rows = [row.id for each in found for row in each.rows]
    assert len(rows) == len(set(rows)), "nothing is listed twice"
    return [(each.kind, [row.request for row in each.rows]) for each in found]


def block_a_request(stack: LocalStack) -> None:
    """Nothing proves whose access ``r2`` is to take away."""
    stack.system.accounts.clear()
    stack.submit(id="r2", action="revoke", subject={"email": "ada@example.com"}, entitlement=GROUP)
    stack.run(MINUTE)


def decline(stack: LocalStack) -> None:
    """Somebody says no to the ticket that takes access away for ``r1``."""
    stack.system.change(ADA, BY_HAND, present=True)
    stack.revoke("r1", group=BY_HAND)
    stack.run()
    stack.tickets.open_issues()[0].phase = Phase.DECLINED
    stack.run(MINUTE)


@pytest.mark.parametrize("mode", Provisioning)
def test_what_came_in_just_now_waits_only_where_nothing_is_planned(store: Store, mode: Provisioning) -> None:
    stack = LocalStack.over(store, mode=mode)
    stack.grant("r1")
    assert listed(stack) == ([("mode", ["r1"])] if mode is Provisioning.OFF else [])


@pytest.mark.parametrize("mode", [Provisioning.OFF, Provisioning.PLAN])
def test_what_is_blocked_waits_for_a_person_and_not_for_the_mode(store: Store, mode: Provisioning) -> None:
    stack = LocalStack.over(store)
    decline(stack)
    block_a_request(stack)
    both = listed(stack)
    assert both == [("blocked", ["r2"]), ("blocked", ["r1"])]
    quiet = LocalStack.over(store, mode=mode, like=stack)
    assert listed(quiet) == both


def test_a_stop_is_listed_until_it_is_over(stack: LocalStack) -> None:
    now = stack.clock.now()
    with stack.store.write() as work:
        work.budgets.stop(System.JIRA, "write", now + MINUTE, now=now)
    [found] = waiting(stack.store, Provisioning.ON, now=now)
    assert found.kind == "stop"
    assert found.waits_for == f"jira asked for no calls of the class write before {now + MINUTE:%Y-%m-%d %H:%M:%S} UTC."
    assert found.remedy == "Wait, or use 'provisor connectors lift jira'."
    stack.clock.advance(MINUTE)
    assert listed(stack) == []


def test_what_a_fault_holds_is_listed_with_the_fault_alone(stack: LocalStack) -> None:
    """A request that cannot be planned, and an operation that cannot be carried out."""
    stack.grant("r1")
    stack.system.faults.forecast(*[Fault.FINE] * 3, Fault.BUSY)
    stack.run()
    stack.system.faults.forecast(Fault.BUSY)
    stack.grant("r2")
    stack.run()
    assert sorted(listed(stack)) == [("fault", ["r1"]), ("fault", ["r2"])]


def test_what_is_looked_at_again_later_says_when(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.system.lag = MINUTE
    stack.run()
    due = stack.clock.now() + TERMS.look_again
    [found] = waiting(stack.store, Provisioning.ON, now=stack.clock.now())
    assert (found.kind, found.remedy) == ("time", f"It is tried again at {due:%Y-%m-%d %H:%M:%S} UTC.")
    assert found.waits_for == "Written, and not seen yet: the list does not show it."


def test_a_ticket_that_cannot_be_read_says_so(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    stack.tickets.faults.lasting = Fault.FORBIDDEN
    stack.run(2 * TICKET_TERMS.poll)
    [found] = waiting(stack.store, Provisioning.ON, now=stack.clock.now())
    assert (found.kind, [row.request for row in found.rows]) == ("fault", ["r1"])
    assert "The service does not permit this." in found.waits_for
