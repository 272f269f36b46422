from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog

from cli.known_secrets import secrets_in
from cli.lock import held
from cli.store_access import load_settings, settings_told, store_told
from cli.version import version
from config.settings import Settings
from config.urls import masked
from store.existing_store import sqlite_file, usable
from worker.roles import ProcessRole
from worker.telemetry import Redaction, start_logging, start_sentry

_log = structlog.get_logger(__name__)


def up(config: Path | None, *, roles: Sequence[ProcessRole]) -> int:
    """Run these roles until a signal ends the process; the exit status. Raises ``Problem``."""
    settings = load_settings(config)
    start_telemetry(settings)
    with held(sqlite_file(settings.store.url.get_secret_value())) as alone:
        return _run(settings, roles, alone=alone)


def start_telemetry(settings: Settings) -> None:
    """Start logging and Sentry, which must come before anything imports ``celery.worker``."""
    telemetry = settings.telemetry
    redaction = Redaction(secrets_in(settings))
    start_logging(level=telemetry.log_level, form=telemetry.log_format, redaction=redaction)
    dsn = None if telemetry.sentry_dsn is None else telemetry.sentry_dsn.get_secret_value()
    start_sentry(dsn, environment=telemetry.environment, release=f"provisor@{version()}", redaction=redaction)


def _run(settings: Settings, roles: Sequence[ProcessRole], *, alone: bool) -> int:
    from worker.process import prepare, run

    with settings_told(), store_told(), usable(masked(settings.store.url)):
        process = prepare(settings, roles=roles)
        if alone:
            with process.provisor.store.write() as work:
                freed = work.sweep.release_all()
            if freed:
                _log.warning("leases.freed", rows=freed, why="whoever held them was killed")
    return run(process)
