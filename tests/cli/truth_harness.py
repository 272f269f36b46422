"""A company whose closed tickets somebody else made, both systems simulated over HTTP, and ``provisor truth`` on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml

from access.entitlements import System
from simulator.jira import World as JiraWorld
from simulator.jira import load as load_jira
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.jumpcloud import World
from simulator.jumpcloud import load as load_jumpcloud
from simulator.server import Simulators
from simulator.systems import act
from tests.cli.command_result import CommandResult, RunCommand

PERSON, THING, ACTION, UNTIL = (f"customfield_1010{number}" for number in range(1, 5))
NAMES = {PERSON: "Requested for", THING: "Access", ACTION: "Request", UNTIL: "Access until"}
MAPPING = """\
jql: project = ACCESS
person: {field: Requested for}
thing: {field: Access, kind: [jumpcloud:group, jira:project-role]}
action: {field: Request}
end: {field: Access until}
"""
_DAY = 86_400
_READS = {
    "/rest/api/3/search/jql", "/rest/api/3/changelog/bulkfetch", "/insights/directory/v1/events", "/api/search/systemusers",
}  # fmt: skip


class TruthSite:
    """JumpCloud and Jira with Ada, Bob and Grace in both, groups Engineering and Finance, and the projects ACCESS and PAY."""

    def __init__(
        self, simulators: Simulators, jumpcloud: World, jira: JiraWorld, provisor: RunCommand, folder: Path
    ) -> None:
        self.simulators = simulators
        self.jumpcloud = jumpcloud
        self.jira = jira
        self._provisor = provisor
        self._numbers = iter(range(1, 1000))
        self.mapping = folder / "truth.yaml"
        self.mapping.write_text(MAPPING)
        people = ("ada", "bob", "grace")
        load_jira(
            jira,
            {
                "switches": {"burst_bucket": 0},
                "users": [{"email": f"{who}@acme.example", "display_name": f"{who.title()} Person"} for who in people],
                "fields": [{"id": ident, "name": name} for ident, name in NAMES.items()],
                "projects": [
                    {"id": "10000", "key": "ACCESS", "name": "Access", "fields": {ident: {} for ident in NAMES}},
                    {"id": "10001", "key": "PAY", "name": "Payments"},
                ],
            },
        )
        for who in people:
            self.act("add_user", email=f"{who}@acme.example", displayname=f"{who.title()} Person")
        # The groups have been there longer than the log.
        load_jumpcloud(jumpcloud, {"groups": [{"name": name} for name in ("Engineering", "Finance", "Old group")]})
        # Both logs begin long ago.
        self.logged("add", "Finance", "grace", days=80)
        self.at(
            80, lambda: self.act_in_jira("add_role_actor", project="PAY", role="Developers", user="grace@acme.example")
        )

    def act(self, verb: str, **details: Any) -> Any:
        """Do something in JumpCloud's console, now."""
        return act(self.jumpcloud, verb, **details)

    def act_in_jira(self, verb: str, **details: Any) -> Any:
        """Do something in Jira's administration."""
        return act(self.jira, verb, **details)

    def at(self, days: float, do: Callable[[], object]) -> None:
        """Let something happen in Jira so many days ago."""
        self.jira.ahead = -days * _DAY
        do()
        self.jira.ahead = 0.0

    def holds(self, group: str, who: str) -> None:
        """Put somebody into a JumpCloud group, as if it had always been so: the log says nothing."""
        self.jumpcloud.members.add(
            self.jumpcloud.group_ids[group.casefold()], self.jumpcloud.user_ids[f"{who}@acme.example"]
        )

    def logged(self, op: str, group: str, who: str, *, days: float) -> None:
        """Put a change of members into JumpCloud's log, so many days ago."""
        user, held = self.jumpcloud.user_ids[f"{who}@acme.example"], self.jumpcloud.group_ids[group.casefold()]
        sides = {"from": ("user_group", held), "to": ("user", user)}
        connection = {side: {"type": kind, "object_id": ident} for side, (kind, ident) in sides.items()}
        at = datetime.fromtimestamp(time.time() - days * _DAY, UTC).isoformat(timespec="milliseconds")
        body = {
            "id": f"{next(self._numbers):024x}",
            "event_type": "association_change",
            "timestamp": at.replace("+00:00", "Z"),
            "service": "directory",
            "success": True,
            "initiated_by": {"type": "admin", "email": "owner@acme.example"},
            "association": {"op": op, "connection": connection},
        }
        self.jumpcloud.journal.restore([body])

    def ticket(
        self, person: str, thing: str, action: str = "Give access", *, closed: float = 20, until: str | None = None,
        how: str = "Done", project: str = "ACCESS",
    ) -> str:  # fmt: skip
        """A ticket that was closed so many days ago; its key."""
        made: dict[str, Any] = {}

        def make() -> None:
            made.update(self.act_in_jira("create_issue", project=project, summary=f"{action}: {thing}"))
            values = {PERSON: person, THING: thing, ACTION: action, UNTIL: until}
            self.act_in_jira(
                "edit_issue", issue=made["key"], fields={name: each for name, each in values.items() if each}
            )

        self.at(closed + 0.1, make)
        self.at(closed, lambda: self.act_in_jira("decline" if how == "Declined" else "done", issue=made["key"]))
        return str(made["key"])

    def audit(self, *options: str | Path, **sections: Any) -> dict[str, Any]:
        """What an audit finds, by the ticket's key."""
        ran = self.run("--json", *options, **sections)
        assert ran.code in {0, 1}, ran.err
        report: dict[str, Any] = ran.json
        return report | {"by_key": {line["ticket"]: line for line in report["lines"]}}

    def run(self, *options: str | Path, **sections: Any) -> CommandResult:
        """Run the command on the site, with a settings file of credentials alone."""
        return self._provisor("truth", "-c", self.config(**sections), "-m", self.mapping, *options)

    def suggest(self, *options: str | Path) -> CommandResult:
        """Run the mapping assistant."""
        return self._provisor("truth", "suggest", "-c", self.config(), *options)

    def config(self, **sections: Any) -> Path:
        """A settings file with credentials, and nothing else."""
        pace = {"rate": 10_000, "burst": 10_000}
        url, key = self.simulators.jumpcloud_url, self.jumpcloud.credentials()["api_key"]
        known: dict[str, Any] = {
            "jumpcloud": {"api_url": url, "insights_url": url, "api_key": key, **pace},
            "jira": {"site_url": self.simulators.jira_url, "email": ADMIN_EMAIL, "api_token": ADMIN_TOKEN, **pace},
        }
        chosen = {name: section for name, section in (known | sections).items() if section is not None}
        file = self.mapping.with_name("provisor.yaml")
        file.write_text(yaml.safe_dump(chosen))
        return file

    def writes(self) -> list[str]:
        """The calls that may have changed something, by the simulators' own log."""
        connection = HTTPConnection(self.simulators.control_url.removeprefix("http://"), timeout=60)
        connection.request("GET", "/health")  # by then every call is noted
        connection.getresponse().read()
        connection.close()
        return [
            f"{call.method} {call.route}"
            for call in self.simulators.calls.latest()
            if call.method not in {"GET", "HEAD"} and call.route not in _READS
        ]

    def calls(self, system: System) -> int:
        """How many calls a system has had."""
        return self.simulators.calls.count(system=str(system))
