from __future__ import annotations

from typing import Any

from simulator.jira import World as JiraWorld
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.systems import act


class Company:
    """JumpCloud with Alice and Bob, who is in one group; Jira with its one administrator."""

    def __init__(self, simulators: Simulators, jumpcloud: World, jira: JiraWorld) -> None:
        self.simulators = simulators
        self.jumpcloud = jumpcloud
        self.jira = jira
        for name in ("alice", "bob"):
            self.act("add_user", email=f"{name}@example.com")
        self.act("add_group", name="Engineering")
        self.act("add_member", group="Engineering", user="bob")

    def act(self, verb: str, **details: Any) -> Any:
        return act(self.jumpcloud, verb, **details)

    def jumpcloud_section(self) -> dict[str, Any]:
        url = self.simulators.jumpcloud_url
        key = self.jumpcloud.credentials()["api_key"]
        return {"api_url": url, "insights_url": url, "api_key": key, "rate": 10_000, "burst": 10_000}

    def jira_section(self) -> dict[str, Any]:
        address = {"site_url": self.simulators.jira_url, "email": ADMIN_EMAIL, "api_token": ADMIN_TOKEN}
        return {**address, "rate": 10_000, "burst": 10_000}
