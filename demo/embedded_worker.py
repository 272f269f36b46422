"""Provisor itself in the demonstration: the real worker in this process. Heavy, so imported when simulators start."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import yaml

from access.entitlements import System
from access.snapshots import RunState
from config.settings import Settings
from demo.audit_follower import AuditFollower
from demo.company import GIVE_TEMPLATE, POLICY, REQUIRED_FIELD, TICKET_PROJECT
from demo.patience import Patience
from demo.progress import Progress
from demo.scenario import WAIT_SECONDS
from demo.simulators import Simulator
from demo.worker_thread import WorkerThread
from httpclient.redaction import Redaction
from worker.composition import Provisor
from worker.intake_consumer import publish
from worker.process import prepare
from worker.telemetry import start_logging

#: Between two looks whether a snapshot is there and compared.
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Running:
    """Provisor as it runs: ``publish`` puts bodies on the intake queue.

    ``take_snapshots`` has both systems read, and waits until what was read is compared with what should be.
    """

    publish: Callable[[Sequence[bytes]], None]
    take_snapshots: Callable[[], None]


@contextmanager
def provisor(folder: Path, progress: Progress, jumpcloud: Simulator, jira: Simulator, log: TextIO) -> Iterator[Running]:
    """Run Provisor while the block runs, noting in ``progress`` what it does."""
    start_logging(level="info", form="console", redaction=Redaction([]), stream=log)
    try:
        process = prepare(_settings(folder, jumpcloud, jira))
        worker = WorkerThread(process)
        worker.start()
        try:
            with process.app.connection() as connection, AuditFollower(process.provisor.store, progress):
                yield Running(
                    publish=lambda bodies: publish(connection, process.queues, bodies),
                    take_snapshots=lambda: _take_snapshots(process.provisor),
                )
        finally:
            worker.stop()
    finally:
        logging.getLogger().handlers.clear()


def _take_snapshots(running: Provisor) -> None:
    runs = {system: running.syncing.begin(system) for system in System}
    patience = Patience(WAIT_SECONDS)
    while not all(_is_compared(running, system, run) for system, run in runs.items()):
        if not patience.lasts():
            raise TimeoutError("The systems were not read and compared in time.")
        time.sleep(_LOOK_SECONDS)  # noqa: TID251 - threads of the worker are waited for


def _is_compared(running: Provisor, system: System, run: str) -> bool:
    """Whether the run is over, and the newest snapshot is compared: another scenario may have taken a newer one."""
    with running.store.read() as work:
        ended, snapshot = work.sync_runs.get(run), work.snapshots.current(system)
        compared = work.findings.reconciled(system)
    if ended is None or ended.state is not RunState.COMPLETE or snapshot is None or compared is None:
        return False
    return compared.run_id == snapshot.run_id


def _settings(folder: Path, jumpcloud: Simulator, jira: Simulator) -> Settings:
    """Provisor's defaults, with the simulators' addresses and with shorter waits."""
    policy, file = folder / "policy.yaml", folder / "provisor.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    templates = folder / "templates"
    templates.mkdir()
    (templates / "give.md.j2").write_text(GIVE_TEMPLATE, encoding="utf-8")
    jira.act("add_field", project=TICKET_PROJECT, required=True, custom="demo:select", **REQUIRED_FIELD)
    chosen: dict[str, Any] = {
        "provisioning": "on",
        "policy": policy.name,
        "store": {"url": f"sqlite:///{folder / 'provisor.db'}"},
        "jumpcloud": {
            "api_url": jumpcloud.url,
            "insights_url": jumpcloud.url,
            "api_key": jumpcloud.facts["api_key"],
        },
        "jira": {
            "site_url": jira.url,
            "email": jira.facts["email"],
            "api_token": jira.facts["token"],
            "protected_groups": ["jira-administrators"],
            # Tickets are looked at a hundred times as often as by default, from the same budget.
            "rate": 100,
            "burst": 100,
        },
        "ticketing": {"poll": "0.3s", "believe_within": "1s", "look_for": "2s", "templates_dir": str(templates)},
        "limits": {"first_wait": "0.3s", "verification": "5s"},
        "worker": {"poll": "0.1s"},
        # Everything is read each time: what the events tell comes a little later.
        "sync": {"use_events": False},
    }
    file.write_text(yaml.safe_dump(chosen, sort_keys=False), encoding="utf-8")
    file.chmod(0o600)
    return Settings.load(file, environ={})
