"""The demonstration as a whole, from the empty folder to the summary."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from demo.company import content
from demo.progress import Progress, ScenarioRecord
from demo.scenario import Environment
from demo.scenario_runner import SCENARIOS, run_all
from demo.simulators import SimulatorProblem, simulated_systems
from demo.summary import as_facts, in_words, table_in_words
from demo.ticket_worker import TicketWorker
from demo.views import LiveView, PlainView, View


def show(*, as_json: bool, verbose: bool) -> int:
    """Show the demonstration; the exit status: 0 when every outcome was the expected one."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="provisor-demo-"))
    progress = Progress()
    progress.records.update({scenario.name: ScenarioRecord() for scenario in SCENARIOS})
    console = Console()
    plain = as_json or verbose or not console.is_terminal
    view = PlainView(progress, SCENARIOS) if plain else LiveView(progress, SCENARIOS, console)
    with _terminable():
        try:
            _run_everything(folder, progress, view, verbose=verbose)
        except (SimulatorProblem, TimeoutError) as problem:
            sys.stderr.write(f"provisor: {problem}\n")
        finally:
            view.close()
    facts = as_facts(progress, SCENARIOS, seconds=time.monotonic() - began, folder=str(folder))
    lines = [*(table_in_words(facts) if plain else []), *in_words(facts), *([json.dumps(facts)] if as_json else [])]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if facts["ok"] else 1


def _run_everything(folder: Path, progress: Progress, view: View, *, verbose: bool) -> None:
    view.say(f"Provisor's demonstration; logs, store and settings go to {folder}")
    with ExitStack() as ending:
        wait_for_simulators = ending.enter_context(simulated_systems(folder, content()))
        from demo.embedded_worker import provisor

        log = sys.stderr if verbose else ending.enter_context((folder / "worker.log").open("w"))
        jumpcloud, jira = wait_for_simulators()
        view.say(f"JumpCloud is simulated by process {jumpcloud.process.pid} at {jumpcloud.url}")
        view.say(f"Jira Cloud is simulated by process {jira.process.pid} at {jira.url}")
        running = ending.enter_context(provisor(folder, progress, jumpcloud, jira, log))
        view.say("Provisor is up on SQLite and an embedded queue; access requests go through the intake queue")
        ticket_worker = ending.enter_context(TicketWorker(jira, progress))
        run_all(Environment(progress, running.publish, running.take_snapshots, jumpcloud, jira, ticket_worker), view)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the demonstration and its processes, as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
