"""A simulated Jira site, with or without its organization, and a reader of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests

from access.entitlements import System
from connectors.atlassian import AtlassianOrganization, organization_client, organization_key
from connectors.jira import api_token, jira_client
from connectors.jira.reading import JiraReader, Sizes
from connectors.reading import Part, Row
from httpclient import ClientOptions, Credential, RateLimiter, RetryPolicy
from httpclient.rate_limiter import Unlimited
from simulator.atlassian import World as OrganizationWorld
from simulator.atlassian.world import ORGANIZATION_KEY
from simulator.jira import World
from simulator.jira.people import Group, User
from simulator.server import Simulators
from simulator.switches import change_switches
from tests.connectors.snapshot_engine import Snapshot, take
from tests.httpclient.stub import TIMEOUTS

ADMIN, TOKEN = "admin@example.com", "sim-token"
SITE = "https://example.atlassian.net"


class JiraReaderHarness:
    """Takes snapshots of a simulated site, and counts calls by the control door's book."""

    def __init__(self, world: World, simulators: Simulators) -> None:
        self.world = world
        self.simulators = simulators
        self._close: list[Callable[[], None]] = []

    def reader(
        self,
        credential: Credential | None = None,
        *,
        address: str | None = None,
        tries: int = 1,
        rate_limiter: RateLimiter | None = None,
        organization: AtlassianOrganization | None = None,
        **more: Any,
    ) -> JiraReader:
        client = jira_client(
            base_url=address or self.simulators.jira_url,
            credential=credential or api_token(ADMIN, TOKEN),
            options=ClientOptions(
                timeouts=TIMEOUTS,
                retry_policy=RetryPolicy.without_waits(tries),
                rate_limiter=rate_limiter or Unlimited(),
                pool_size=8,
            ),
        )
        reader = JiraReader(client, site=SITE, organization=organization, **more)
        assert reader.system is System.JIRA
        self._close += [reader.close, client.close]
        return reader

    def organization(
        self, key: str = ORGANIZATION_KEY, *, org_id: str | None = None, tries: int = 1
    ) -> AtlassianOrganization:
        client = organization_client(
            credential=organization_key(key),
            options=ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.without_waits(tries), pool_size=8),
            base_url=self.simulators.atlassian_url,
        )
        self._close.append(client.close)
        return AtlassianOrganization(client, org_id or self.world.organization.id)

    @property
    def directory(self) -> OrganizationWorld:
        world = self.simulators.worlds["atlassian"]
        assert isinstance(world, OrganizationWorld)
        return world

    @property
    def gateway(self) -> str:
        return f"{self.simulators.jira_url}/ex/jira/{self.world.site.cloud_id}"

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def take(self, reader: JiraReader, *, previous: Snapshot | None = None, since: datetime | None = None) -> Snapshot:
        """A snapshot; of what changed when there is a previous one."""
        requests.delete(f"{self.simulators.control_url}/requests", timeout=300)
        snapshot = take(reader, last=previous, since=since)
        snapshot.calls = self.calls()
        return snapshot

    def calls(self) -> Counter[str]:
        """The calls that reached the simulators, by the control door's book."""
        book = requests.get(f"{self.simulators.control_url}/requests", timeout=300).json()
        return Counter({f"{one['system']} {one['method']} {one['route']}": one["count"] for one in book["counts"]})

    def close(self) -> None:
        for close in reversed(self._close):
            close()


def add_user(world: World, name: str, **more: Any) -> User:
    user = User(f"712020:{world.administration.fresh_uuid()}", f"{name.lower()}@example.com", name, **more)
    return world.directory.add_user(user)


def add_group(world: World, name: str, *members: User, **more: Any) -> Group:
    found = Group(world.administration.fresh_uuid(), name, members=[user.account_id for user in members], **more)
    return world.directory.add_group(found)


def sizes(world: World, **more: Any) -> Sizes:
    """What a snapshot of the site costs depends on these."""
    projects = world.projects.by_id.values()
    return Sizes(
        users=len(world.directory.users),
        members=[len(group.members) for group in world.directory.groups.values()],
        projects=len(projects),
        roles=sum(len(world.catalogue.roles_of(project)) - (not project.simplified) for project in projects),
        team_managed=sum(project.simplified for project in projects),
        **more,
    )


@contextmanager
def jira_harness(*, organization: bool = False) -> Iterator[JiraReaderHarness]:
    """A site without bursts, and readers of it."""
    world = World()
    world.switches.burst_bucket = 0
    with Simulators(jira=world, atlassian=organization) as simulators:
        made = JiraReaderHarness(world, simulators)
        yield made
        made.close()


def part(name: str, /, **about: str) -> Part:
    return Part(name, about)


def flat(pages: Iterator[Sequence[Row]]) -> list[Row]:
    return [row for page in pages for row in page]
