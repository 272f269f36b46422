"""The main flow on each pair of store and broker that is documented."""

from __future__ import annotations

from time import monotonic

import pytest

from simulator.systems import act
from tests.brokers.conftest import MakeSite
from tests.brokers.proxy import Proxy
from tests.crash.process_stack import SHARED, ProcessStack
from tests.machine import Amqp
from tests.patience import fair_seconds
from worker.intake_consumer import publish
from worker.roles import ProcessRole


def goes_well(stack: ProcessStack) -> None:
    """A grant, its expiry, and a ticket."""
    company = stack.company
    email, group = company.person(), company.jumpcloud_group()
    granted = stack.grant(email, f"jumpcloud:group:{group}:member", duration="PT1S")
    by_hand = stack.group_by_hand()
    asked = stack.grant(email, f"jumpcloud:group:{by_hand.name}:member")
    stack.ended(granted)
    stack.claim_ended(granted)
    assert stack.changes(group) == ["add", "remove"]
    ticket = stack.ticket(asked)
    act(company.jumpcloud, "add_member", group=by_hand.id, user=email)
    act(company.jira, "done", issue=ticket.issue_key)
    stack.ended(asked)
    assert len(stack.issues_about(asked)) == 1


def test_postgresql_and_rabbitmq(stack: ProcessStack, rabbitmq: Amqp) -> None:
    goes_well(stack)
    assert stack.worker.stop() == 0
    assert not rabbitmq.has_exchange("provisor.lane.grant"), "queues are reached by the default exchange"


@pytest.mark.parametrize("store", ["sqlite_url", "postgresql_url"])
def test_redis(make_site: MakeSite, request: pytest.FixtureRequest, store: str) -> None:
    stack = make_site(request.getfixturevalue(store), request.getfixturevalue("redis"), None)

    def hand_in(body: bytes) -> None:
        with stack.process.app.connection() as connection:
            publish(connection, stack.process.queues, [body])

    stack.hand_in = hand_in
    stack.up()
    goes_well(stack)


def test_each_role_in_a_process_of_its_own(make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp) -> None:
    """Each makes the queues it needs, whichever comes first; and none does the work of another."""
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish)
    intake, scheduler, worker = (
        stack.up(role) for role in (ProcessRole.INTAKE, ProcessRole.SCHEDULER, ProcessRole.WORKER)
    )
    stack.until(lambda: rabbitmq.has_queue() and rabbitmq.has_queue("provisor.lane.grant"), what="the queues")
    goes_well(stack)
    assert not intake.events()["operation.done"]
    assert not scheduler.events()["operation.done"]
    assert not worker.events()["request.received"]


def test_two_workers_share_the_work_and_each_request_is_done_once(stack: ProcessStack, rabbitmq: Amqp) -> None:
    """Both certainly take part: writes stand still until there are more of them than one process may have."""
    stack.up()
    held = stack.faults.add(system="jumpcloud", method="POST", path="/members$", hold="before", times=None)
    email = stack.company.person()
    groups = [stack.company.jumpcloud_group() for _ in range(100)]
    requests = [
        {
            "id": f"share-{each}",
            "action": "grant",
            "subject": {"email": email},
            "entitlement": f"jumpcloud:group:{each}:member",
        }
        for each in groups
    ]
    stack.send(*requests)
    stack.until_held(held, 2 * (SHARED["worker"]["concurrency"] - 1))
    stack.faults.remove(held)
    for request in requests:
        stack.ended(str(request["id"]))
    assert [stack.changes(group) for group in groups] == [["add"]] * len(groups)
    assert set(stack.audited("request.done").values()) == {1}
    assert set(stack.audited("operation.done").values()) == {1}
    for worker in stack.workers:
        assert worker.events()["operation.done"], "both took part"


def test_a_lost_connection_is_made_again(
    make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp, proxy: Proxy
) -> None:
    """Cut while a write is under way; what is asked for meanwhile is taken in once the broker is there again."""
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish, url=proxy.url)
    stack.up()
    stack.until(rabbitmq.has_queue, what="the queue")
    email, groups = stack.company.person(), [stack.company.jumpcloud_group() for _ in range(2)]
    held = stack.faults.add(system="jumpcloud", method="POST", path="/members$", hold="before")
    under_way = stack.grant(email, f"jumpcloud:group:{groups[0]}:member")
    stack.until_held(held)
    proxy.shut()
    stack.faults.release(held)
    stack.ended(under_way)
    meanwhile = stack.grant(email, f"jumpcloud:group:{groups[1]}:member")
    proxy.open()
    stack.ended(meanwhile)
    assert proxy.cut() >= 1
    stack.ended(stack.revoke(email, f"jumpcloud:group:{groups[1]}:member"))
    assert [stack.changes(group) for group in groups] == [["add"], ["add", "remove"]]
    assert stack.worker.alive


def test_an_idle_worker_ends_as_soon_as_it_is_told_to(stack: ProcessStack) -> None:
    """Celery alone looks at its flag when a message or a timer comes, which takes ten seconds where nothing happens."""
    stack.ended(stack.grant(stack.company.person(), f"jumpcloud:group:{stack.company.jumpcloud_group()}:member"))
    told = monotonic()
    assert stack.worker.stop() == 0
    assert fair_seconds(told) < 8


@pytest.mark.long
def test_it_ends_and_starts_though_the_broker_says_nothing(
    make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp, proxy: Proxy
) -> None:
    """Connections stay open and nothing comes: what a broker looks like that has no memory or descriptors left."""
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish, url=proxy.url)
    first = stack.up()
    stack.until(rabbitmq.has_queue, what="the queue")
    proxy.fall_silent()
    assert first.stop() == 0
    stack.up()
    proxy.open()
    stack.ended(stack.grant(stack.company.person(), f"jumpcloud:group:{stack.company.jumpcloud_group()}:member"))
