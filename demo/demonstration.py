"""The demonstration as a whole, from the empty folder to the summary."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from demo.company import content
from demo.progress import Progress, ScenarioRecord
from demo.scenario import Environment
from demo.scenario_runner import SCENARIOS, run_all
from demo.simulators import SimulatedSystems, SimulatorProblem
from demo.summary import as_facts, in_words, table_in_words
from demo.ticket_worker import TicketWorker
from demo.views import LiveView, PlainView, View


def show(*, as_json: bool, verbose: bool) -> int:
    """Show the demonstration; the exit status: 0 when every outcome was the expected one."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="provisor-demo-"))
    progress = Progress()
    progress.records.update({scenario.name: ScenarioRecord() for scenario in SCENARIOS})
    view = _view(progress, plain=as_json or verbose)
    with _terminable():
        try:
            _run_everything(folder, progress, view, verbose=verbose)
        except (SimulatorProblem, TimeoutError) as problem:
            sys.stderr.write(f"provisor: {problem}\n")
        finally:
            view.close()
    facts = as_facts(progress, SCENARIOS, seconds=time.monotonic() - began, folder=str(folder))
    if isinstance(view, PlainView):
        _print(table_in_words(facts))
    _print(in_words(facts))
    if as_json:
        _print([json.dumps(facts)])
    return 0 if facts["ok"] else 1


def _view(progress: Progress, *, plain: bool) -> View:
    console = Console()
    return (
        PlainView(progress, SCENARIOS) if plain or not console.is_terminal else LiveView(progress, SCENARIOS, console)
    )


def _print(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _run_everything(folder: Path, progress: Progress, view: View, *, verbose: bool) -> None:
    view.say(f"Provisor's demonstration; logs, store and settings go to {folder}")
    with ExitStack() as ending:
        systems = ending.enter_context(SimulatedSystems(folder, content()))
        from demo.embedded_worker import provisor

        log = sys.stderr if verbose else ending.enter_context((folder / "worker.log").open("w"))
        jumpcloud, jira = systems.wait()
        view.say(f"JumpCloud is simulated by process {jumpcloud.process.pid} at {jumpcloud.url}")
        view.say(f"Jira Cloud is simulated by process {jira.process.pid} at {jira.url}")
        publish = ending.enter_context(provisor(folder, progress, jumpcloud, jira, log))
        view.say("Provisor is up on SQLite and an embedded queue; access requests go through the intake queue")
        ticket_worker = ending.enter_context(TicketWorker(jira, progress))
        run_all(
            Environment(
                progress=progress, publish=publish, jumpcloud=jumpcloud, jira=jira, ticket_worker=ticket_worker
            ),
            view,
        )


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the demonstration and its processes, as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
