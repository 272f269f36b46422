"""Removals depend neither on other work, nor on another system, nor on the broker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from access.lifecycle import ENDS
from simulator.systems import act
from tests.flow.simulated_stack import SimulatedCompany, SimulatedStack

GRANTS = 60
ENDING = 12
#: Threads of the worker; one system holds all but one at the most.
CONCURRENCY = 6


@pytest.fixture
def stack(company: SimulatedCompany, tmp_path: Path, sqlite_url: str) -> Iterator[SimulatedStack]:
    settings = company.settings(tmp_path, sqlite_url)
    stack = SimulatedStack.prepared(company, settings)
    worker = stack.worker_thread()
    worker.start()
    yield stack
    stack.faults.clear()
    worker.stop()
    stack.store.database.close()


def standing_claims(stack: SimulatedStack) -> list[str]:
    """Requests whose access in Jira stands, and runs out when ``end_all`` says so."""
    asked = []
    for _ in range(ENDING):
        email, group = stack.company.person(), stack.company.jira_group()
        asked.append(stack.grant(email, f"jira:group:{group}:member", duration="PT1H"))
    for request in asked:
        stack.ended(request)
    return asked


def end_all(stack: SimulatedStack, asked: list[str]) -> None:
    """The time of these claims is up."""
    now = stack.process.provisor.services.clock.now()
    with stack.store.write() as work:
        for request in asked:
            claim = work.claims.of_request(request)
            assert claim is not None
            work.claims.set(claim.id, ends_at=now - timedelta(seconds=1), due_at=now)


def all_over(stack: SimulatedStack, asked: list[str]) -> bool:
    return all(stack.claim(request).state in ENDS["claim"] for request in asked)


def test_expiries_of_one_system_do_not_wait_for_grants_of_another(stack: SimulatedStack) -> None:
    """JumpCloud answers nothing while 60 grants wait there: not one of them is over when Jira's expiries are taken."""
    asked = standing_claims(stack)
    act(stack.company.jumpcloud, "add_user", email="flood@example.com", username="flood")
    held = stack.faults.add(system="jumpcloud", hold="before", times=None)
    grants = [
        stack.grant("flood@example.com", f"jumpcloud:group:{stack.company.jumpcloud_group()}:member")
        for _ in range(GRANTS)
    ]
    stack.until_held(held, CONCURRENCY - 1)  # the share of one system
    end_all(stack, asked)
    stack.until(lambda: all_over(stack, asked), what="the end of Jira's claims")
    requests = [stack.request(request) for request in grants]
    assert not [each.id for each in requests if each and each.state in ENDS["request"]]
    assert stack.faults.get(held).holding == CONCURRENCY - 1, "all but one thread at the most"
    stack.faults.release(held)
    for request in grants:
        stack.ended(request)


def test_grants_of_one_system_do_not_wait_for_another(stack: SimulatedStack) -> None:
    held = stack.faults.add(system="jumpcloud", hold="before", times=None)
    email = stack.company.person()
    waiting = [
        stack.grant(email, f"jumpcloud:group:{stack.company.jumpcloud_group()}:member") for _ in range(GRANTS // 2)
    ]
    stack.until_held(held, CONCURRENCY - 1)
    stack.ended(stack.grant(email, f"jira:group:{stack.company.jira_group()}:member"))
    stack.faults.release(held)
    for request in waiting:
        stack.ended(request)
