"""Another process does what one that died, or stands still, was to do: nobody waits for more than a short lease."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from access.lifecycle import ClaimState
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
