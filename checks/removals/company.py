"""A small company in both simulated systems, and a Provisor on it that takes away whatever nothing explains."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from shutil import copyfile
from typing import Any

from access.clock import ManualClock
from access.entitlements import System
from access.snapshots import RunState
from checks.removals.false_lists import FalseLists
from config.settings import Settings
from simulator import jira, jumpcloud
from simulator.atlassian.world import ORGANIZATION_KEY
from simulator.jira.seeding import seed as seed_jira
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.jumpcloud.seeding import seed as seed_jumpcloud
from simulator.server import Simulators
from simulator.systems import act, dump
from simulator.world import World
from store.database import Database
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from tests.connectors.snapshot_truth import Truth, jira_truth, jumpcloud_truth
from tests.fakes.local_stack import START
from worker.composition import Provisor, compose, dispatched_for
from worker.handlers import use_cases_of

MINUTE = timedelta(minutes=1)

#: Everything is taken away without an approval that nothing explains, and the fuse is no help.
_POLICY = """
ticket: {project: OPS}
leavers: automate
reconcile:
  - {pattern: "*", profile: strict, auto: true}
rules:
  - {pattern: "*:account:exists", give: ticket, take: ticket}
  - {pattern: "*"}
"""
_UNFUSED = {"grants": 1_000_000, "grants_most": 1_000_000, "persons": 1_000_000, "revokes": 1_000_000}
_UNLIMITED = {"rate": 100_000, "burst": 100_000, "concurrency": 1}

_USERS, _GROUPS = 8, 5
#: Turns of a run of sync, and turns in which nothing was due, before a company is called at rest.
_LOOKS, _IDLE = 60, 5

#: Who holds what: the system, the kind and the id of the resource, the kind and the id of the holder.
Held = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Ways:
    """How the systems are read: the settings that decide which lists a sync reads."""

    jumpcloud: str
    organization: bool


WAYS = tuple(Ways(method, organization) for method in ("listing", "search", "report") for organization in (False, True))


class Company:
    """Eight people, five groups of each system, two projects; and a Provisor whose turns are taken one after the other."""

    def __init__(
        self,
        simulators: Simulators,
        lists: FalseLists,
        provisor: Provisor,
        clock: ManualClock,
        publisher: RecordingPublisher,
    ) -> None:
        self.simulators, self.lists, self.provisor, self.clock = simulators, lists, provisor, clock
        self._publisher = publisher
        self._handlers = use_cases_of(provisor)
        directory, site = simulators.worlds["jumpcloud"], simulators.worlds["jira"]
        assert isinstance(directory, jumpcloud.World)
        assert isinstance(site, jira.World)
        self.directory, self.site = directory, site
        self.worlds: dict[System, World] = {System.JUMPCLOUD: directory, System.JIRA: site}

    def truths(self) -> Mapping[System, Truth]:
        """What is true in each system."""
        return {
            System.JUMPCLOUD: jumpcloud_truth(dump(self.worlds[System.JUMPCLOUD])),
            System.JIRA: jira_truth(dump(self.worlds[System.JIRA])),
        }

    def held(self) -> set[Held]:
        """Who holds what, in truth."""
        return {(str(system), *grant) for system, truth in self.truths().items() for grant in truth.grants}

    def act(self, system: System, verb: str, **details: Any) -> Any:
        """Somebody changes something in a system."""
        return act(self.worlds[system], verb, **details)

    def submit(self, **message: Any) -> None:
        """A producer hands a request in."""
        self.provisor.intake.take(json.dumps(message).encode(), content_type="application/json", source="test")

    def sync(self) -> list[RunState]:
        """Read both systems completely, once each, through the lists; how that ended."""
        self.simulators.faults.falsify(self.lists)
        ended = [self._finish(self.provisor.syncing.begin(system, full=True)) for system in System]
        self.simulators.faults.falsify(None)
        return ended

    def _finish(self, run_id: str) -> RunState:
        for _ in range(_LOOKS):
            self.provisor.syncing.work(run_id)
            with self.provisor.store.read() as work:
                run = work.sync_runs.get(run_id)
            assert run is not None
            if run.state is not RunState.RUNNING:
                return run.state
            if run.due_at is not None:
                self.clock.advance(max(run.due_at - self.clock.now(), timedelta(milliseconds=1)))
        raise AssertionError(f"the run does not end: {run}")

    def work(self) -> None:
        """Do what a worker and a scheduler do, until nothing is due for some minutes."""
        idle = 0
        while idle < _IDLE:
            while self._work_on_what_is_due():
                idle = 0
                self.clock.advance(timedelta(milliseconds=1))
            for turn in (
                self.provisor.people.refresh,
                self.provisor.reconciliation.run_due,
                self.provisor.leavers.advance,
                self.provisor.plans.run_due,
            ):
                turn()
            idle += 1
            self.clock.advance(MINUTE)

    def _work_on_what_is_due(self) -> bool:
        sent, self._publisher.wake_ups = self._publisher.wake_ups, []
        lasting = dispatched_for(self.provisor.settings)
        with self.provisor.store.write() as work:
            due = work.sweep.mark_due(now=self.clock.now(), dispatched_for=lasting, limit=500)
        for wake_up in [*sent, *due]:
            self._handlers[wake_up.topic](wake_up.ref)
        return bool(sent or due)


@contextmanager
def company(number: int, ways: Ways, lists: FalseLists, template: Path, folder: Path) -> Iterator[Company]:
    """A company of its own; the number decides its people and what they hold. ``template`` is an empty store.

    Snapshots are read through ``lists``.
    """
    clock = ManualClock(START)
    seconds = lambda: clock.now().timestamp()  # noqa: E731 - the worlds' clock
    directory, site = jumpcloud.World(clock=seconds), jira.World(clock=seconds)
    site.switches.burst_bucket = 0
    rng = Random(number)
    members = rng.randint(15, 25)
    seed_jumpcloud(directory, users=_USERS, groups=_GROUPS, memberships=members, apps=2, admins=1, rng_seed=number)
    seed_jira(
        site, users=_USERS, groups=_GROUPS, projects=2, members_per_group=4, team_managed_every=2, rng_seed=number
    )
    act(site, "create_project", key="OPS", name="Operations")
    file, policy = folder / f"{number}.db", folder / "policy.yaml"
    copyfile(template, file)
    policy.write_text(_POLICY, encoding="utf-8")
    with Simulators(jumpcloud=directory, jira=site, atlassian=ways.organization) as simulators:
        settings = _settings(simulators, ways, policy, site.organization.id)
        store, publisher = Store(Database(f"sqlite:///{file}", pool_size=4)), RecordingPublisher()
        try:
            provisor = compose(Settings.model_validate(settings), publisher, clock=clock, store=store)
            yield Company(simulators, lists, provisor, clock, publisher)
        finally:
            store.database.close()
            file.unlink()


def _settings(simulators: Simulators, ways: Ways, policy: Path, org_id: str) -> dict[str, Any]:
    directory = simulators.worlds["jumpcloud"]
    urls = {"api_url": simulators.jumpcloud_url, "insights_url": simulators.jumpcloud_url}
    settings: dict[str, Any] = {
        "provisioning": "on",
        "policy": policy,
        "people": {"domains": ["example.com"]},
        "fuse": _UNFUSED,
        "sync": {"jumpcloud_method": ways.jumpcloud, "use_events": False, "period": None},
        "limits": {"verification": "30s", "first_wait": "1s"},
        "ticketing": {"project": "OPS", "poll": "1h", "look_for": "2s"},
        "jumpcloud": _UNLIMITED | urls | {"api_key": directory.credentials()["api_key"]},
        "jira": _UNLIMITED | {"site_url": simulators.jira_url, "email": ADMIN_EMAIL, "api_token": ADMIN_TOKEN},
    }
    if ways.organization:
        settings["atlassian"] = {"org_id": org_id, "api_key": ORGANIZATION_KEY, "api_url": simulators.atlassian_url}
    return settings
