"""What the simulated systems of this folder have in common: switches, calls that are noted, clients that are closed."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from access.accounts import Account, NoMatch, Subject
from access.entitlements import Entitlement, EntitlementRef
from connectors.ports import Connector
from httpclient import ClientOptions, HttpClient, RetryPolicy
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from simulator.switches import change_switches
from tests.httpclient.stub import TIMEOUTS

W = TypeVar("W", JiraWorld, JumpCloudWorld)
C = TypeVar("C", bound=Connector)


class SimulatedSystem(Generic[W, C]):
    """A world behind HTTP, the clients that reach it, and a connector."""

    world: W
    connector: C

    def __init__(self, world: W, simulators: Simulators) -> None:
        self.world = world
        self.simulators = simulators
        self.options = ClientOptions(
            timeouts=TIMEOUTS,
            retry_policy=RetryPolicy.without_waits(2),
            observer=lambda _system, method, route, _status, _seconds: self._seen.append(
                f"{method} {route.removeprefix('/rest/api/3')}"
            ),
        )
        self.clients: list[HttpClient] = []
        self._seen: list[str] = []

    def find_account(self, subject: Subject) -> Account:
        found = self.connector.find_account(subject)
        assert isinstance(found, Account)
        return found

    def find_nobody(self, subject: Subject) -> NoMatch:
        found = self.connector.find_account(subject)
        assert isinstance(found, NoMatch)
        return found

    def find(self, ref: EntitlementRef | str) -> Entitlement:
        found = self.connector.find_entitlement(EntitlementRef.parse(ref) if isinstance(ref, str) else ref)
        assert isinstance(found, Entitlement)
        return found

    def find_nothing(self, ref: EntitlementRef | str) -> NoMatch:
        found = self.connector.find_entitlement(EntitlementRef.parse(ref) if isinstance(ref, str) else ref)
        assert isinstance(found, NoMatch)
        return found

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def calls(self) -> list[str]:
        """The calls made since the last look, as method and route."""
        seen, self._seen = self._seen, []
        return seen

    def close(self) -> None:
        for client in self.clients:
            client.close()
