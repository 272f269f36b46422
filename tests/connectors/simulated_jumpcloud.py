"""A small organization in the JumpCloud simulator, and a connector that reaches it over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from access.entitlements import EntitlementRef
from connectors.jumpcloud import JumpCloudConnector, api_key, jumpcloud_client, service_account
from connectors.ports import Target
from httpclient import ClientOptions, Credential, RetryPolicy
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act
from tests.httpclient.stub import TIMEOUTS

NO_SUCH_ID = "ffffffffffffffffffffffff"


class SimulatedJumpCloud:
    """Alice and Bob, a plain group "Engineering" with Bob in it, and a group "Everyone" that follows a rule."""

    def __init__(self, world: World, simulators: Simulators) -> None:
        self.world = world
        self.simulators = simulators
        self._close: list[Callable[[], None]] = []
        self._seen: list[str] = []
        self._options = ClientOptions(
            timeouts=TIMEOUTS,
            retry_policy=RetryPolicy.without_waits(2),
            observer=lambda _system, method, route, _status, _seconds: self._seen.append(f"{method} {route}"),
        )
        self.alice = self.act("add_user", email="alice@example.com", username="alice", firstname="Alice", lastname="A")[
            "id"
        ]
        self.bob = self.act("add_user", email="bob@example.com", username="bob")["id"]
        self.engineering = self.act("add_group", name="Engineering")["id"]
        self.everyone = self.act("add_group", name="Everyone", membershipMethod="DYNAMIC_AUTOMATED")["id"]
        self.act("add_member", group="Engineering", user="bob")
        self.connector = self.connect(api_key(world.credentials()["api_key"]))

    def connect(self, credential: Credential, *, organization: str | None = None) -> JumpCloudConnector:
        client = jumpcloud_client(
            base_url=self.simulators.jumpcloud_url,
            credential=credential,
            options=self._options,
            organization=organization,
        )
        self._close.append(client.close)
        return JumpCloudConnector(client)

    def service_account(self, secret: str | None = None) -> Credential:
        known = self.world.credentials()
        return service_account(
            known["client_id"],
            secret or known["client_secret"],
            options=self._options,
            token_url=f"{self.simulators.jumpcloud_url}/oauth2/token",
        )

    def target(self, group: str | None = None, user: str | None = None) -> Target:
        ref = EntitlementRef.parse(f"jumpcloud:group:{group or self.engineering}:member")
        return Target(entitlement=ref, account_id=user or self.alice)

    def is_member(self, group: str, user: str) -> bool:
        return self.world.members.has(group, user)

    def act(self, verb: str, /, **details: Any) -> Any:
        """What a person does in the console."""
        return act(self.world, verb, **details)

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def calls(self) -> list[str]:
        """The calls made since the last look, as method and route."""
        seen, self._seen = self._seen, []
        return seen

    def close(self) -> None:
        for close in self._close:
            close()
