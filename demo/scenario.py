"""One scenario: sends messages to the intake queue, waits for their outcomes, and checks the simulators' own state."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from access.lifecycle import RequestState, is_final
from demo.company import address
from demo.progress import Progress
from demo.simulator_state import SimulatorState
from demo.simulators import Simulator
from demo.ticket_worker import TicketAction, TicketWorker

if TYPE_CHECKING:  # the store is heavy, and the first line is to appear at once
    from store.audit import AuditRow

#: The longest wait for one event; good runs need a fraction.
_WAIT_SECONDS = 25.0

Check = Callable[[SimulatorState], bool]


class UnexpectedOutcome(Exception):  # noqa: N818 - makes a scenario fail, and stands in its summary
    """An outcome was not the expected one."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request to show: its title, the expected outcome, and the steps to run.

    ``alone_until`` is the event that the scenarios after it wait for: what it breaks is then met by nobody else.
    """

    name: str
    title: str
    expected: str
    steps: Callable[[ScenarioRun], None]
    alone_until: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """What all scenarios share. ``publish`` puts bodies on the intake queue."""

    progress: Progress
    publish: Callable[[Sequence[bytes]], None]
    jumpcloud: Simulator
    jira: Simulator
    ticket_worker: TicketWorker
    lock: threading.Lock = field(default_factory=threading.Lock)

    def state(self) -> SimulatorState:
        """What the simulated systems hold now."""
        return SimulatorState(self.jumpcloud.state(), self.jira.state())


class ScenarioRun:
    """One scenario being run, and what its steps can do."""

    def __init__(self, scenario: Scenario, environment: Environment) -> None:
        self.environment = environment
        self._scenario = scenario
        self._record = environment.progress.records[scenario.name]
        self._lasting: list[tuple[str, Check]] = []

    @property
    def request_id(self) -> str:
        """The id of the scenario's first request."""
        return self._record.request_ids[0]

    def request(self, action: str, person: str, entitlement: str | None = None, **more: Any) -> bytes:
        """The body of a request for one of the people, under the scenario's name as its id unless ``id`` is given."""
        message = {
            "id": self._scenario.name,
            "action": action,
            "subject": {"email": address(person)},
            "reason": self._scenario.title,
            "requested_by": address(person),
            "approved_by": address("grace"),
        }
        if entitlement is not None:
            message["entitlement"] = entitlement
        return json.dumps(message | more).encode()

    def answers(self, *answers: TicketAction, request_id: str | None = None) -> None:
        """What the agent does with the ticket of a request: the first action, and the next each time the ticket is reopened."""
        self.environment.ticket_worker.learn(request_id or self._scenario.name, self._scenario.name, answers)

    def send(self, *bodies: bytes) -> None:
        """Put messages on the intake queue, one after the other."""
        progress = self.environment.progress
        for body in bodies:
            progress.own(body, self._scenario.name)
            if (request_id := _id_of(body)) is not None:
                progress.own(request_id, self._scenario.name)
                if request_id not in self._record.request_ids:
                    self._record.request_ids.append(request_id)
        with self.environment.lock:
            self.environment.publish(bodies)

    def until(self, event: str, *, request_id: str | None = None, count: int = 1) -> AuditRow:
        """Wait for an event of a request, or for its ``count``-th. Raises ``UnexpectedOutcome`` when it does not come."""
        wanted = request_id or self.request_id

        def is_it(row: AuditRow) -> bool:
            return row.event == event and row.request_id == wanted

        row = self.environment.progress.wait_for(is_it, count=count, timeout=_WAIT_SECONDS)
        if row is None:
            raise UnexpectedOutcome(f"'{event}' of {wanted} did not happen within {_WAIT_SECONDS:g} seconds.")
        return row

    def until_rejected(self, text: str) -> None:
        """Wait until a message of this scenario is a dead letter whose reason holds ``text``."""

        def is_it(row: AuditRow) -> bool:
            return row.event == "message.rejected" and text in row.detail["reason"]

        if self.environment.progress.wait_for(is_it, count=1, timeout=_WAIT_SECONDS) is None:
            raise UnexpectedOutcome(f"No message was rejected with '{text}' within {_WAIT_SECONDS:g} seconds.")

    def ends(self, state: RequestState = RequestState.DONE, *, request_id: str | None = None) -> AuditRow:
        """Wait until a request is over. Raises ``UnexpectedOutcome`` when it ends in another state."""
        wanted = request_id or self.request_id

        def is_it(row: AuditRow) -> bool:
            entity, _, found = row.event.partition(".")
            return entity == "request" and row.request_id == wanted and is_final("request", found)

        row = self.environment.progress.wait_for(is_it, count=1, timeout=_WAIT_SECONDS)
        if row is None:
            raise UnexpectedOutcome(f"Request {wanted} was not over within {_WAIT_SECONDS:g} seconds.")
        self._record.state = row.event.partition(".")[2]
        if self._record.state != state:
            raise UnexpectedOutcome(
                f"Request {wanted} ended {self._record.state}, not {state}: {row.detail.get('reason', '')}"
            )
        return row

    def sees(self, what: str, check: Check, *, lasting: bool = True) -> None:
        """Check that the simulated systems show it; ``lasting`` checks again when all scenarios are over.

        Raises ``UnexpectedOutcome``.
        """
        if not check(self.environment.state()):
            raise UnexpectedOutcome(f"The simulator's own state does not show that {what}.")
        self.environment.progress.see(self._scenario.name, what)
        if lasting:
            self._lasting.append((what, check))

    def still_sees(self, state: SimulatorState) -> None:
        """Check again what was to last. Raises ``UnexpectedOutcome``."""
        for what, check in self._lasting:
            if not check(state):
                raise UnexpectedOutcome(f"At the end, the simulator's own state does not show that {what} any more.")


def _id_of(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found.get("id") if isinstance(found, dict) and "action" in found else None
