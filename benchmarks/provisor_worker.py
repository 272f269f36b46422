"""Provisor's worker as a child of a benchmark: all roles, as ``provisor up`` runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.child import Commands, serve
from benchmarks.commits import CommitCounter
from benchmarks.drivers import ProvisorDriver, drive, one_at_a_time
from benchmarks.grants import Grant
from config.settings import Settings
from demo.worker_thread import WorkerThread
from httpclient.redaction import Redaction
from worker.process import prepare
from worker.telemetry import start_logging

_POLICY = """
ticket: {project: ACC}
rules:
  - {pattern: "jumpcloud:group:*:member", give: connector, take: connector, last_administrator: allow}
"""


def settings_document(
    *, store_url: str, broker_url: str, prefix: str, concurrency: int, jumpcloud: dict[str, str], folder: Path
) -> dict[str, Any]:
    """Settings under which nothing but Provisor itself sets the pace: the rate budget does not bind."""
    policy = folder / "policy.yaml"
    policy.write_text(_POLICY, encoding="utf-8")
    return {
        "provisioning": "on",
        "policy": str(policy),
        "store": {"url": store_url},
        "broker": {"url": broker_url, "prefix": prefix},
        "worker": {"concurrency": concurrency},
        "sync": {"period": None},
        "fuse": {"revokes": 1_000_000},
        "jumpcloud": {
            "api_url": jumpcloud["url"],
            "api_key": jumpcloud["api_key"],
            "rate": 100_000,
            "burst": 100_000,
        },
    }


def _start(setup: dict[str, Any]) -> Commands:
    start_logging(level="info", form="json", redaction=Redaction([setup["jumpcloud"]["api_key"]]))
    process = prepare(Settings(**setup))
    commits = CommitCounter()
    WorkerThread(process).start()
    connection = process.app.connection_for_write()
    driver = ProvisorDriver(connection, process.queues, process.provisor.store)
    return {
        "count_commits": lambda _: commits.listen(process.provisor.store.database.engine),
        "commits": lambda _: commits.count,
        "drive": lambda asked: drive(driver, _grants(asked), timeout=asked["timeout"]),
        "one_at_a_time": lambda asked: one_at_a_time(
            driver, _grants(asked), rest=asked["rest"], timeout=asked["timeout"]
        ),
    }


def _grants(asked: dict[str, Any]) -> list[Grant]:
    return [Grant(**each) for each in asked["grants"]]


if __name__ == "__main__":
    serve(_start)
