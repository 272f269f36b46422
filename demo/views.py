"""What the demonstration shows: a live table on a terminal, lines with times in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from access.text import shortened
from demo.progress import Progress, ScenarioRecord
from demo.scenario import Scenario

#: Lines that the terminal needs besides the rows of the table.
_AROUND = 7
#: The last steps of a scenario that have room in its row.
_STEPS = 5
#: Columns of a terminal that also has room for what was seen.
_WIDE = 120
#: The most characters of what is said about one step; the log has all of them.
_LONGEST_LINE = 160
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class PlainView:
    """A line for everything that happens, in order."""

    def __init__(self, progress: Progress, scenarios: Sequence[Scenario]) -> None:
        self._progress = progress
        self._width = max(len(scenario.name) for scenario in scenarios)
        self._shown = 0

    def say(self, text: str) -> None:
        """Print it with the time."""
        self._print(f"{self._progress.elapsed():6.2f} s  {text}")

    def show(self) -> None:
        """Print the new lines."""
        for line in self._progress.lines_from(self._shown):
            self._shown += 1
            text = f": {shortened(line.text, most=_LONGEST_LINE)}" if line.text else ""
            self._print(f"{line.at:6.2f} s  {line.scenario:<{self._width}}  {line.word}{text}")

    def close(self) -> None:
        """Print what is left."""
        self.show()

    @staticmethod
    def _print(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class LiveView:
    """A table of all scenarios that is drawn anew as they go on; of those under way only, where the terminal is too low."""

    def __init__(self, progress: Progress, scenarios: Sequence[Scenario], console: Console) -> None:
        self._progress = progress
        self._scenarios = scenarios
        self._console = console
        self._live = Live(
            get_renderable=self._render, console=console, auto_refresh=False, vertical_overflow="crop", transient=True
        )
        self._live.start()

    def say(self, text: str) -> None:
        """Print it above the table."""
        self._console.print(Text(text, style="dim"))

    def show(self) -> None:
        """Draw the table anew."""
        self._live.refresh()

    def close(self) -> None:
        """Leave the whole table on the screen."""
        self._live.stop()
        self._console.print(scenario_table(self._progress, self._scenarios, width=self._console.width))

    def _render(self) -> Group:
        shown = list(self._scenarios)
        if self._console.height < len(shown) + _AROUND:
            under_way = [each for each in shown if self._record(each).began and not self._record(each).ended]
            shown = under_way[: max(1, self._console.height - _AROUND)]
        judged = [self._record(scenario).ok for scenario in self._scenarios]
        counts = Text.assemble(
            ("  ", ""),
            (f"{judged.count(True)}", "bold green"),
            f" of {len(judged)} as expected",
            *([(f", {judged.count(False)} not", "bold red")] if False in judged else []),
            (f"   {self._progress.elapsed():.1f} s", "dim"),
        )
        return Group(scenario_table(self._progress, shown, width=self._console.width), counts)

    def _record(self, scenario: Scenario) -> ScenarioRecord:
        return self._progress.records[scenario.name]


View = PlainView | LiveView


def scenario_table(progress: Progress, scenarios: Sequence[Scenario], *, width: int) -> Table:
    """The scenarios and how they stand, in a terminal of ``width`` columns."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0), expand=True)
    table.add_column("", width=2, no_wrap=True)
    table.add_column("What is asked", no_wrap=True, overflow="ellipsis", ratio=6)
    table.add_column("What became of it", no_wrap=True, overflow="ellipsis", ratio=9)
    wide = width >= _WIDE
    if wide:
        table.add_column("Seen in the system itself", no_wrap=True, overflow="ellipsis", ratio=8)
    table.add_column("Ticket", no_wrap=True, width=9)
    table.add_column("Time", justify="right", no_wrap=True, width=6)
    for scenario in scenarios:
        record = progress.records[scenario.name]
        seen = [Text(record.seen[-1] if record.seen else "", style="green")] if wide else []
        table.add_row(
            _mark(record, progress.elapsed()),
            Text(scenario.title, style="" if record.began else "dim"),
            _steps(record, most=_STEPS if wide else _STEPS - 1),
            *seen,
            Text(", ".join(record.tickets), style="cyan"),
            Text(_time(record, progress.elapsed()), style="dim"),
        )
    return table


def _mark(record: ScenarioRecord, now: float) -> Text:
    if record.ok is not None and record.ended is not None:
        return Text("✓", style="bold green") if record.ok else Text("✗", style="bold red")
    return Text("·", style="dim") if record.began is None else Text(_SPINNER[int(now * 12) % 10], style="yellow")


def _steps(record: ScenarioRecord, *, most: int) -> Text:
    if record.problems:
        return Text(shortened(record.problems[-1], most=_LONGEST_LINE), style="red")
    told = [step for step in record.steps if step not in record.tickets]
    over = record.ended is not None
    if over:
        told = [step for step in told if step not in _SMALL_STEPS] or told
    text = Text()
    for place, step in enumerate(told[-most:]):
        text.append(" → " if place else ("… " if len(told) > most else ""), style="dim")
        text.append(step.removeprefix("planned ") if over else step, style=_STYLES.get(step, ""))
    return text


#: Steps that are left out of the story when it is over.
_SMALL_STEPS = frozenset({"requested", "clock runs", "closed"})
_STYLES = {
    "done": "green",
    "verified": "green",
    "refused": "magenta",
    "failed": "magenta",
    "dead letter": "magenta",
    "reopened": "yellow",
    "worked on": "cyan",
    "closed": "cyan",
    "declined": "cyan",
}


def _time(record: ScenarioRecord, now: float) -> str:
    if record.began is None:
        return ""
    return f"{(now if record.ended is None else record.ended) - record.began:.1f} s"
