"""A server that keeps its connections open and says nothing is said once, and keeps no process from ending."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.brokers.conftest import MakeSite
from tests.brokers.proxy import Proxy
from tests.crash.process_stack import ProcessStack
from tests.machine import Amqp, Redis
from worker.roles import ProcessRole

#: All roles in one process, and each in one of its own.
ROLES = ((), *((role,) for role in ProcessRole))

#: Writes that are under way when the servers fall silent.
NUMBER = 6

MakeProxy = Callable[[str], Proxy]


@pytest.fixture
def behind() -> Iterator[MakeProxy]:
    """Makes proxies in front of servers."""
    with ExitStack() as closing:

        def make(url: str) -> Proxy:
            proxy = Proxy(url)
            closing.callback(proxy.close)
            return proxy

        yield make


def test_each_role_ends_whichever_server_says_nothing(
    make_site: MakeSite, behind: MakeProxy, postgresql_url: str, rabbitmq: Amqp, redis: Redis
) -> None:
    """Told while nobody has noticed the silence, and work is under way; each has ended before anything is said again."""
    to_database, to_rabbitmq, to_redis = behind(postgresql_url), behind(rabbitmq.url), behind(redis.url)
    sites = {
        "database": make_site(to_database.url, rabbitmq, rabbitmq.publish),
        "RabbitMQ": make_site(postgresql_url, rabbitmq, rabbitmq.publish, url=to_rabbitmq.url),
        "database and RabbitMQ": make_site(to_database.url, rabbitmq, rabbitmq.publish, url=to_rabbitmq.url),
        "Redis": make_site(postgresql_url, redis, None, url=to_redis.url),
    }
    for site in sites.values():
        for roles in ROLES:
            site.up(*roles)
    for site in sites.values():
        for worker in site.workers:
            site.until(lambda: worker.events()["provisor.up"], what="the start")  # noqa: B023 - used within the turn
    work_under_way(sites["database"])
    for proxy in (to_database, to_rabbitmq, to_redis):
        proxy.fall_silent()
    workers = {
        (name, *roles): worker
        for name, site in sites.items()
        for roles, worker in zip(ROLES, site.workers, strict=True)
    }
    for worker in workers.values():
        worker.tell()
    assert {name: worker.ended() for name, worker in workers.items()} == dict.fromkeys(workers, 0)


def work_under_way(stack: ProcessStack) -> None:
    """Writes that are not answered, in whichever processes."""
    held = stack.faults.add(system="jumpcloud", method="POST", path="/members$", hold="before", times=None)
    for _ in range(NUMBER):
        stack.grant(stack.company.person(), f"jumpcloud:group:{stack.company.jumpcloud_group()}:member")
    stack.until_held(held, NUMBER)


@pytest.mark.long
@pytest.mark.parametrize("roles", ROLES)
def test_a_silent_database_is_said_once_and_keeps_no_role_from_ending(
    make_site: MakeSite, behind: MakeProxy, postgresql_url: str, rabbitmq: Amqp, roles: tuple[ProcessRole, ...]
) -> None:
    to_database = behind(postgresql_url)
    stack = make_site(to_database.url, rabbitmq, rabbitmq.publish)
    stack.declare_queues()
    worker = stack.up(*roles)
    stack.until(lambda: worker.events()["provisor.up"], what="the start")
    to_database.fall_silent()
    if not roles or ProcessRole.INTAKE in roles:
        rabbitmq.publish("{}")
    stack.until(lambda: "database.silent" in worker.events(), what="the notice")
    assert worker.stop() == 0
    assert worker.events()["database.silent"] == 1
