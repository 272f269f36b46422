"""The application that Celery's own commands load: ``celery -A worker report``, ``inspect``, ``events``.

Importing this module reads the settings as ``provisor up`` does, from PROVISOR_CONFIG and the environment. The application
opens no store and has no tasks. Raises ``SettingsError``.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

from config.settings import Settings
from worker.celery_app import make_app


class NoWorkerHere(bootsteps.Step):
    """Refuses ``celery -A worker worker``: such a worker would take wake-ups and know no task for them."""

    def include_if(self, parent: Any) -> bool:
        """Ends the process with one sentence."""
        del parent
        raise SystemExit("celery -A worker starts no worker; start one with 'provisor up'.")


app = make_app(Settings.load(), {})
app.steps["worker"].add(NoWorkerHere)
