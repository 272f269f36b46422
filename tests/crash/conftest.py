from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.crash.process_stack import EMBEDDED, SHARED, ForkServer, ProcessStack
from tests.flow.simulated_stack import SimulatedCompany
from tests.machine import Amqp


@pytest.fixture(scope="package")
def company() -> Iterator[SimulatedCompany]:
    company = SimulatedCompany()
    with company.simulators:
        yield company


@pytest.fixture(scope="package")
def fork_server() -> Iterator[ForkServer]:
    fork_server = ForkServer()
    yield fork_server
    fork_server.close()


MakeSite = Callable[..., ProcessStack]


@pytest.fixture
def make_site(
    request: pytest.FixtureRequest, company: SimulatedCompany, fork_server: ForkServer, tmp_path: Path
) -> Iterator[MakeSite]:
    """Makes a stack with a worker at work: ``embedded``, or ``cluster`` on PostgreSQL and RabbitMQ."""
    made: list[ProcessStack] = []

    def make(kind: str, **ticketing: Any) -> ProcessStack:
        more = {**(EMBEDDED if kind == "embedded" else SHARED)}
        more["ticketing"] = more["ticketing"] | ticketing
        if kind == "embedded":
            stack = ProcessStack.made(
                company,
                tmp_path,
                company.settings(tmp_path, request.getfixturevalue("sqlite_url"), **more),
                fork_server,
            )
        else:
            rabbitmq: Amqp = request.getfixturevalue("rabbitmq")
            more["broker"] = {"url": rabbitmq.url, "prefix": rabbitmq.prefix}
            settings = company.settings(tmp_path, request.getfixturevalue("postgresql_url"), **more)
            stack = ProcessStack.made(company, tmp_path, settings, fork_server, partial(rabbitmq.publish))
            stack.declare_queues()
        made.append(stack)
        stack.up()
        return stack

    yield make
    for stack in made:
        stack.close()


@pytest.fixture
def stack(make_site: MakeSite) -> ProcessStack:
    return make_site("embedded")
