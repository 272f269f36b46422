"""The intake alone as a child of a benchmark: a process with that one role."""

from __future__ import annotations

from typing import Any

from benchmarks.child import Commands, serve
from config.settings import Settings
from demo.worker_thread import WorkerThread
from httpclient.redaction import Redaction
from worker.process import prepare
from worker.roles import ProcessRole
from worker.telemetry import start_logging


def _start(setup: dict[str, Any]) -> Commands:
    start_logging(level="info", form="json", redaction=Redaction([]))
    process = prepare(Settings(**setup), roles=[ProcessRole.INTAKE])
    return {"start": lambda _: WorkerThread(process).start()}


if __name__ == "__main__":
    serve(_start)
