from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World
from simulator.server import Simulators
from tests.connectors.jira_site import Site
from tests.connectors.jumpcloud_company import Company
from tests.connectors.jumpcloud_tenant import Tenant
from tests.connectors.stub import Stub


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as running:
        yield running


@pytest.fixture
def company() -> Iterator[Company]:
    world = World()
    with Simulators(jumpcloud=world) as simulators:
        company = Company(world, simulators)
        yield company
        company.close()


@pytest.fixture
def site() -> Iterator[Site]:
    world = JiraWorld()
    with Simulators(jira=world) as simulators:
        site = Site(world, simulators)
        yield site
        site.close()


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    world = World()
    with Simulators(jumpcloud=world) as simulators:
        tenant = Tenant(world, simulators)
        yield tenant
        tenant.close()
