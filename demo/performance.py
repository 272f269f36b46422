"""The whole demonstration, from the empty folder to the summary."""

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

from demo.board import Board, Standing
from demo.clerk import Clerk
from demo.judging import SCENES, play_all
from demo.simulators import SimulatedSystems, SimulatorProblem
from demo.stage import Theatre
from demo.summary import as_facts, in_words, table_in_words
from demo.views import LiveView, PlainView, View
from demo.world import content


def show(*, as_json: bool, verbose: bool) -> int:
    """Show it; the exit status: 0 when every outcome was the expected one."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="provisor-demo-"))
    board = Board()
    board.standings.update({scene.name: Standing() for scene in SCENES})
    view = _view(board, plain=as_json or verbose)
    with _terminable():
        try:
            _perform(folder, board, view, verbose=verbose)
        except (SimulatorProblem, TimeoutError) as problem:
            sys.stderr.write(f"provisor: {problem}\n")
        finally:
            view.close()
    facts = as_facts(board, SCENES, seconds=time.monotonic() - began, folder=str(folder))
    if isinstance(view, PlainView):
        _print(table_in_words(facts))
    _print(in_words(facts))
    if as_json:
        _print([json.dumps(facts)])
    return 0 if facts["ok"] else 1


def _view(board: Board, *, plain: bool) -> View:
    console = Console()
    return PlainView(board, SCENES) if plain or not console.is_terminal else LiveView(board, SCENES, console)


def _print(lines: Sequence[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _perform(folder: Path, board: Board, view: View, *, verbose: bool) -> None:
    view.say(f"Provisor's demonstration; logs, store and settings go to {folder}")
    with ExitStack() as ending:
        systems = ending.enter_context(SimulatedSystems(folder, content()))
        from demo.backstage import provisor

        log = sys.stderr if verbose else ending.enter_context((folder / "worker.log").open("w"))
        jumpcloud, jira = systems.wait()
        view.say(f"JumpCloud is simulated by process {jumpcloud.process.pid} at {jumpcloud.url}")
        view.say(f"Jira Cloud is simulated by process {jira.process.pid} at {jira.url}")
        publish = ending.enter_context(provisor(folder, board, jumpcloud, jira, log))
        view.say("Provisor is up on SQLite and an embedded queue; access requests go through the intake queue")
        clerk = ending.enter_context(Clerk(jira, board))
        play_all(Theatre(board=board, publish=publish, jumpcloud=jumpcloud, jira=jira, clerk=clerk), view)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the demonstration as Ctrl-C does: with everything it started."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
