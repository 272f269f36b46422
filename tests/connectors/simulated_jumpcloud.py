"""A small organization in the JumpCloud simulator, and a connector that reaches it over HTTP."""

from __future__ import annotations

from typing import Any

from access.entitlements import EntitlementRef
from connectors.jumpcloud import JumpCloudConnector, api_key, jumpcloud_client, service_account
from connectors.ports import Target
from httpclient import Credential
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.systems import act
from tests.connectors.simulated_system import SimulatedSystem

NO_SUCH_ID = "ffffffffffffffffffffffff"


class SimulatedJumpCloud(SimulatedSystem[World, JumpCloudConnector]):
    """Alice and Bob, a plain group "Engineering" with Bob in it, and a group "Everyone" that follows a rule."""

    def __init__(self, world: World, simulators: Simulators) -> None:
        super().__init__(world, simulators)
        self.alice = self.act("add_user", email="alice@example.com", username="alice", firstname="Alice", lastname="A")[
            "id"
        ]
        self.bob = self.act("add_user", email="bob@example.com", username="bob")["id"]
        self.engineering = self.act("add_group", name="Engineering")["id"]
        self.everyone = self.act("add_group", name="Everyone", membershipMethod="DYNAMIC_AUTOMATED")["id"]
        self.act("add_member", group="Engineering", user="bob")
        self.connector = self.connect(api_key(world.credentials()["api_key"]))

    def connect(
        self, credential: Credential, *, organization: str | None = None, known: str | None = None, **more: Any
    ) -> JumpCloudConnector:
        client = jumpcloud_client(
            base_url=self.simulators.jumpcloud_url,
            credential=credential,
            options=self.options,
            organization=organization,
        )
        self.clients.append(client)
        return JumpCloudConnector(client, organization=organization, known=lambda: known, **more)

    def service_account(self, secret: str | None = None) -> Credential:
        known = self.world.credentials()
        return service_account(
            known["client_id"],
            secret or known["client_secret"],
            options=self.options,
            token_url=f"{self.simulators.jumpcloud_url}/oauth2/token",
        )

    def target(self, group: str | None = None, user: str | None = None) -> Target:
        ref = EntitlementRef.parse(f"jumpcloud:group:{group or self.engineering}:member")
        return Target(entitlement=ref, account_id=user or self.alice)

    def carol(self) -> str:
        """Somebody who was hired just now."""
        return str(self.act("add_user", email="carol@example.com", username="carol")["id"])

    def is_member(self, group: str, user: str) -> bool:
        return self.world.members.has(group, user)

    def act(self, verb: str, /, **details: Any) -> Any:
        """What a person does in the console."""
        return act(self.world, verb, **details)
