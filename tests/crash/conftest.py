from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.crash.site import EMBEDDED, SHARED_LEASE, Nursery, Site
from tests.flow.estate import Company
from tests.machine import Amqp


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


MakeSite = Callable[[str], Site]


@pytest.fixture
def make_site(request: pytest.FixtureRequest, company: Company, nursery: Nursery, tmp_path: Path) -> Iterator[MakeSite]:
    """Makes a site with a worker at work: ``embedded``, or ``cluster`` on PostgreSQL and RabbitMQ."""
    made: list[Site] = []

    def make(kind: str) -> Site:
        more: dict[str, Any]
        if kind == "embedded":
            more = EMBEDDED
            site = Site.made(
                company, tmp_path, company.settings(tmp_path, request.getfixturevalue("sqlite_url"), **more), nursery
            )
        else:
            rabbitmq: Amqp = request.getfixturevalue("rabbitmq")
            more = SHARED_LEASE | {"broker": {"url": rabbitmq.url, "prefix": rabbitmq.prefix}}
            settings = company.settings(tmp_path, request.getfixturevalue("postgresql_url"), **more)
            site = Site.made(company, tmp_path, settings, nursery, partial(rabbitmq.publish))
            site.declare_queues()
        made.append(site)
        site.up()
        return site

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site("embedded")
