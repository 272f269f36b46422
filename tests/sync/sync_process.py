"""A real process that works on syncs: ``python -m tests.sync.sync_process once|serve <settings as JSON> [run]``.

``once`` reads for one run until nothing is left for it; ``serve`` is a worker on a broker, until it is stopped.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from config.settings import Settings
from store.database import Database
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from worker.composition import compose
from worker.process import prepare, run

ROOT = Path(__file__).parents[2]


def start(how: str, settings: Mapping[str, Any], *more: str) -> subprocess.Popen[bytes]:
    """The process; what it logs goes with what the test logs."""
    command = [sys.executable, "-m", "tests.sync.sync_process", how, to_json(settings).decode(), *more]
    return subprocess.Popen(command, cwd=ROOT)


def main(how: str, settings: str, *more: str) -> int:
    chosen = Settings.model_validate(from_json(settings))
    if how == "serve":
        return run(prepare(chosen))
    store = Store(Database(chosen.store.url.get_secret_value(), pool_size=8))
    compose(chosen, RecordingPublisher(), store=store).syncing.work(more[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
