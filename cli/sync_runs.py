"""Sync runs as one command works on them, in threads of this process; leases make that safe beside a running ``up``."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from access.clock import Clock
from access.entitlements import System
from access.snapshots import RunState, SyncRun
from cli.sync_progress import Begun, Progress

if TYPE_CHECKING:
    from store.queries.runs import RunProgress
    from store.unit_of_work import Store
    from tasks.sync import Sync
    from worker.call_counter import CallCounter

#: Between two reads of the runs, in seconds.
_POLL_SECONDS = 0.3


class SyncRuns:
    """The runs of one command, each worked on by a thread of its own."""

    def __init__(self, store: Store, syncing: Sync, clock: Clock, calls: CallCounter, progress: Progress) -> None:
        self._store = store
        self._syncing = syncing
        self._clock = clock
        self._calls = calls
        self._progress = progress
        self._pause = threading.Event()

    def take(self, systems: Sequence[System], *, full: bool) -> list[tuple[Begun, SyncRun]]:
        """Work on a run of each system until it ends; the runs as they ended. Raises ``KeyboardInterrupt`` on Ctrl-C."""
        begun = [self._begin(system, full=full) for system in systems]
        ends = self._finish(begun)
        # A run that was joined may read only what events name: a full run was asked for.
        again = [
            each.system
            for each, run in ends
            if full and each.joined and run.state is RunState.COMPLETE and not (run.plan or {}).get("full")
        ]
        if again:
            kept = [end for end in ends if end[0].system not in again]
            ends = kept + self._finish([self._begin(system, full=True) for system in again])
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

    def _finish(self, begun: Sequence[Begun]) -> list[tuple[Begun, SyncRun]]:
        failures: list[BaseException] = []
        threads = [
            threading.Thread(
                target=self._work_off, args=(each.run_id, failures), name=f"sync-{each.run_id}", daemon=True
            )
            for each in begun
        ]
        for thread in threads:
            thread.start()
        with _interrupt_noted() as interrupted:
            while any(thread.is_alive() for thread in threads):
                self._progress.show([(each, self._progress_of(each)) for each in begun])
                if interrupted():
                    raise KeyboardInterrupt
                self._pause.wait(_POLL_SECONDS)
        if failures:
            raise failures[0]
        ends = [(each, self._progress_of(each)) for each in begun]
        self._progress.show(ends)
        return [(each, end.run) for each, end in ends]

    def _progress_of(self, begun: Begun) -> RunProgress:
        from store.queries.runs import progress_of

        with self._store.read() as work, self._store.database.read() as connection:
            run = work.sync_runs.get(begun.run_id)
            assert run is not None, "a run is never deleted"
            if run.state is RunState.RUNNING:
                # The store learns of calls when a shard is over.
                run = replace(run, calls=max(run.calls, begun.calls_before + self._calls.made(begun.system)))
            return progress_of(connection, run)

    def _work_off(self, run_id: str, failures: list[BaseException]) -> None:
        """Take turns on a run until it ends, whoever ends it, waiting between them as the run itself says."""
        try:
            while self._waits_until_due(run_id):
                began = time.monotonic()
                self._syncing.work(run_id)
                if time.monotonic() - began < _POLL_SECONDS:
                    # There was nothing to do: another process has the lead, or all that is left.
                    self._pause.wait(_POLL_SECONDS)
        except BaseException as exc:  # noqa: BLE001 - carried to the thread that asked for it
            failures.append(exc)

    def _waits_until_due(self, run_id: str) -> bool:
        """Wait until the run is due; False when it has ended."""
        while True:
            with self._store.read() as work:
                run = work.sync_runs.get(run_id)
            if run is None or run.state is not RunState.RUNNING:
                return False
            if run.due_at is not None and run.due_at <= self._clock.now():
                return True
            self._pause.wait(_POLL_SECONDS)


@contextmanager
def _interrupt_noted() -> Iterator[Callable[[], bool]]:
    """Within it Ctrl-C raises nothing; the function that is given says whether it came.

    Python raises ``KeyboardInterrupt`` wherever the main thread is. In a finalizer or a callback of the database driver it is
    printed and lost [documented: "Exception ignored in"], and the command would go on as if nobody had asked it to end.
    Signals come to the main thread, and only that one may say what they do [documented]: in another there is none to note.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)
