"""The progress of sync runs: a live table on a terminal, lines in a pipe, nothing beside JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from access.entitlements import System
from access.snapshots import RunState
from cli import output

if TYPE_CHECKING:
    from store.queries.runs import RunProgress

#: In a pipe, a line about a run that stays in one stage is printed this often, in seconds.
_LINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that this command works on; ``joined`` when it was under way. ``calls_before`` are those of other processes."""

    system: System
    run_id: str
    joined: bool
    calls_before: int = 0


Runs = Sequence[tuple[Begun, "RunProgress"]]


class Progress:
    """Shows runs while they are worked on; this class itself shows nothing."""

    def show(self, runs: Runs) -> None:
        """Show what is new."""

    def close(self) -> None:
        """Leave the screen as it is to stay."""


def progress_for(*, as_json: bool) -> Progress:
    """What fits where the output goes. JSON has standard output to itself; a terminal may still watch."""
    if as_json:
        return _Live(sys.stderr) if sys.stderr.isatty() else Progress()
    return _Live(sys.stdout) if sys.stdout.isatty() else _Lines()


class _Lines(Progress):
    """A line when a run comes to another stage, and in between at most every ten seconds when there is anything new."""

    def __init__(self) -> None:
        self._printed: dict[str, tuple[int, str, float]] = {}

    def show(self, runs: Runs) -> None:
        """Print what is new."""
        for begun, progress in runs:
            run = progress.run
            line, now = f"{run.system}: {_where(progress)}{_waits(progress)}", time.monotonic()
            if run.id not in self._printed:
                word = "joined the run under way" if begun.joined else "began"
                output.print_lines(f"{run.system}: {word} ({run.id})")
                self._printed[run.id] = (run.stage, line, now)
                continue
            stage, before, at = self._printed[run.id]
            waited_long = now - at >= _LINE_SECONDS and line != before
            if run.state is RunState.RUNNING and (run.stage != stage or waited_long):
                self._printed[run.id] = (run.stage, line, now)
                output.print_lines(line)
        sys.stdout.flush()


class _Live(Progress):
    """A table with a row for each run, redrawn as the runs go on."""

    def __init__(self, stream: Any) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(file=stream), refresh_per_second=8, transient=True)
        self._live.start()

    def show(self, runs: Runs) -> None:
        """Draw."""
        from rich.text import Text

        table = output.rich_table(("system", "stage", "shards", "rows", "calls", "state"))
        for _, progress in runs:
            run = progress.run
            cells = (
                str(run.system),
                "planning" if run.stage < 0 else str(run.stage + 1),
                f"{progress.done}/{progress.shards}",
                f"{progress.rows:,}",
                f"{run.calls:,}",
                f"{run.state}{_waits(progress)}",
            )
            table.add_row(*(Text(output.cell(cell)) for cell in cells))
        self._live.update(table)

    def close(self) -> None:
        """Remove the table: the command prints more at the end."""
        self._live.stop()


def _where(progress: RunProgress) -> str:
    run = progress.run
    if run.stage < 0:
        return "planning"
    shards = f"{progress.done} of {progress.shards} shards done"
    return f"stage {run.stage + 1}, {shards}, {progress.rows} rows, {run.calls} calls"


def _waits(progress: RunProgress) -> str:
    """Why a running run waits, when it does."""
    if progress.run.state is not RunState.RUNNING or progress.waiting is None:
        return ""
    return f", waits: {output.cell(progress.waiting)}"
