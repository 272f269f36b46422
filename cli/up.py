from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import ConfigFile
from cli.problems import Problem
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
    from store.existing_store import sqlite_file

    settings = load_settings(config)
    _start_telemetry(settings)
    with _locked(sqlite_file(settings.store.url.get_secret_value())) as alone:
        return _run(settings, roles, alone=alone)


def _start_telemetry(settings: Settings) -> None:
    """Start logging and Sentry, which must come before anything imports ``celery.worker``."""
    from httpclient.redaction import Redaction
    from worker.telemetry import start_logging, start_sentry

    telemetry = settings.telemetry
    redaction = Redaction(settings.secrets(), later=settings.later_secrets)
    start_logging(level=telemetry.log_level, form=telemetry.log_format, redaction=redaction)
    dsn = None if telemetry.sentry_dsn is None else telemetry.sentry_dsn.get_secret_value()
    start_sentry(dsn, environment=telemetry.environment, release=f"provisor@{version()}", redaction=redaction)


def _run(settings: Settings, roles: Sequence[ProcessRole], *, alone: bool) -> int:
    import structlog

    from config.urls import masked
    from store.existing_store import usable
    from worker.process import prepare, run

    with settings_problems(), store_problems(), usable(masked(settings.store.url)):
        process = prepare(settings, roles=roles, version=version())
        if alone:
            with process.provisor.store.write() as work:
                freed = work.sweep.release_all()
            if freed:
                log = structlog.get_logger(__name__)
                log.warning("leases.freed", rows=freed, why="the process that held them was killed")
    return run(process)


@contextmanager
def _locked(database: Path | None) -> Iterator[bool]:
    """Hold the lock file beside an SQLite database; gives whether there is one: other databases need none.

    Raises ``Problem`` when another process holds it. The file stays when it ends: taking it away would let a third in.
    """
    if database is None:
        yield False
        return
    path = database.with_name(f"{database.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise Problem(
            f"The lock file {path} cannot be written ({exc.strerror}).", "Check store.url, and who may write there."
        ) from exc
    with os.fdopen(descriptor):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise Problem(
                f"Another 'provisor up' works on {database}{f' (process {holder})' if holder.isdigit() else ''}.",
                "Stop it first, or use PostgreSQL, which several may share.",
            ) from exc
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield True
