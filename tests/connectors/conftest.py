from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from httpclient import Fetcher
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World
from simulator.server import Simulators
from tests.connectors.jumpcloud_reader_harness import JumpCloudReaderHarness
from tests.connectors.simulated_jira import SimulatedJira
from tests.connectors.simulated_jumpcloud import SimulatedJumpCloud
from tests.httpclient.stub import Stub


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as running:
        yield running


@pytest.fixture
def world(harness: Any) -> Any:
    """What is simulated behind the harness that a test has."""
    return harness.world


@pytest.fixture
def fetching() -> Iterator[Fetcher]:
    fetching = Fetcher(concurrency=4)
    yield fetching
    fetching.close()


@pytest.fixture
def company() -> Iterator[SimulatedJumpCloud]:
    world = World()
    with Simulators(jumpcloud=world) as simulators:
        company = SimulatedJumpCloud(world, simulators)
        yield company
        company.close()


@pytest.fixture
def site() -> Iterator[SimulatedJira]:
    world = JiraWorld()
    with Simulators(jira=world) as simulators:
        site = SimulatedJira(world, simulators)
        yield site
        site.close()


@pytest.fixture
def harness() -> Iterator[JumpCloudReaderHarness]:
    world = World()
    with Simulators(jumpcloud=world) as simulators:
        harness = JumpCloudReaderHarness(world, simulators)
        yield harness
        harness.close()
