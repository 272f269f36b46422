"""What the simulated systems of this folder have in common: switches, calls that are noted, clients that are closed."""

from __future__ import annotations

from typing import Any

from httpclient import ClientOptions, HttpClient, RetryPolicy
from simulator.server import Simulators
from simulator.switches import change_switches
from tests.httpclient.stub import TIMEOUTS


class SimulatedSystem:
    """A world behind HTTP, and the clients that reach it."""

    def __init__(self, world: Any, simulators: Simulators) -> None:
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

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def calls(self) -> list[str]:
        """The calls made since the last look, as method and route."""
        seen, self._seen = self._seen, []
        return seen

    def close(self) -> None:
        for client in self.clients:
            client.close()
