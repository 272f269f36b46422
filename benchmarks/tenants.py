"""Simulated tenants to be synced, each with a worker beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.child import Child
from benchmarks.places import EMBEDDED, new_place
from benchmarks.plain_clients import PlainClient, PlainJira, PlainJumpCloud
from benchmarks.report import WrongResult
from benchmarks.simulated import Simulated

#: More than any service gives: the budget does not bind.
UNBOUND = {"rate": 100_000, "burst": 100_000}

#: Calls in flight that go with such a budget: one for each of the worker's threads. Provisor's own defaults are lower because
#: the default budgets are: five calls of 200 ms each are the 25 a second that Jira's default allows.
MANY_IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class Synced:
    """One sync: how long it took, and the calls it made."""

    seconds: float
    calls: int
    method: str
    full: bool


@dataclass(frozen=True, slots=True)
class JumpCloudReaderHarness:
    """A system, simulated, and a worker that is connected to it."""

    system: str
    simulated: Simulated
    worker: Child

    def sync(self, *, full: bool = True) -> Synced:
        """Raises ``WrongResult`` when it fails."""
        self.simulated.forget_calls()
        said = self.worker.ask("sync", system=self.system, full=full)
        if said["state"] != "complete":
            raise WrongResult(f"The sync of {self.system} failed: {said['error']}")
        return Synced(said["seconds"], self.simulated.calls()["total"], said["method"], said["full"])

    def snapshot(self) -> dict[str, Any]:
        """What the current snapshot shows."""
        found: dict[str, Any] = self.worker.ask("snapshot", system=self.system)
        return found

    def plain_client(self, *, most: int | None = None) -> PlainClient:
        kind = PlainJumpCloud if self.system == "jumpcloud" else PlainJira
        return kind(self.simulated.facts[self.system], most=most)


@contextmanager
def jumpcloud(*, users: int, groups: int, memberships: int, **settings: Any) -> Iterator[JumpCloudReaderHarness]:
    """A JumpCloud organization. ``settings`` are sections of Provisor's own."""
    with Simulated("jumpcloud", users=users, groups=groups, memberships=memberships, apps=5, admins=3) as simulated:
        facts = simulated.facts["jumpcloud"]
        connection = {"api_url": facts["url"], "insights_url": facts["url"], "api_key": facts["api_key"]}
        settings["jumpcloud"] = connection | settings.get("jumpcloud", {})
        with _worker(settings) as worker:
            yield JumpCloudReaderHarness("jumpcloud", simulated, worker)


@contextmanager
def jira(
    *, users: int, groups: int, projects: int, organization: bool = False, **settings: Any
) -> Iterator[JumpCloudReaderHarness]:
    """A Jira site, with the organization above it when asked for."""
    systems = ("jira", "atlassian") if organization else ("jira",)
    with Simulated(*systems, users=users, groups=groups, projects=projects) as simulated:
        facts = simulated.facts["jira"]
        # What is measured is the two clients, not who of them is refused first.
        simulated.switch("jira", burst_bucket=0)
        connection = {"site_url": facts["url"], "email": facts["email"], "api_token": facts["token"]}
        settings["jira"] = connection | settings.get("jira", {})
        if organization:
            above = simulated.facts["atlassian"]
            settings["atlassian"] = {"api_url": above["url"], "org_id": above["org_id"], "api_key": above["org_key"]}
        with _worker(settings) as worker:
            yield JumpCloudReaderHarness("jira", simulated, worker)


@contextmanager
def _worker(settings: dict[str, Any]) -> Iterator[Child]:
    with new_place(EMBEDDED) as place:
        settings["store"] = {"url": place.store_url}
        settings["sync"] = {"period": None} | settings.get("sync", {})
        with Child("benchmarks.sync_worker", settings, log=place.folder / "worker.log") as worker:
            yield worker
