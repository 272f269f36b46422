"""Everything works behind a pooler that gives each transaction to another session of the database."""

from __future__ import annotations

from tests.brokers.conftest import MakeSite
from tests.machine import Amqp

GRANTS = 60


def test_two_workers_behind_pgbouncer(make_site: MakeSite, pgbouncer_url: str, rabbitmq: Amqp) -> None:
    stack = make_site(pgbouncer_url, rabbitmq, rabbitmq.publish)
    stack.declare_queues()
    stack.up()
    stack.up()
    email, groups = stack.company.person(), [stack.company.jumpcloud_group() for _ in range(GRANTS)]
    asked = [stack.grant(email, f"jumpcloud:group:{group}:member", duration="PT2S") for group in groups]
    for request in asked:
        stack.ended(request)
    for request in asked:
        stack.claim_ended(request)
    assert [stack.changes(group) for group in groups] == [["add", "remove"]] * GRANTS
    with stack.store.read() as work:
        assert work.dead_letters.recent(over=True) == []
