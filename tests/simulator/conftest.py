import time
from collections.abc import Callable, Iterator

import pytest

from simulator.atlassian import World as AtlassianWorld
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World
from simulator.server import Simulators
from tests.simulator import openapi
from tests.simulator.atlassian_client import Atlassian
from tests.simulator.jira_client import Jira
from tests.simulator.jira_contract import TEXT, contract
from tests.simulator.jumpcloud_client import Clock, JumpCloud


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jumpcloud(clock: Clock) -> Iterator[JumpCloud]:
    """A fresh JumpCloud with nobody but its two administrators in it, and a client that speaks plain HTTP."""
    world = World(clock=clock)
    with Simulators(jumpcloud=world) as running, JumpCloud(running, world) as client:
        yield client


@pytest.fixture
def ticks() -> Callable[[], float]:
    """Seconds by which limits refill."""
    return time.monotonic


@pytest.fixture
def jira(ticks: Callable[[], float]) -> Iterator[Jira]:
    """A fresh Jira site with nobody but its administrator in it, and a client that speaks plain HTTP."""
    world = JiraWorld(ticks=ticks)
    with Simulators(jira=world) as running, Jira(running, world) as client:
        if openapi.is_here(TEXT):
            client.session.hooks["response"].append(contract().check)
        yield client


@pytest.fixture
def key(jira: Jira) -> str:
    """The key of an issue in the project ACC, which has nothing else."""
    jira.project()
    return str(jira.issue()["key"])


@pytest.fixture
def atlassian(clock: Clock) -> Iterator[Atlassian]:
    """A fresh organization with its one administrator, and a client that speaks plain HTTP."""
    site = JiraWorld(clock=clock)
    world = AtlassianWorld(site)
    with Simulators(jira=site, atlassian=world) as running:
        yield Atlassian(running, world)
