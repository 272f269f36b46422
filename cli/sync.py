from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from access.clock import MeasuredClock
from access.entitlements import System
from access.snapshots import RunState, SyncRun
from cli import output
from cli.options import AsJson, ConfigFile
from cli.output import age
from cli.problems import Problem
from cli.snapshots import counts, snapshot_facts
from cli.store_access import opened, settings_problems, store_problems
from cli.sync_progress import progress_for
from cli.sync_runs import SyncRuns

if TYPE_CHECKING:
    from store.unit_of_work import Store
    from tasks.sync import Sync
    from worker.call_counter import CallCounter

#: What a shell shows for a process that Ctrl-C ended.
_INTERRUPTED = 130


def sync(
    config: ConfigFile = None,
    system: Annotated[
        list[System] | None,
        typer.Option(help="Only this system; may be repeated. Default: all that are connected.", show_default=False),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything, not only what events say has changed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take a complete snapshot of the systems now, or help with the one under way. Exit 1 when one of them failed."""
    from worker.call_counter import CallCounter

    calls = CallCounter()
    with _wired(config, calls) as (store, syncing):
        wanted = _connected(syncing, system or [])
        progress = progress_for(as_json=as_json)
        try:
            clock = MeasuredClock(store.now)
            ends = SyncRuns(store, syncing, clock, calls, progress).take(wanted, full=full)
        except KeyboardInterrupt:
            progress.close()
            _leave()
        facts = [_run_facts(store, begun.joined, run, now=clock.now()) for begun, run in ends]
    if as_json:
        output.print_json(facts)
    else:
        output.print_lines(*map(_in_words, facts))
    raise typer.Exit(any(each["state"] != RunState.COMPLETE for each in facts))


@contextmanager
def _wired(config: Path | None, calls: CallCounter) -> Iterator[tuple[Store, Sync]]:
    from config.urls import masked
    from httpclient.redaction import Redaction
    from store.existing_store import usable
    from tasks.publisher import RecordingPublisher
    from worker.composition import open_store
    from worker.sync import sync_from
    from worker.telemetry import start_logging

    # A store of another version is refused here: a command that only reads must not migrate it.
    with opened(config, create=True) as (settings, _):
        pass
    # This command prints how the runs end; their log lines would say the same beside it.
    start_logging(level="critical", form="auto", redaction=Redaction(settings.secrets()))
    with settings_problems(), store_problems(), usable(masked(settings.store.url)):
        store = open_store(settings)
        try:
            yield store, sync_from(settings, store, MeasuredClock(store.now), RecordingPublisher(), calls=calls)
        finally:
            store.database.close()


def _connected(syncing: Sync, systems: Sequence[System]) -> list[System]:
    connected = syncing.systems
    for system in systems:
        if system not in connected:
            raise Problem(
                f"{system} is not connected, so there is nothing to take a snapshot of.",
                f"Set a credential under {system} in the settings; see 'provisor settings'.",
            )
    if not connected:
        raise Problem(
            "No system is connected, so there is nothing to take a snapshot of.",
            "Set a credential under jumpcloud or jira in the settings; see 'provisor settings'.",
        )
    return list(dict.fromkeys(systems or connected))


def _run_facts(store: Store, joined: bool, run: SyncRun, *, now: datetime) -> dict[str, Any]:
    """One run, and the current snapshot of its system."""
    with store.read() as work:
        snapshot = work.snapshots.current(run.system)
    plan = run.plan or {}
    ended = run.finished_at or now
    return {
        **output.facts_of(run, "system", "state", "credential_of", "calls"),
        "run": run.id,
        "joined": joined,
        "method": plan.get("method"),
        "full": plan.get("full"),
        "notes": plan.get("notes", []),
        "seconds": round((ended - run.started_at).total_seconds(), 1),
        "counts": None if run.state is not RunState.COMPLETE else counts(store, run.system),
        "error": run.error if run.state is RunState.FAILED else None,
        "snapshot": snapshot_facts(snapshot, now=now),
    }


def _in_words(facts: dict[str, Any]) -> str:
    """How a run ended, in one line."""
    if facts["state"] == RunState.COMPLETE:
        found = ", ".join(f"{count} {name}" for name, count in facts["counts"].items())
        how = "everything read" if facts["full"] else "what changed was read"
        notes = "".join(f"\n  - {note}" for note in facts["notes"])
        return (
            f"{facts['system']}: complete in {facts['seconds']} s: {found} "
            f"({facts['calls']} calls, method {facts['method']}, {how}).{notes}"
        )
    snapshot = facts["snapshot"]
    old = "" if snapshot is None else f" It is {age(timedelta(seconds=snapshot['age_seconds']))} old."
    return f"{facts['system']}: {facts['state']} after {facts['seconds']} s: {facts['error']}{old}"


def _leave() -> NoReturn:
    """End the process at once, which is safe: the lists that it was reading are free for others when their leases end."""
    output.print_note(
        "Interrupted. The run stays: a running 'provisor up', or the next 'provisor sync', goes on with it."
    )
    sys.stderr.flush()
    os._exit(_INTERRUPTED)
