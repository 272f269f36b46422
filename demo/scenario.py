"""One scenario: sends messages to the intake queue, waits for their outcomes, and checks the simulators' own state."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from access.lifecycle import RequestState, is_final
from demo.company import address
from demo.patience import Patience
from demo.progress import Progress
from demo.simulator_state import SimulatorState, place_of
from demo.simulators import Simulator
from demo.ticket_worker import TicketAction, TicketWorker

if TYPE_CHECKING:  # the store is heavy, and the first line is to appear at once
    from store.audit import AuditRow

#: The longest wait for one event, in seconds of a quiet machine; good runs need a fraction.
WAIT_SECONDS = 25.0

_LOOK_SECONDS = 1.0

Check = Callable[[SimulatorState], bool]


class UnexpectedOutcome(Exception):  # noqa: N818 - makes a scenario fail, and stands in its summary
    """An outcome was not the expected one."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request to show. Scenarios after it wait for ``alone_until``, so that nobody else meets what it breaks."""

    name: str
    title: str
    expected: str
    steps: Callable[[ScenarioRun], None]
    alone_until: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """What all scenarios share. ``publish`` puts bodies on the intake queue, ``take_snapshots`` has both systems read."""

    progress: Progress
    publish: Callable[[Sequence[bytes]], None]
    take_snapshots: Callable[[], None]
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

    def answers(self, *answers: TicketAction) -> None:
        """What the agent does with the ticket: the first action, and the next each time the ticket is reopened."""
        self.environment.ticket_worker.learn(self._scenario.name, answers)

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

    def until(self, event: str, *, request_id: str | None = None) -> None:
        """Wait for an event of a request. Raises ``UnexpectedOutcome`` when it does not come."""
        wanted = request_id or self.request_id
        self._wait_for(
            lambda row: row.event == event and row.request_id == wanted, f"'{event}' of {wanted} did not happen"
        )

    def until_told(self, what: str, wanted: Callable[[AuditRow], bool]) -> AuditRow:
        """Wait for a row of the audit trail that is about no request, and show ``what``."""
        row = self._wait_for(wanted, f"It did not come to this: {what}")
        self.environment.progress.note(self._scenario.name, "says", what)
        return row

    def until_rejected(self, text: str) -> None:
        """Wait until a message of this scenario is a dead letter whose reason holds ``text``."""
        self._wait_for(
            lambda row: row.event == "message.rejected" and text in row.detail["reason"],
            f"No message was rejected with '{text}'",
        )

    def ends(
        self, state: RequestState = RequestState.DONE, *, request_id: str | None = None, because: str = ""
    ) -> None:
        """Wait until a request is over. Raises ``UnexpectedOutcome`` for another state, or a reason without ``because``."""
        wanted = request_id or self.request_id

        def is_over(row: AuditRow) -> bool:
            entity, _, found = row.event.partition(".")
            return entity == "request" and row.request_id == wanted and is_final("request", found)

        row = self._wait_for(is_over, f"Request {wanted} was not over")
        self._record.state, reason = row.event.partition(".")[2], row.detail.get("reason", "")
        if self._record.state != state:
            raise UnexpectedOutcome(f"Request {wanted} ended {self._record.state}, not {state}: {reason}")
        if because not in reason:
            raise UnexpectedOutcome(f"The reason does not say '{because}': {reason}")

    def _wait_for(self, wanted: Callable[[AuditRow], bool], otherwise: str) -> AuditRow:
        patience = Patience(WAIT_SECONDS)
        while (row := self.environment.progress.wait_for(wanted, timeout=_LOOK_SECONDS)) is None:
            if not patience.lasts():
                raise UnexpectedOutcome(f"{otherwise} in time.")
        return row

    def sees_access(self, person: str, entitlement: str, *, held: bool = True, lasting: bool = True) -> None:
        """Check that a person holds an entitlement, or does not, as ``sees`` does."""
        what = f"{person.title()} is {'' if held else 'not '}in {place_of(entitlement)}"
        self.sees(what, lambda state: state.holds(person, entitlement) is held, lasting=lasting)

    def sees(self, what: str, check: Check, *, lasting: bool = True) -> None:
        """Check what the simulated systems show, once more at the end if ``lasting``. Raises ``UnexpectedOutcome``."""
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
