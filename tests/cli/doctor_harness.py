"""What the doctor examines in tests: simulated systems over HTTP, and settings with one mistake at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from simulator.jira import World as JiraWorld
from simulator.jira.people import User
from simulator.jira.projects import Project
from simulator.jira.world import ADMIN_ACCOUNT, ADMIN_EMAIL, ADMIN_TOKEN
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.systems import act
from tests.cli.command_result import CommandResult, RunCommand

#: The scopes that cover everything here [spec].
SCOPES = ["read:jira-user", "read:jira-work", "write:jira-work", "manage:jira-project", "manage:jira-configuration"]
SCOPED = "scoped-token"


class DoctorHarness:
    """Both systems as they should be, a project ACC for tickets, and settings that fit."""

    def __init__(
        self, simulators: Simulators, jumpcloud: World, jira: JiraWorld, run: RunCommand, folder: Path
    ) -> None:
        self.simulators = simulators
        self.jumpcloud = jumpcloud
        self.jira = jira
        self._run = run
        self._folder = folder
        # The organization names its site as Jira was last reached: here that is before anybody asks.
        jira.address = simulators.jira_url
        project = Project("10000", "ACC", "Access")
        jira.catalogue.furnish(project)
        jira.projects.add(project)
        self.policy: dict[str, Any] = {
            "ticket": {"project": "ACC", "issue_type": "Access Request"},
            "rules": [{"pattern": "jira:project-role:PAY:*:assigned"}],
        }

    def act(self, verb: str, **details: Any) -> Any:
        return act(self.jumpcloud, verb, **details)

    def deny(self, permission: str, project: str = "") -> None:
        self.jira.permissions.denied.add((ADMIN_ACCOUNT, permission, project))

    def scoped_token(self, *scopes: str) -> None:
        self.jira.tokens.add(SCOPED, ADMIN_ACCOUNT, scopes=list(scopes))

    def person(self, email: str, **more: Any) -> User:
        return self.jira.directory.add_user(User(f"712020:{email}", email, email.partition("@")[0], **more))

    def jumpcloud_section(self, **changes: Any) -> dict[str, Any]:
        url = self.simulators.jumpcloud_url
        return {"api_url": url, "insights_url": url, "api_key": self.jumpcloud.credentials()["api_key"]} | changes

    def jira_section(self, **changes: Any) -> dict[str, Any]:
        url = self.simulators.jira_url
        return {"site_url": url, "gateway_url": url, "email": ADMIN_EMAIL, "api_token": ADMIN_TOKEN} | changes

    def gateway_section(self, **changes: Any) -> dict[str, Any]:
        return self.jira_section(via="gateway", api_token=SCOPED) | changes

    def see(self, *options: str, **sections: Any) -> CommandResult:
        """Run the doctor with these settings."""
        return self.run("doctor", *options, **sections)

    @property
    def config(self) -> Path:
        return self._folder / "provisor.yaml"

    def run(self, *words: str, **sections: Any) -> CommandResult:
        """Run a command with these settings."""
        policy = self._folder / "policy.yaml"
        policy.write_text(yaml.safe_dump(self.policy))
        limits = {"connect_timeout": "1s", "read_timeout": "30s"}
        settings = {"provisioning": "on", "policy": str(policy), "limits": limits} | sections
        settings.setdefault("store", {"url": f"sqlite:///{self._folder / 'provisor.db'}"})
        self.config.write_text(yaml.safe_dump(settings))
        return self._run(*words, "-c", self.config)

    def said(self, *areas: str, outcome: str = "problem", **sections: Any) -> list[str]:
        """What the doctor says of this outcome in these areas, in all of them when none is named."""
        found = self.see("--json", **sections).json
        return [
            f"{each['message']} {each['remedy']}".strip()
            for each in found
            if each["outcome"] == outcome and (not areas or each["area"] in areas)
        ]

    def wrote(self) -> list[str]:
        """Calls that changed something, by their answers."""
        reads = ("search", "events", "bulkfetch", "jql", "oauth2")
        return [
            f"{call.method} {call.route} {call.status}"
            for call in self.simulators.calls.latest()
            if call.method not in {"GET", "HEAD"}
            and not any(word in call.route for word in reads)
            and call.status < 300
        ]


Settings = Callable[[DoctorHarness], dict[str, Any]]
