"""Requests count in the order in which they were sent: one process at a time takes them in, and the database numbers them."""

from __future__ import annotations

import contextlib
import json
from contextlib import closing
from typing import Any

import amqp
import pytest
from amqp.exceptions import AccessRefused
from redis import Redis as Client

from tests.brokers.conftest import MakeSite
from tests.brokers.raw_messages import RawMessage, publish_raw
from tests.crash.process_stack import ProcessStack
from tests.machine import LANES, Amqp, Redis
from worker.queues import DEAD, INTAKE, RETURNED
from worker.roles import ProcessRole

_NUMBER = 200


def _requests(number: int = _NUMBER) -> list[bytes]:
    """Revocations and grants of one access, by turns."""
    common = {"subject": {"id": "nobody"}, "entitlement": "jumpcloud:group:no:member"}
    return [
        json.dumps({"id": f"r{place}", "action": ("revoke", "grant")[place % 2]} | common).encode()
        for place in range(number)
    ]


def _order(stack: ProcessStack) -> list[str]:
    names = [f"r{place}" for place in range(_NUMBER)]
    with stack.store.read() as work:
        sequences = work.requests.sequences(names)
    return sorted(sequences, key=lambda name: sequences[name])


def _send(broker: Amqp | Redis, bodies: list[bytes]) -> None:
    if isinstance(broker, Amqp):
        publish_raw(broker, [RawMessage(body) for body in bodies])
        return
    with closing(Client.from_url(broker.url)) as client:
        for body in bodies:
            client.lpush(broker.prefix + INTAKE, body)


@pytest.mark.parametrize("name", ["rabbitmq", "redis"])
def test_two_intakes_keep_the_order_though_the_one_that_reads_is_killed_or_frozen(
    make_site: MakeSite, postgresql_url: str, request: pytest.FixtureRequest, name: str
) -> None:
    """E8: back to back; clocks have no part in it."""
    broker: Amqp | Redis = request.getfixturevalue(name)
    stack = make_site(postgresql_url, broker, None)
    if isinstance(broker, Amqp):
        stack.declare_queues()
    workers = [stack.up(ProcessRole.INTAKE) for _ in range(3)]
    for worker in workers:
        stack.until(lambda: worker.events()["provisor.up"], what="the start")  # noqa: B023 - used within the turn
    bodies = _requests()
    reading: list[Any] = []
    for place in range(0, _NUMBER, 50):
        _send(broker, bodies[place : place + 50])
        last = f"r{place + 49}"
        stack.until(lambda: stack.request(last) is not None, what=last)  # noqa: B023 - the same
        reads = max(
            (each for each in workers if each not in reading), key=lambda each: each.events()["request.received"]
        )
        if len(reading) == 0:
            reads.kill()
        elif len(reading) == 1:
            reads.freeze()
        if len(reading) < 2:
            reading.append(reads)
    assert _order(stack) == [f"r{place}" for place in range(_NUMBER)]
    assert set(stack.audited("request.received").values()) == {1}
    reading[1].thaw()


def test_a_producer_with_the_least_permission_reaches_the_intake_and_no_lane(
    stack: ProcessStack, rabbitmq: Amqp, producer: Amqp
) -> None:
    """E5."""
    for queue in (INTAKE, RETURNED, DEAD, *(f"provisor.lane.{lane}" for lane in LANES)):
        with pytest.raises(AccessRefused):
            publish_raw(producer, [RawMessage(b"[]")], queue=queue)
    for exchange in ("amq.direct", "amq.fanout", "amq.topic"):
        with pytest.raises(AccessRefused):
            _publish(producer, exchange)
    lane = (rabbitmq.prefix + "provisor.lane.grant").encode()
    copy_to = (b"CC", b"A" + (5 + len(lane)).to_bytes(4) + b"S" + len(lane).to_bytes(4) + lane)
    publish_raw(producer, [RawMessage(_requests(1)[0], headers=(copy_to,), routing_key=lane)])
    stack.until(lambda: stack.request("r0") is not None, what="the request")
    assert not stack.worker.events()["wake_up.dropped"]


def _publish(producer: Amqp, exchange: str) -> None:
    with contextlib.closing(producer.connect()) as connection:
        channel: Any = connection.channel()
        channel.basic_publish_confirm(amqp.Message(b"[]"), exchange=exchange, routing_key="provisor.lane.grant")
