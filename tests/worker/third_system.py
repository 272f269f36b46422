"""What Provisor does with a third system, as JSON in the named folder.

The third system is what a maintainer would add: the word, a section of the settings, and a row in the table of systems.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from access.clock import Clock, SystemClock
from access.entitlements import ResourceKind, System
from access.failures import Transient
from access.methods import Direction
from access.provisioning import Provisioning
from cli.connectors import system_facts
from cli.doctor import examine
from cli.snapshots import missing_snapshots
from config.section import Section
from config.settings import Settings
from connectors.ports import Connector
from httpclient import ClientOptions, RateLimiter
from store.outbox import Topic
from tasks.doctor.findings import Check, Finding
from tasks.publisher import RecordingPublisher
from tests.fakes.readable_system import FakeReadableSystem
from tests.fakes.system import FakeSystem
from worker.composition import Provisor, compose
from worker.systems.definition import Dependencies, SystemDefinition
from worker.systems.table import SYSTEMS

WIKI = System("wiki")
GROUP = "wiki:group:editors:member"
BURST = 3


class WikiSettings(Section):
    enabled: bool = True
    credential_kind: str = "wiki token"
    url: str = "https://wiki.example"
    rate: float = 0.001
    most_rate: float = 0.001
    burst: int = BURST
    concurrency: int = 2


class SettingsWithWiki(Settings):
    wiki: WikiSettings = WikiSettings()


class WikiConnector(FakeSystem):
    def with_rate_limiter(self, rate_limiter: RateLimiter) -> Connector:
        del rate_limiter
        return self


class WikiReader(FakeReadableSystem):
    @property
    def system(self) -> System:
        return WIKI


@dataclass
class Wiki:
    """The third system: what its factories made, and the options they were given."""

    connectors: list[WikiConnector] = field(default_factory=list)
    options: list[ClientOptions] = field(default_factory=list)

    def connector(self, dependencies: Dependencies, options: ClientOptions) -> WikiConnector:
        self.options.append(options)
        self.connectors.append(WikiConnector(dependencies.clock, accounts={"u1": "ada@example.com"}, system=WIKI))
        return self.connectors[-1]

    def reader(self, _dependencies: Dependencies, _options: ClientOptions) -> WikiReader:
        return WikiReader(users=["ada"], members={"editors": ["ada"]})

    def examine(self, settings: Settings, _clock: Clock) -> Iterator[Finding]:
        yield Check("wiki", "address").ok(f"The wiki at {settings.systems[WIKI].url} answers.")

    @property
    def kit(self) -> SystemDefinition:
        return SystemDefinition(
            connector=self.connector,
            reader=self.reader,
            examinations={"wiki": self.examine},
            automated=dict.fromkeys(Direction, frozenset({ResourceKind.GROUP})),
            reads=frozenset({"user", "group"}),
        )


def work_off(provisor: Provisor, publisher: RecordingPublisher) -> None:
    """Handle what was published and what is due, until nothing is."""
    handlers = {Topic.REQUEST: provisor.fulfilment.fulfil, Topic.OPERATION: provisor.fulfilment.operate}
    while True:
        wake_ups, publisher.wake_ups = publisher.wake_ups, []
        with provisor.store.write() as work:
            now = provisor.services.clock.now()
            wake_ups += work.sweep.mark_due(now=now, dispatched_for=timedelta(minutes=1), limit=100)
        if not wake_ups:
            return
        for wake_up in wake_ups:
            handlers[wake_up.topic](wake_up.ref)


def grant(provisor: Provisor, publisher: RecordingPublisher, wiki: Wiki) -> dict[str, Any]:
    message = {"id": "REQ-1", "action": "grant", "subject": {"email": "ada@example.com"}, "entitlement": GROUP}
    provisor.intake.take(json.dumps(message).encode(), content_type="application/json", source="test")
    work_off(provisor, publisher)
    with provisor.store.read() as work:
        (operation,) = work.operations.of_request("REQ-1")
    return {"via": operation.via, "state": operation.state, "held": wiki.connectors[0].has("u1", GROUP)}


def snapshot(provisor: Provisor) -> dict[str, Any]:
    run_id = provisor.syncing.begin(WIKI, full=True)
    provisor.syncing.work(run_id)
    with provisor.store.read() as work:
        run, taken = work.sync_runs.get(run_id), work.snapshots.current(WIKI)
    assert run is not None
    return {"state": run.state, "error": run.error, "is_of_the_run": taken is not None and taken.run_id == run.id}


def calls_at_once(options: ClientOptions) -> int:
    """Calls that the rate limiter lets through before it asks for a wait."""
    for made in range(1000):
        try:
            options.rate_limiter.take("read")
        except Transient:
            return made
    return 1000


def main(folder: Path) -> dict[str, Any]:
    policy = folder / "policy.yaml"
    policy.write_text("ticket: {project: OPS}\nrules: [{pattern: 'wiki:group:*:member'}]\n")
    settings = SettingsWithWiki.model_validate(
        {
            "provisioning": Provisioning.ON,
            "policy": policy,
            "store": {"url": f"sqlite:///{folder}/provisor.db"},
            "limits": {"verification": 1},
        }
    )
    wiki, clock, publisher = Wiki(), SystemClock(), RecordingPublisher()
    systems = {**SYSTEMS, WIKI: wiki.kit}
    provisor = compose(settings, publisher, clock=clock, systems=systems)
    found = {
        "missing": missing_snapshots([], settings, None),
        "grant": grant(provisor, publisher, wiki),
        "snapshot": snapshot(provisor),
        "connectors": {row["system"]: row for row in system_facts(settings, provisor.store, systems, now=clock.now())},
        "findings": [str(each) for each in examine(settings, clock, systems) if each.area == "wiki"],
        "unconnected": [each.area for each in examine(settings, clock, systems) if each.area == "systems"],
        "calls_at_once": calls_at_once(wiki.options[0]),
    }
    provisor.store.database.close()
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "found.json").write_text(json.dumps(main(folder)))
