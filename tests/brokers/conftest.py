from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlparse, urlunparse

import pytest

from tests.brokers.proxy import Proxy
from tests.conftest import absent
from tests.crash.process_stack import SHARED, ForkServer, ProcessStack
from tests.flow.simulated_stack import SimulatedCompany
from tests.machine import Amqp, Redis
from worker.queues import INTAKE_EXCHANGE


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
def make_site(company: SimulatedCompany, fork_server: ForkServer, tmp_path: Path) -> Iterator[MakeSite]:
    """Makes a stack without a worker on a store and a broker; requests come in through ``hand_in``."""
    made: list[ProcessStack] = []

    def make(
        store: str,
        broker: Amqp | Redis,
        hand_in: Callable[[bytes], None] | None,
        *,
        url: str = "",
        worker: Mapping[str, Any] | None = None,
        silence: str = "8s",
    ) -> ProcessStack:
        more: dict[str, Any] = SHARED | {"broker": {"url": url or broker.url, "prefix": broker.prefix}}
        more["worker"] = {**more["worker"], **(worker or {})}
        folder = tmp_path / f"site-{len(made)}"
        folder.mkdir()
        settings = company.settings(folder, store, **more)
        settings["store"]["silence"] = silence
        stack = ProcessStack.made(company, folder, settings, fork_server, hand_in)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.close()


@pytest.fixture
def stack(make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp) -> ProcessStack:
    """PostgreSQL and RabbitMQ, with a worker; a plain AMQP client publishes."""
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish)
    stack.declare_queues()
    stack.up()
    return stack


@pytest.fixture
def proxy(rabbitmq: Amqp) -> Iterator[Proxy]:
    proxy = Proxy(rabbitmq.url)
    yield proxy
    proxy.close()


def _rabbitmqctl(*arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "--quiet", *arguments], check=True, capture_output=True, timeout=600)


@pytest.fixture
def producer(rabbitmq: Amqp) -> Iterator[Amqp]:
    """A user of RabbitMQ who may write to the intake's exchange, and nothing else."""
    name = f"provisor-test-{token_hex(4)}"
    try:
        _rabbitmqctl("add_user", name, name)
    except (OSError, subprocess.SubprocessError) as exc:
        absent("RabbitMQ's rabbitmqctl", exc)
    exchange = (rabbitmq.prefix + INTAKE_EXCHANGE).replace(".", "[.]")
    _rabbitmqctl("set_permissions", "-p", "/", name, "^$", f"^{exchange}$", "^$")
    at = urlparse(rabbitmq.url)
    url = urlunparse(at._replace(netloc=f"{name}:{name}@{at.hostname}:{at.port or 5672}"))
    yield Amqp(url, prefix=rabbitmq.prefix)
    _rabbitmqctl("delete_user", name)
