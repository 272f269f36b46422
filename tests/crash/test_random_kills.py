"""Kills at any moment whatever, and wake-ups that are lost: everything asked for is done once, and nothing is forgotten."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

import pytest

from access.lifecycle import ENDS, RequestState
from access.operations import Ticket
from simulator.systems import act
from tests.crash.conftest import MakeSite
from tests.crash.process_stack import ProcessStack
from tests.machine import Amqp
from worker.roles import ProcessRole

GRANTS, REVOKES, TICKETS, KILLS = 39, 19, 2, 3


@dataclass(frozen=True)
class Asked:
    request: str
    email: str
    group: str
    changes: list[str]


def asked(stack: ProcessStack) -> list[Asked]:
    """Sixty requests: for people who lack the access, for people who have it, and two for a person to carry out."""
    company = stack.company
    group = company.jumpcloud_group()
    by_hand = stack.group_by_hand()
    everything: list[Asked] = []
    for number in range(GRANTS + REVOKES + TICKETS):
        email = company.person(jira=False)
        if number >= GRANTS + REVOKES:
            request = stack.grant(email, f"jumpcloud:group:{by_hand.name}:member")
            everything.append(Asked(request, email, by_hand.id, ["add"]))
        elif number % 3 == 1:
            act(company.jumpcloud, "add_member", group=group, user=email)
            request = stack.revoke(email, f"jumpcloud:group:{group}:member")
            everything.append(Asked(request, email, group, ["add", "remove"]))
        else:
            request = stack.grant(email, f"jumpcloud:group:{group}:member")
            everything.append(Asked(request, email, group, ["add"]))
    return everything


def over(stack: ProcessStack, everything: list[Asked]) -> int:
    with stack.store.read() as work:
        found = [work.requests.get(each.request) for each in everything]
    return sum(request is not None and request.state in ENDS["request"] for request in found)


def reached(stack: ProcessStack, everything: list[Asked], number: int) -> bool:
    return over(stack, everything) >= number


def tickets(stack: ProcessStack, everything: list[Asked]) -> list[tuple[Asked, Ticket]]:
    return [(each, stack.ticket(each.request)) for each in everything[-TICKETS:]]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["embedded", "cluster"])
def test_killed_at_random_moments_everything_is_done_once(make_site: MakeSite, kind: str) -> None:
    chance = random.Random(seed := random.randrange(10**6))  # noqa: S311 - any moments will do
    stack = make_site(kind)
    stack.faults.latency(8)
    everything = asked(stack)
    for after in sorted(chance.sample(range(GRANTS + REVOKES - 5), KILLS)):
        stack.until(partial(reached, stack, everything, after), what=f"{after} done (seed {seed})")
        stack.kill()
        stack.up()
    for each, ticket in tickets(stack, everything):
        act(stack.company.jumpcloud, "add_member", group=each.group, user=each.email)
        act(stack.company.jira, "done", issue=ticket.issue_key)
    stack.until(partial(reached, stack, everything, len(everything)), what=f"the end of everything (seed {seed})")
    received, done = stack.audited("request.received"), stack.audited("request.done")
    for each in everything:
        found = stack.request(each.request)
        assert found is not None
        assert found.state is RequestState.DONE, f"seed {seed}: {each} {found.reason}"
        assert stack.changes(each.group, each.email) == each.changes, f"seed {seed}"
        assert len(stack.issues_about(each.request)) == (each in everything[-TICKETS:]), f"seed {seed}"
        assert received[each.request] == done[each.request] == 1, f"seed {seed}"


def test_wake_ups_that_the_broker_lost_are_made_up_for_by_the_sweep(make_site: MakeSite, rabbitmq: Amqp) -> None:
    """The requests are taken in and their wake-ups sent; then the broker loses every one of them.

    Intake wakes workers for the first requests of a commit only, so each request comes alone.
    """
    stack = make_site("cluster")
    stack.worker.kill()
    intake = stack.up(ProcessRole.INTAKE)
    email = stack.company.person()
    groups = [stack.company.jumpcloud_group() for _ in range(10)]
    requests: list[str] = []
    for group in groups:
        requests.append(stack.grant(email, f"jumpcloud:group:{group}:member"))
        stack.until(lambda: stack.request(requests[-1]), what="the intake")
    stack.until(lambda: rabbitmq.depth("provisor.lane.grant") == len(requests), what="the wake-ups")
    intake.kill()
    rabbitmq.purge()
    stack.let_leases_run_out()
    stack.up(ProcessRole.WORKER, ProcessRole.SCHEDULER)
    for request, group in zip(requests, groups, strict=True):
        stack.ended(request)
        assert stack.changes(group, email) == ["add"]
