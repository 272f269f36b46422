"""The person who works on tickets in the simulated Jira, by a script."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from demo.company import AGENT, TICKET_PROJECT, address
from demo.progress import Progress
from demo.simulator_state import SimulatorState
from demo.simulators import Simulator, SimulatorProblem

_LOOK_SECONDS = 0.25
#: How long the agent reads a ticket, and how long the work takes: long enough to be seen.
_READ_SECONDS = 0.4
_WORK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class TicketAction:
    """What the agent does with a ticket: some work, or none, and then ``close`` (an act of Jira's: done, decline)."""

    work: Callable[[], None] = lambda: None
    close: str = "done"
    says: str = "did what was asked"


class TicketWorker:
    """A thread that takes up tickets in the order in which they come, several at once."""

    def __init__(self, jira: Simulator, progress: Progress) -> None:
        self._jira = jira
        self._progress = progress
        self._scripts: dict[str, list[TicketAction]] = {}
        self._busy: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticket-worker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def learn(self, scenario: str, answers: Sequence[TicketAction]) -> None:
        """Remember what to do with the ticket of a scenario's request, which has its name as id, each time it is open."""
        self._scripts[scenario] = list(answers)

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            state = SimulatorState({}, self._jira.state())
            for scenario, answers in list(self._scripts.items()):
                for issue in state.tickets_of(scenario):
                    if issue["category"] == "new" and issue["key"] not in self._busy and answers:
                        self._busy.add(issue["key"])
                        work = (scenario, issue, answers.pop(0))
                        threading.Thread(target=self._work_on, args=work, daemon=True).start()

    def _work_on(self, scenario: str, issue: dict[str, Any], answer: TicketAction) -> None:
        key, agent = issue["key"], address(AGENT)
        assert key.startswith(TICKET_PROJECT)
        try:
            self._stop.wait(_READ_SECONDS)
            self._jira.act("work_on", issue=key, by=agent)
            self._progress.note(scenario, "worked on", f"{AGENT.title()} works on {key}")
            self._stop.wait(_WORK_SECONDS)
            answer.work()
            self._jira.act(answer.close, issue=key, by=agent)
            word = "closed" if answer.close == "done" else "declined"
            self._progress.note(scenario, word, f"{AGENT.title()} {answer.says}")
        except SimulatorProblem as problem:
            self._progress.wrong(scenario, str(problem))
        finally:
            self._busy.discard(key)
