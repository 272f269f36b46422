from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ConfigFile
from cli.store_access import load_settings, settings_problems, store_problems
from cli.version import version
from worker.roles import ProcessRole

if TYPE_CHECKING:
    from config.settings import Settings


def up(
    config: ConfigFile = None,
    role: Annotated[
        list[ProcessRole] | None,
        typer.Option(help="Only this part of the work; may be repeated. Default: all of it.", show_default=False),
    ] = None,
) -> None:
    """Run Provisor until it is stopped.

    SIGTERM or Ctrl-C ends it, once what is under way is finished. On SQLite, only one may run at a time.
    """
    raise typer.Exit(run_roles(config, roles=role or list(ProcessRole)))


def run_roles(config: Path | None, *, roles: Sequence[ProcessRole]) -> int:
    """Run these roles until a signal ends the process; the exit status. Raises ``Problem``."""
    from cli.store_lock import held
    from store.existing_store import sqlite_file

    settings = load_settings(config)
    _start_telemetry(settings)
    with held(sqlite_file(settings.store.url.get_secret_value())) as alone:
        return _run(settings, roles, alone=alone)


def _start_telemetry(settings: Settings) -> None:
    """Start logging and Sentry, which must come before anything imports ``celery.worker``."""
    from cli.known_secrets import secrets_in
    from worker.telemetry import Redaction, start_logging, start_sentry

    telemetry = settings.telemetry
    redaction = Redaction(secrets_in(settings))
    start_logging(level=telemetry.log_level, form=telemetry.log_format, redaction=redaction)
    dsn = None if telemetry.sentry_dsn is None else telemetry.sentry_dsn.get_secret_value()
    start_sentry(dsn, environment=telemetry.environment, release=f"provisor@{version()}", redaction=redaction)


def _run(settings: Settings, roles: Sequence[ProcessRole], *, alone: bool) -> int:
    import structlog

    from config.urls import masked
    from store.existing_store import usable
    from worker.process import prepare, run

    with settings_problems(), store_problems(), usable(masked(settings.store.url)):
        process = prepare(settings, roles=roles)
        if alone:
            with process.provisor.store.write() as work:
                freed = work.sweep.release_all()
            if freed:
                log = structlog.get_logger(__name__)
                log.warning("leases.freed", rows=freed, why="the process that held them was killed")
    return run(process)
