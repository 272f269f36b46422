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
from tests.crash.site import Site
from tests.machine import Amqp
from worker.running import Role

GRANTS, REVOKES, TICKETS, KILLS = 39, 19, 2, 3


@dataclass(frozen=True)
class Asked:
    request: str
    email: str
    group: str
    changes: list[str]


def asked(site: Site) -> list[Asked]:
    """Sixty requests: for people who lack the access, for people who have it, and two for a person to carry out."""
    company = site.company
    group = company.jumpcloud_group()
    by_hand = site.group_by_hand()
    everything: list[Asked] = []
    for number in range(GRANTS + REVOKES + TICKETS):
        email = company.person(jira=False)
        if number >= GRANTS + REVOKES:
            request = site.grant(email, f"jumpcloud:group:{by_hand.name}:member")
            everything.append(Asked(request, email, by_hand.id, ["add"]))
        elif number % 3 == 1:
            act(company.jumpcloud, "add_member", group=group, user=email)
            request = site.revoke(email, f"jumpcloud:group:{group}:member")
            everything.append(Asked(request, email, group, ["add", "remove"]))
        else:
            request = site.grant(email, f"jumpcloud:group:{group}:member")
            everything.append(Asked(request, email, group, ["add"]))
    return everything


def over(site: Site, everything: list[Asked]) -> int:
    with site.store.read() as work:
        found = [work.requests.get(each.request) for each in everything]
    return sum(request is not None and request.state in ENDS["request"] for request in found)


def reached(site: Site, everything: list[Asked], number: int) -> bool:
    return over(site, everything) >= number


def tickets(site: Site, everything: list[Asked]) -> list[tuple[Asked, Ticket]]:
    return [(each, site.ticket(each.request)) for each in everything[-TICKETS:]]


@pytest.mark.timeout(180)
@pytest.mark.long
@pytest.mark.parametrize("kind", ["embedded", "cluster"])
def test_killed_at_random_moments_everything_is_done_once(make_site: MakeSite, kind: str) -> None:
    chance = random.Random(seed := random.randrange(10**6))  # noqa: S311 - any moments will do
    site = make_site(kind)
    site.faults.latency(8)
    everything = asked(site)
    for after in sorted(chance.sample(range(GRANTS + REVOKES - 5), KILLS)):
        site.until(partial(reached, site, everything, after), seconds=60, what=f"{after} done (seed {seed})")
        site.worker.kill()
        site.up()
    for each, ticket in tickets(site, everything):
        act(site.company.jumpcloud, "add_member", group=each.group, user=each.email)
        act(site.company.jira, "done", issue=ticket.issue_key)
    site.until(
        partial(reached, site, everything, len(everything)), seconds=60, what=f"the end of everything (seed {seed})"
    )
    received, done = site.audited("request.received"), site.audited("request.done")
    for each in everything:
        found = site.request(each.request)
        assert found is not None
        assert found.state is RequestState.DONE, f"seed {seed}: {each} {found.reason}"
        assert site.changes(each.group, each.email) == each.changes, f"seed {seed}"
        assert len(site.issues_about(each.request)) == (each in everything[-TICKETS:]), f"seed {seed}"
        assert received[each.request] == done[each.request] == 1, f"seed {seed}"


def test_wake_ups_that_the_broker_lost_are_made_up_for_by_the_sweep(make_site: MakeSite, rabbitmq: Amqp) -> None:
    """The requests are taken in and their wake-ups sent; then the broker loses every one of them."""
    site = make_site("cluster")
    site.worker.kill()
    intake = site.up(Role.INTAKE)
    email = site.company.person()
    groups = [site.company.jumpcloud_group() for _ in range(10)]
    requests = [site.grant(email, f"jumpcloud:group:{group}:member") for group in groups]
    site.until(lambda: all(site.request(request) for request in requests))
    site.until(lambda: rabbitmq.depth("provisor.grant") == len(requests), what="the wake-ups")
    intake.kill()
    rabbitmq.purge()
    site.up(Role.WORKER, Role.SCHEDULER)
    for request, group in zip(requests, groups, strict=True):
        site.ended(request)
        assert site.changes(group, email) == ["add"]
