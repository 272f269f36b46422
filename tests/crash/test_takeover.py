"""Another process does what one that died, or stands still, was to do: nobody waits for more than a short lease."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from access.lifecycle import ClaimState
from access.operations import Purpose
from tests.crash.process_stack import SHARED, ForkServer, ProcessStack, Worker
from tests.flow.simulated_stack import SimulatedCompany
from tests.machine import Amqp

WRITE = {"system": "jumpcloud", "method": "POST", "path": "/members$"}
LOST: dict[str, Callable[[Worker], None]] = {"killed": Worker.kill, "frozen": Worker.freeze}


@pytest.fixture
def stack(
    company: SimulatedCompany, fork_server: ForkServer, tmp_path: Path, postgresql_url: str, rabbitmq: Amqp
) -> ProcessStack:
    """A cluster whose leases nobody lets run out: they are short, and kept by those who work."""
    worker = SHARED["worker"] | {"lease": "1s"}
    more = SHARED | {"worker": worker, "broker": {"url": rabbitmq.url, "prefix": rabbitmq.prefix}}
    settings = company.settings(tmp_path, postgresql_url, **more)
    made = ProcessStack.made(company, tmp_path, settings, fork_server, partial(rabbitmq.publish))
    made.declare_queues()
    return made


@pytest.mark.long
@pytest.mark.parametrize("how", LOST)
def test_a_removal_whose_process_is_lost_is_done_by_another(stack: ProcessStack, how: str) -> None:
    email, group = stack.company.person(), stack.company.jumpcloud_group()
    first = stack.up()
    held = stack.faults.add(**WRITE, hold="before", after=1)
    request = stack.grant(email, f"jumpcloud:group:{group}:member", duration="PT1S")
    stack.until_held(held)
    stack.up()
    LOST[how](first)
    stack.faults.release(held, drop=True)
    try:
        assert stack.claim_ended(request).state is ClaimState.ENDED
        assert not stack.company.in_jumpcloud(email, group)
    finally:
        if how == "frozen":
            first.thaw()
        stack.close()


@pytest.mark.long
def test_what_takes_longer_than_a_lease_is_not_taken_over_from_who_is_at_it(stack: ProcessStack) -> None:
    """The write stands still for several leases; the process that sent it lives."""
    email, group = stack.company.person(), stack.company.jumpcloud_group()
    stack.up()
    held = stack.faults.add(**WRITE, hold="before", after=1)
    request = stack.grant(email, f"jumpcloud:group:{group}:member", duration="PT1S")
    stack.until_held(held)
    stack.up()
    later = [stack.grant(stack.company.person(), f"jumpcloud:group:{group}:member", duration="PT3S") for _ in range(2)]
    for each in later:  # Three times a lease has passed by then.
        stack.claim_ended(each)
    stack.faults.release(held)
    try:
        assert stack.claim_ended(request).state is ClaimState.ENDED
        assert stack.changes(group, email) == ["add", "remove"]
        assert [each.fence for each in stack.operations(request, purpose=Purpose.EXPIRY)] == [1]
    finally:
        stack.close()
