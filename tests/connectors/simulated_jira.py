"""A small site in the Jira simulator, and a connector that reaches it over HTTP."""

from __future__ import annotations

from typing import Any

from access.entitlements import EntitlementRef
from connectors.jira import JiraConnector, api_token, jira_client
from connectors.ports import Target
from httpclient import Credential
from simulator.jira import World
from simulator.jira.people import Group, User
from simulator.jira.projects import Project
from simulator.server import Simulators
from tests.connectors.jira_reader_harness import ADMIN, SITE, TOKEN
from tests.connectors.simulated_system import SimulatedSystem

NO_SUCH_GROUP = "00000000-0000-4000-8000-00000000dead"
NO_SUCH_ACCOUNT = "712020:00000000-0000-4000-8000-00000000dead"
ADMINISTRATORS = "10002"


class SimulatedJira(SimulatedSystem[World, JiraConnector]):
    """Alice and Bob, a group "developers" with Bob in it, and a project PAY with its shared roles."""

    def __init__(self, world: World, simulators: Simulators) -> None:
        super().__init__(world, simulators)
        self.known: dict[str, str] = {}
        self.external: set[str] = set()
        self.alice = self.add_user("alice@example.com", "Alice Able").account_id
        self.bob = self.add_user("bob@example.com", "Bob Baker").account_id
        self.developers = self.add_group("developers").id
        self.pay = self.add_project("10001", "PAY", "Payments").id
        world.administration.add_member(world.group("developers"), world.user(self.bob))
        self.connector = self.connect()

    def connect(
        self, credential: Credential | None = None, *, address: str | None = None, **more: Any
    ) -> JiraConnector:
        client = jira_client(
            base_url=address or self.simulators.jira_url,
            credential=credential or api_token(ADMIN, TOKEN),
            options=self.options,
        )
        self.clients.append(client)
        return JiraConnector(
            client,
            site=SITE,
            known_emails=self.known.get,
            remember_address=self._remember,
            idp_groups=self.external.__contains__,
            **more,
        )

    def _remember(self, email: str, account_id: str, *, shown: bool) -> None:
        if shown:
            self.known[email] = account_id

    @property
    def gateway(self) -> str:
        return f"{self.simulators.jira_url}/ex/jira/{self.world.site.cloud_id}"

    def add_user(self, email: str, name: str, *, access: bool = True, **more: Any) -> User:
        user = self.world.directory.add_user(
            User(f"712020:{self.world.administration.fresh_uuid()}", email, name, **more)
        )
        if access:
            for group in self.world.administration.access_groups(["jira-software"]):
                self.world.administration.add_member(group, user)
        return user

    def add_group(self, name: str, **more: Any) -> Group:
        return self.world.directory.add_group(Group(self.world.administration.fresh_uuid(), name, **more))

    def add_project(self, number: str, key: str, name: str, **more: Any) -> Project:
        project = Project(number, key, name, **more)
        self.world.catalogue.furnish(project)
        return self.world.projects.add(project)

    def deny(self, permission: str, project: str = "") -> None:
        self.world.permissions.denied.add((self.world.user(ADMIN).account_id, permission, project))

    def in_group(self, account_id: str) -> bool:
        return self.world.directory.is_member(self.world.group(self.developers), account_id)

    def in_role(self, account_id: str) -> bool:
        actors = self.world.projects.by_id[self.pay].roles.get(int(ADMINISTRATORS), [])
        return any(actor.user == account_id for actor in actors)

    def enter_role(self, who: User | Group, role: str = ADMINISTRATORS) -> None:
        self.world.enter_role(self.world.projects.by_id[self.pay], self.world.catalogue.roles[int(role)], who)

    def member(self, account_id: str | None = None, group: str | None = None) -> Target:
        ref = EntitlementRef.parse(f"jira:group:{group or self.developers}:member")
        return Target(entitlement=ref, account_id=account_id or self.alice)

    def actor(self, account_id: str | None = None, project: str | None = None, role: str = ADMINISTRATORS) -> Target:
        ref = EntitlementRef.parse(f"jira:project-role:{project or self.pay}:{role}:assigned")
        return Target(entitlement=ref, account_id=account_id or self.alice)

    def account(
        self, email: str | None = None, account_id: str | None = None, products: tuple[str, ...] = ("jira-software",)
    ) -> Target:
        ref = EntitlementRef.parse("jira:account:exists")
        return Target(entitlement=ref, account_id=account_id, email=email, products=products)
