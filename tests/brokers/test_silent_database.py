"""A database that falls silent is said once, and keeps no process from ending."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.brokers.conftest import MakeSite
from tests.brokers.proxy import Proxy
from tests.machine import Amqp
from worker.roles import ProcessRole

pytestmark = pytest.mark.long


@pytest.fixture
def to_database(postgresql_url: str) -> Iterator[Proxy]:
    proxy = Proxy(postgresql_url)
    yield proxy
    proxy.close()


@pytest.mark.parametrize("roles", [(), *((role,) for role in ProcessRole)])
def test_each_role_ends_though_the_database_says_nothing(
    make_site: MakeSite, to_database: Proxy, rabbitmq: Amqp, roles: tuple[ProcessRole, ...]
) -> None:
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
