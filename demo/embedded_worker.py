"""Provisor itself in the demonstration: the real worker in this process. Heavy, so imported when simulators start."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import yaml

from config.settings import Settings
from demo.audit_follower import AuditFollower
from demo.company import POLICY
from demo.progress import Progress
from demo.simulators import Simulator
from demo.worker_thread import WorkerThread
from httpclient.redaction import Redaction
from worker.intake_consumer import publish
from worker.process import prepare
from worker.telemetry import start_logging

Publish = Callable[[Sequence[bytes]], None]


@contextmanager
def provisor(folder: Path, progress: Progress, jumpcloud: Simulator, jira: Simulator, log: TextIO) -> Iterator[Publish]:
    """Run Provisor while the block runs, noting in ``progress`` what it does. Gives the function that publishes requests."""
    start_logging(level="info", form="console", redaction=Redaction([]), stream=log)
    try:
        process = prepare(_settings(folder, jumpcloud, jira))
        worker = WorkerThread(process)
        worker.start()
        try:
            with process.app.connection() as connection, AuditFollower(process.provisor.store, progress):
                yield lambda bodies: publish(connection, process.queues, bodies)
        finally:
            worker.stop()
    finally:
        logging.getLogger().handlers.clear()


def _settings(folder: Path, jumpcloud: Simulator, jira: Simulator) -> Settings:
    """Provisor's defaults, with the simulators' addresses and with shorter waits."""
    policy, file = folder / "policy.yaml", folder / "provisor.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    chosen: dict[str, Any] = {
        "provisioning": "on",
        "policy": policy.name,
        "store": {"url": f"sqlite:///{folder / 'provisor.db'}"},
        "jumpcloud": {"api_url": jumpcloud.url, "api_key": jumpcloud.facts["api_key"]},
        "jira": {
            "site_url": jira.url,
            "email": jira.facts["email"],
            "api_token": jira.facts["token"],
            "protected_groups": ["jira-administrators"],
            # Tickets are looked at a hundred times as often as by default, from the same budget.
            "rate": 100,
            "burst": 100,
        },
        "ticketing": {"poll": "0.3s", "believe_within": "1s", "look_for": "2s"},
        "limits": {"first_wait": "0.3s"},
        "worker": {"poll": "0.1s"},
    }
    file.write_text(yaml.safe_dump(chosen, sort_keys=False), encoding="utf-8")
    file.chmod(0o600)
    return Settings.load(file, environ={})
