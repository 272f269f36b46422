from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.proxy import Proxy
from tests.crash.site import SHARED_LEASE, Nursery, Site
from tests.flow.estate import Company
from tests.machine import Amqp, Redis


@pytest.fixture(scope="package")
def company() -> Iterator[Company]:
    company = Company()
    with company.simulators:
        yield company


@pytest.fixture(scope="package")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(company: Company, nursery: Nursery, tmp_path: Path) -> Iterator[MakeSite]:
    """Makes a site without a worker on a store and a broker; requests come in through ``hand_in``."""
    made: list[Site] = []

    def make(store: str, broker: Amqp | Redis, hand_in: Callable[[bytes], None] | None, *, url: str = "") -> Site:
        more: dict[str, Any] = SHARED_LEASE | {"broker": {"url": url or broker.url, "prefix": broker.prefix}}
        site = Site.made(company, tmp_path, company.settings(tmp_path, store, **more), nursery, hand_in)
        made.append(site)
        return site

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp) -> Site:
    """PostgreSQL and RabbitMQ, with a worker; a plain AMQP client publishes."""
    site = make_site(postgresql_url, rabbitmq, rabbitmq.publish)
    site.declare_queues()
    site.up()
    return site


@pytest.fixture
def proxy(rabbitmq: Amqp) -> Iterator[Proxy]:
    proxy = Proxy(rabbitmq.url)
    yield proxy
    proxy.close()
