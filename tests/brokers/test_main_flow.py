"""The main flow on each pair of store and broker that is documented."""

from __future__ import annotations

from time import monotonic

import pytest

from simulator.systems import act
from tests.brokers.conftest import MakeSite
from tests.brokers.proxy import Proxy
from tests.crash.site import Site
from tests.machine import Amqp
from worker.intake_step import publish
from worker.running import Role


def goes_well(site: Site) -> None:
    """A grant, its expiry, and a ticket."""
    company = site.company
    email, group = company.person(), company.jumpcloud_group()
    granted = site.grant(email, f"jumpcloud:group:{group}:member", duration="PT1S")
    by_hand = site.group_by_hand()
    asked = site.grant(email, f"jumpcloud:group:{by_hand.name}:member")
    site.ended(granted)
    site.claim_ended(granted)
    assert site.changes(group) == ["add", "remove"]
    ticket = site.ticket(asked)
    act(company.jumpcloud, "add_member", group=by_hand.id, user=email)
    act(company.jira, "done", issue=ticket.issue_key)
    site.ended(asked)
    assert len(site.issues_about(asked)) == 1


def test_postgresql_and_rabbitmq(site: Site) -> None:
    goes_well(site)
    assert site.worker.stop() == 0


@pytest.mark.parametrize("store", ["sqlite_url", "postgresql_url"])
def test_redis(make_site: MakeSite, request: pytest.FixtureRequest, store: str) -> None:
    site = make_site(request.getfixturevalue(store), request.getfixturevalue("redis"), None)

    def hand_in(body: bytes) -> None:
        with site.running.app.connection() as connection:
            publish(connection, site.running.queues, [body])

    site.hand_in = hand_in
    site.up()
    goes_well(site)


def test_each_role_in_a_process_of_its_own(make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp) -> None:
    """Each makes the queues it needs, whichever comes first; and none does the work of another."""
    site = make_site(postgresql_url, rabbitmq, rabbitmq.publish)
    intake, scheduler, worker = (site.up(role) for role in (Role.INTAKE, Role.SCHEDULER, Role.WORKER))
    site.until(lambda: rabbitmq.has_queue() and rabbitmq.has_queue("provisor.grant"), what="the queues")
    goes_well(site)
    assert not intake.events()["operation.done"]
    assert not scheduler.events()["operation.done"]
    assert not worker.events()["request.received"]


def test_two_workers_share_the_work_and_each_request_is_done_once(site: Site, rabbitmq: Amqp) -> None:
    site.up()
    email = site.company.person()
    groups = [site.company.jumpcloud_group() for _ in range(100)]
    requests = [
        {
            "id": f"share-{each}",
            "action": "grant",
            "subject": {"email": email},
            "entitlement": f"jumpcloud:group:{each}:member",
        }
        for each in groups
    ]
    site.send(*requests)
    for request in requests:
        site.ended(str(request["id"]), seconds=40)
    assert [site.changes(group) for group in groups] == [["add"]] * len(groups)
    assert set(site.audited("request.done").values()) == {1}
    assert set(site.audited("operation.done").values()) == {1}
    for worker in site.workers:
        assert worker.events()["operation.done"], "both took part"


def test_a_lost_connection_is_made_again(
    make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp, proxy: Proxy
) -> None:
    """Cut while a write is under way; what is asked for meanwhile is taken in once the broker is there again."""
    site = make_site(postgresql_url, rabbitmq, rabbitmq.publish, url=proxy.url)
    site.up()
    site.until(rabbitmq.has_queue, what="the queue")
    email, groups = site.company.person(), [site.company.jumpcloud_group() for _ in range(2)]
    held = site.faults.add(system="jumpcloud", method="POST", path="/members$", hold="before")
    under_way = site.grant(email, f"jumpcloud:group:{groups[0]}:member")
    assert site.faults.wait_until(held, holding=1, timeout=20)
    proxy.shut()
    site.faults.release(held)
    site.ended(under_way)
    meanwhile = site.grant(email, f"jumpcloud:group:{groups[1]}:member")
    proxy.open()
    site.ended(meanwhile)
    assert proxy.cut() >= 1
    site.ended(site.revoke(email, f"jumpcloud:group:{groups[1]}:member"))
    assert [site.changes(group) for group in groups] == [["add"], ["add", "remove"]]
    assert site.worker.alive


def test_an_idle_worker_ends_as_soon_as_it_is_told_to(site: Site) -> None:
    """Celery alone looks at its flag when a message or a timer comes, which takes ten seconds where nothing happens."""
    site.ended(site.grant(site.company.person(), f"jumpcloud:group:{site.company.jumpcloud_group()}:member"))
    told = monotonic()
    assert site.worker.stop() == 0
    assert monotonic() - told < 5


@pytest.mark.long
def test_it_ends_and_starts_though_the_broker_says_nothing(
    make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp, proxy: Proxy
) -> None:
    """Connections stay open and nothing comes: what a broker looks like that has no memory or descriptors left."""
    site = make_site(postgresql_url, rabbitmq, rabbitmq.publish, url=proxy.url)
    first = site.up()
    site.until(rabbitmq.has_queue, what="the queue")
    proxy.fall_silent()
    assert first.stop() == 0
    site.up()
    proxy.open()
    site.ended(site.grant(site.company.person(), f"jumpcloud:group:{site.company.jumpcloud_group()}:member"))
