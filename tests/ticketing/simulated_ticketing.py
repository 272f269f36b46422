"""A service harness for tests: a simulated Jira with one project, and the provider that works with it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, Self

from access.clock import ManualClock
from connectors.jira.client import api_token, jira_client
from httpclient import ClientOptions, Credential, HttpClient, RateLimiter, RetryPolicy, Timeouts, Unlimited
from simulator.jira.issues import Issue
from simulator.jira.projects import Project
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN, World
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act
from ticketing.jira import JiraServiceDeskProvider, JiraTicketProvider
from ticketing.ports import TicketDraft, TicketProvider, TicketRef, TicketSnapshot

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MARKER = "provisor-op-1"


@dataclass
class SimulatedTicketing:
    world: World
    simulators: Simulators
    provider: JiraTicketProvider

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        world = World()
        change_switches(world.switches, burst_bucket=0, issue_writes_per_2s=0, issue_writes_per_30s=0)
        for number, key in (("10000", "OPS"), ("10001", "PAY")):
            add_project(world, Project(number, key, f"Project {key}"))
        with Simulators(jira=world) as simulators:
            client = client_of(simulators.jira_url)
            yield cls(world, simulators, JiraTicketProvider(client, site_url=simulators.jira_url))
            client.close()

    def other_provider(
        self, *, token: str = ADMIN_TOKEN, timeouts: Timeouts | None = None, **settings: Any
    ) -> JiraTicketProvider:
        client = client_of(self.simulators.jira_url, api_token(ADMIN_EMAIL, token), timeouts=timeouts)
        return JiraTicketProvider(client, site_url=self.simulators.jira_url, **settings)

    def service_desk(self, **settings: Any) -> JiraServiceDeskProvider:
        """A provider of requests; the site has a service project HELP with the request type Access from now on."""
        if self.world.projects.find("HELP") is None:
            add_project(self.world, Project("10002", "HELP", "Help", type_key="service_desk"))
            act(self.world, "add_request_type", project="HELP", name="Access", issue_type="Access Request")
        client = client_of(self.simulators.jira_url)
        return JiraServiceDeskProvider(client, site_url=self.simulators.jira_url, **settings)

    def make(self, **changes: Any) -> TicketRef:
        return self.provider.create(draft(**changes))

    def issue(self, ref: TicketRef) -> Issue:
        return self.world.issues.by_id[ref.id]

    def state(self, ref: TicketRef) -> TicketSnapshot:
        """The ticket as the provider reads it."""
        return state_of(self.provider, ref)

    def issues(self) -> list[Issue]:
        return list(self.world.issues.by_id.values())

    def settle(self) -> None:
        """Wait until the simulator has noted the calls it answered: it does so in the same turn of its event loop."""
        connection = HTTPConnection(self.simulators.control_url.removeprefix("http://"), timeout=300)
        connection.request("GET", "/health")
        connection.getresponse().read()
        connection.close()

    def calls(self) -> list[str]:
        self.settle()
        return [f"{call.method} {call.route}" for call in self.simulators.calls.latest(system="jira")]

    def forget_calls(self) -> None:
        self.settle()
        self.simulators.calls.reset()

    def fault(self, **rule: Any) -> str:
        return self.simulators.faults.add(system="jira", **rule)

    def close_by_hand(
        self, ref: TicketRef, transition: str = "Done", *, resolution: str | None = None, by: str = ""
    ) -> None:
        issue = self.issue(ref)
        workflow = self.world.projects.by_id[issue.project_id].workflow
        way = next(each for each in workflow if each.name == transition)
        self.world.tracker.transition(issue, way, by, resolution=resolution)


def state_of(provider: TicketProvider, ref: TicketRef) -> TicketSnapshot:
    """The ticket as this provider reads it."""
    found = provider.read([ref.id])[ref.id]
    assert isinstance(found, TicketSnapshot), found
    return found


def add_project(world: World, project: Project) -> Project:
    world.catalogue.furnish(project)
    return world.projects.add(project)


def client_of(
    base_url: str,
    credential: Credential | None = None,
    *,
    timeouts: Timeouts | None = None,
    rate_limiter: RateLimiter | None = None,
) -> HttpClient:
    return jira_client(
        base_url=base_url,
        credential=credential or api_token(ADMIN_EMAIL, ADMIN_TOKEN),
        options=ClientOptions(
            timeouts=timeouts or Timeouts.of(connect=10, read=10),
            retry_policy=RetryPolicy.none(),
            rate_limiter=rate_limiter or Unlimited(),
            clock=ManualClock(NOW),
        ),
    )


def draft(**changes: Any) -> TicketDraft:
    plain: dict[str, Any] = {
        "marker": MARKER,
        "project": "OPS",
        "issue_type": "Access Request",
        "summary": "Give Ada access",
        "body": "**Who:** Ada",
        "data": {"operation": "op-1"},
    }
    return TicketDraft(**{**plain, **changes})
