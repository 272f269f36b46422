"""Removals go on while the broker is away, and no row has more than one wake-up."""

from __future__ import annotations

import json
from datetime import timedelta

from access.clock import SystemClock
from tests.brokers.conftest import MakeSite
from tests.brokers.proxy import Proxy
from tests.crash.process_stack import ProcessStack
from tests.machine import Amqp
from worker.roles import ProcessRole


def end(stack: ProcessStack, *asked: str) -> None:
    """The time of these requests' claims is up."""
    now = SystemClock().now()
    with stack.store.write() as work:
        for request in asked:
            claim = work.claims.of_request(request)
            assert claim is not None
            work.claims.set(claim.id, ends_at=now - timedelta(seconds=1), due_at=now)


def test_expiries_and_requests_go_on_while_the_broker_is_away(
    make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp, proxy: Proxy
) -> None:
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish, url=proxy.url)
    stack.declare_queues()
    worker = stack.up()
    email, groups = stack.company.person(), [stack.company.jumpcloud_group() for _ in range(5)]
    asked = [stack.grant(email, f"jumpcloud:group:{group}:member", duration="PT1H") for group in groups]
    for request in asked:
        stack.ended(request)
    proxy.shut()
    end(stack, *asked[:3])
    for request in asked[:3]:
        stack.claim_ended(request)
    with stack.store.write() as work:
        body = f'{{"id": "handed-in", "action": "revoke", "subject": {{"email": "{email}"}}, '
        body += f'"entitlement": "jumpcloud:group:{groups[3]}:member"}}'
        work.inbox.add(body.encode(), content_type="application/json", source="test", now=SystemClock().now())
    stack.ended("handed-in")
    assert worker.events()["broker.unreachable"], "it was tried"
    assert [stack.changes(group) for group in groups] == [["add", "remove"]] * 4 + [["add"]]


def test_expiries_go_on_in_a_worker_that_never_saw_a_broker(
    make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp, proxy: Proxy
) -> None:
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish, url=proxy.url)
    stack.declare_queues()
    stack.up()
    group = stack.company.jumpcloud_group()
    asked = stack.grant(stack.company.person(), f"jumpcloud:group:{group}:member", duration="PT1H")
    stack.ended(asked)
    stack.worker.stop()
    proxy.shut()
    stack.up(ProcessRole.WORKER)
    end(stack, asked)
    stack.claim_ended(asked)
    assert stack.changes(group) == ["add", "remove"]


def test_a_row_that_waits_has_one_wake_up_at_most(make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp) -> None:
    """Nobody works: the marks of the rows run out several times, and no second wake-up is sent for any.

    Intake wakes workers for the first rows of a commit only; those find the others by themselves.
    """
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish, worker={"lease": "1s"})
    stack.declare_queues()
    stack.up(ProcessRole.INTAKE, ProcessRole.SCHEDULER)
    email = stack.company.person()
    asked = [stack.grant(email, f"jumpcloud:group:{stack.company.jumpcloud_group()}:member") for _ in range(12)]
    stack.until(lambda: all(map(stack.request, asked)), what="the intake")
    later = SystemClock().now() + timedelta(seconds=4)
    stack.until(lambda: SystemClock().now() > later, what="four times the mark")
    woken = [json.loads(each.body)[0][0] for each in rabbitmq.waiting("provisor.lane.grant")]
    assert set(woken) <= set(asked)
    assert 0 < len(woken) == len(set(woken))
