"""The person who works on tickets: looks into the simulated Jira as people do, and does what the script says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from demo.board import Board
from demo.simulators import Simulator, SimulatorProblem
from demo.truth import Truth
from demo.world import AGENT, TICKET_PROJECT, address

_LOOK_SECONDS = 0.25
#: How long the agent reads a ticket, and how long the work takes: long enough to be seen.
_READ_SECONDS = 0.4
_WORK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Response:
    """What the agent does with a ticket: some work, or none, and then ``close`` (an act of Jira's: done, decline)."""

    work: Callable[[], None] = lambda: None
    close: str = "done"
    says: str = "did what was asked"


class Clerk:
    """A thread that takes up tickets in the order they come, several at once."""

    def __init__(self, jira: Simulator, board: Board) -> None:
        self._jira = jira
        self._board = board
        self._scripts: dict[str, tuple[str, list[Response]]] = {}
        self._busy: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clerk", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def learn(self, request_id: str, scene: str, answers: Sequence[Response]) -> None:
        """What to do with the ticket of a request, each time it is open."""
        self._scripts[request_id] = (scene, list(answers))

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            truth = Truth({}, self._jira.state())
            for request_id, (scene, answers) in list(self._scripts.items()):
                for issue in truth.tickets_of(request_id):
                    if issue["category"] == "new" and issue["key"] not in self._busy and answers:
                        self._busy.add(issue["key"])
                        work = (scene, issue, answers.pop(0))
                        threading.Thread(target=self._work_on, args=work, daemon=True).start()

    def _work_on(self, scene: str, issue: dict[str, Any], answer: Response) -> None:
        key, agent = issue["key"], address(AGENT)
        assert key.startswith(TICKET_PROJECT)
        try:
            self._stop.wait(_READ_SECONDS)
            self._jira.act("work_on", issue=key, by=agent)
            self._board.note(scene, "worked on", f"{AGENT.title()} works on {key}")
            self._stop.wait(_WORK_SECONDS)
            answer.work()
            self._jira.act(answer.close, issue=key, by=agent)
            self._board.note(
                scene, "closed" if answer.close == "done" else "declined", f"{AGENT.title()} {answer.says}"
            )
        except SimulatorProblem as problem:
            self._board.wrong(scene, str(problem))
        finally:
            self._busy.discard(key)
