"""Sync from the command line: begin or join the runs, work on them in this process, and tell how they go on.

Leases make that safe beside a running ``up``: whichever process is free reads the next lists.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from access.clock import Clock, SystemClock
from access.entitlements import System
from access.snapshots import RunState, SyncRun
from cli import output
from cli.known_secrets import secrets_in
from cli.problems import Problem
from cli.store_access import opened, settings_told, store_told
from cli.sync_facts import run_facts, told
from cli.sync_progress import Progress, progress_for
from config.urls import masked
from store.existing_store import usable
from store.queries.runs import Standing, standing
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from tasks.sync import Sync
from worker.call_counter import CallCounter
from worker.telemetry import Redaction, start_logging

#: How often the state of the runs is looked at, in seconds.
_LOOK_SECONDS = 0.3

#: What a shell shows for a process that Ctrl-C ended.
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that this command works on. ``joined``: it was under way before.

    ``calls_before`` and the calls that this process has made come to the calls of the run, as far as is known here.
    """

    system: System
    run_id: str
    joined: bool
    calls_before: int = 0


def sync(config: Path | None, *, systems: Sequence[System], full: bool, as_json: bool) -> bool:
    """Take snapshots; whether all were completed. Raises ``Problem``."""
    calls = CallCounter()
    with _wired(config, calls) as (store, syncing):
        wanted = _connected(syncing, systems)
        progress = progress_for(as_json=as_json)
        try:
            ends = Passes(store, syncing, SystemClock(), calls, progress).take(wanted, full=full)
        except KeyboardInterrupt:
            _leave(progress)
        facts = [run_facts(store, begun.joined, run, now=SystemClock().now()) for begun, run in ends]
    if as_json:
        output.print_json(facts)
    else:
        output.print_lines(*map(told, facts))
    return all(each["state"] == RunState.COMPLETE for each in facts)


@contextmanager
def _wired(config: Path | None, calls: CallCounter) -> Iterator[tuple[Store, Sync]]:
    # A store of another version is refused here, rather than changed by a command that was only to read.
    with opened(config, create=True) as (settings, _):
        pass
    from worker.composition import open_store
    from worker.sync import sync_from

    # All that there is to tell is told by this command itself, from what the run has to say.
    start_logging(level="critical", form="auto", redaction=Redaction(secrets_in(settings)))
    with settings_told(), store_told(), usable(masked(settings.store.url)):
        store = open_store(settings)
        try:
            yield store, sync_from(settings, store, SystemClock(), RecordingPublisher(), calls=calls)
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


class Passes:
    """The runs of one command, each worked on by a thread of its own."""

    def __init__(self, store: Store, syncing: Sync, clock: Clock, calls: CallCounter, progress: Progress) -> None:
        self._store = store
        self._syncing = syncing
        self._clock = clock
        self._calls = calls
        self._progress = progress
        self._pause = threading.Event()

    def take(self, systems: Sequence[System], *, full: bool) -> list[tuple[Begun, SyncRun]]:
        """UnitOfWork on a run of each system until it ends; the runs as they ended."""
        begun = [self._begin(system, full=full) for system in systems]
        ends = self._see_through(begun)
        # A run that was joined may believe events: that is not what was asked for.
        again = [
            each.system
            for each, run in ends
            if full and each.joined and run.state is RunState.COMPLETE and not (run.plan or {}).get("full")
        ]
        if again:
            kept = [end for end in ends if end[0].system not in again]
            ends = kept + self._see_through([self._begin(system, full=True) for system in again])
        self._progress.close()
        return ends

    def _begin(self, system: System, *, full: bool) -> Begun:
        with self._store.read() as work:
            running = work.sync_runs.running(system)
        made = self._calls.made(system)
        run_id = self._syncing.begin(system, full=full)
        joined = running is not None and running.id == run_id
        counted = running.calls if running is not None and joined else 0
        return Begun(system, run_id, joined=joined, calls_before=counted - made)

    def _see_through(self, begun: Sequence[Begun]) -> list[tuple[Begun, SyncRun]]:
        passes = [_Pass(self._syncing, self._store, self._clock, each.run_id) for each in begun]
        for one in passes:
            one.start()
        while any(one.is_alive() for one in passes):
            self._progress.show([(each, self._standing(each)) for each in begun])
            self._pause.wait(_LOOK_SECONDS)
        for one in passes:
            if one.failure is not None:
                raise one.failure
        ends = [(each, self._standing(each)) for each in begun]
        self._progress.show(ends)
        return [(each, end.run) for each, end in ends]

    def _standing(self, begun: Begun) -> Standing:
        with self._store.read() as work, self._store.database.read() as connection:
            run = work.sync_runs.get(begun.run_id)
            assert run is not None, "a run is never deleted"
            if run.state is RunState.RUNNING:
                # The store learns of calls when a shard is over.
                run = replace(run, calls=max(run.calls, begun.calls_before + self._calls.made(begun.system)))
            return standing(connection, run)


class _Pass(threading.Thread):
    """Works on one run until it ends, whoever ends it."""

    def __init__(self, syncing: Sync, store: Store, clock: Clock, run_id: str) -> None:
        super().__init__(name=f"sync-{run_id}", daemon=True)
        self._syncing = syncing
        self._store = store
        self._clock = clock
        self._run_id = run_id
        self._pause = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Take turns, waiting between them as the run itself says."""
        try:
            while self._goes_on():
                began = time.monotonic()
                self._syncing.work(self._run_id)
                if time.monotonic() - began < _LOOK_SECONDS:
                    # There was nothing to do: another process has the lead, or all that is left.
                    self._pause.wait(_LOOK_SECONDS)
        except BaseException as exc:  # noqa: BLE001 - carried to the thread that asked for it
            self.failure = exc

    def _goes_on(self) -> bool:
        """Wait until the run is due; False when it has ended."""
        while True:
            with self._store.read() as work:
                run = work.sync_runs.get(self._run_id)
            if run is None or run.state is not RunState.RUNNING:
                return False
            if run.due_at is not None and run.due_at <= self._clock.now():
                return True
            self._pause.wait(_LOOK_SECONDS)


def _leave(progress: Progress) -> None:
    """End at once, which is safe at any moment: what was being read is free for others when its lease runs out."""
    progress.close()
    sys.stdout.flush()
    sys.stderr.write(
        "provisor: Interrupted. The run stays: a running 'provisor up', or the next 'provisor sync', goes on with it.\n"
    )
    sys.stderr.flush()
    os._exit(_INTERRUPTED)
