"""What a scene can do: send messages to the intake queue, wait for what becomes of them, and see what is really so."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from access.lifecycle import RequestState, is_final
from demo.board import Board
from demo.clerk import Clerk, Response
from demo.simulators import Simulator
from demo.truth import Truth
from demo.world import address

if TYPE_CHECKING:  # the store is heavy, and the curtain is to rise at once
    from store.audit import AuditRow

#: No scene takes longer than this by far; one that does has gone wrong.
_PATIENCE_SECONDS = 25.0

Check = Callable[[Truth], bool]


class Surprise(Exception):  # noqa: N818 - what makes a scene fail, told in its summary
    """Something did not come out as expected."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing to show: what is sent, what is expected of it, and how it is played.

    ``alone_until`` is the event that the scenes after it wait for: what it breaks is then met by nobody else.
    """

    name: str
    title: str
    expected: str
    play: Callable[[Stage], None]
    alone_until: str | None = None


@dataclass(frozen=True, slots=True)
class Theatre:
    """What all scenes share. ``publish`` puts bodies on the intake queue."""

    board: Board
    publish: Callable[[Sequence[bytes]], None]
    jumpcloud: Simulator
    jira: Simulator
    clerk: Clerk
    lock: threading.Lock = field(default_factory=threading.Lock)

    def truth(self) -> Truth:
        """What the simulated systems hold now."""
        return Truth(self.jumpcloud.state(), self.jira.state())


class Stage:
    """One scene's view of the theatre."""

    def __init__(self, scene: Scene, theatre: Theatre) -> None:
        self.theatre = theatre
        self._scene = scene
        self._standing = theatre.board.standings[scene.name]
        self._lasting: list[tuple[str, Check]] = []

    @property
    def request_id(self) -> str:
        """The id of the scene's first request."""
        return self._standing.request_ids[0]

    def request(self, action: str, person: str, entitlement: str | None = None, **more: Any) -> bytes:
        """The body of a request for one of the people, under the scene's name as its id unless ``id`` is given."""
        message = {
            "id": self._scene.name,
            "action": action,
            "subject": {"email": address(person)},
            "reason": self._scene.title,
            "requested_by": address(person),
            "approved_by": address("grace"),
        }
        if entitlement is not None:
            message["entitlement"] = entitlement
        return json.dumps(message | more).encode()

    def answers(self, *answers: Response, request_id: str | None = None) -> None:
        """What the agent will do with the ticket of a request: the first answer, and the next each time it is reopened."""
        self.theatre.clerk.learn(request_id or self._scene.name, self._scene.name, answers)

    def send(self, *bodies: bytes) -> None:
        """Put messages on the intake queue, one after the other."""
        board = self.theatre.board
        for body in bodies:
            board.own(body, self._scene.name)
            if (request_id := _id_of(body)) is not None:
                board.own(request_id, self._scene.name)
                if request_id not in self._standing.request_ids:
                    self._standing.request_ids.append(request_id)
        with self.theatre.lock:
            self.theatre.publish(bodies)

    def until(self, event: str, *, request_id: str | None = None, count: int = 1) -> AuditRow:
        """Wait for an event of a request, or for its ``count``-th. Raises ``Surprise`` when it does not come."""
        wanted = request_id or self.request_id

        def is_it(row: AuditRow) -> bool:
            return row.event == event and row.request_id == wanted

        row = self.theatre.board.wait_for(is_it, count=count, timeout=_PATIENCE_SECONDS)
        if row is None:
            raise Surprise(f"'{event}' of {wanted} did not happen within {_PATIENCE_SECONDS:g} seconds.")
        return row

    def until_rejected(self, text: str) -> None:
        """Wait until a message of this scene is a dead letter whose reason holds ``text``."""

        def is_it(row: AuditRow) -> bool:
            return row.event == "message.rejected" and text in row.detail["reason"]

        if self.theatre.board.wait_for(is_it, count=1, timeout=_PATIENCE_SECONDS) is None:
            raise Surprise(f"No message was rejected with '{text}' within {_PATIENCE_SECONDS:g} seconds.")

    def ends(self, state: RequestState = RequestState.DONE, *, request_id: str | None = None) -> AuditRow:
        """Wait until a request is over. Raises ``Surprise`` when it ends in another state."""
        wanted = request_id or self.request_id

        def is_it(row: AuditRow) -> bool:
            entity, _, found = row.event.partition(".")
            return entity == "request" and row.request_id == wanted and is_final("request", found)

        row = self.theatre.board.wait_for(is_it, count=1, timeout=_PATIENCE_SECONDS)
        if row is None:
            raise Surprise(f"Request {wanted} was not over within {_PATIENCE_SECONDS:g} seconds.")
        self._standing.state = row.event.partition(".")[2]
        if self._standing.state != state:
            raise Surprise(
                f"Request {wanted} ended {self._standing.state}, not {state}: {row.detail.get('reason', '')}"
            )
        return row

    def sees(self, what: str, check: Check, *, lasting: bool = True) -> None:
        """See in the simulated systems that it is so; ``lasting`` looks again when all scenes are over."""
        if not check(self.theatre.truth()):
            raise Surprise(f"The simulator's own state does not show that {what}.")
        self.theatre.board.see(self._scene.name, what)
        if lasting:
            self._lasting.append((what, check))

    def still_sees(self, truth: Truth) -> None:
        """Look again at what was to last. Raises ``Surprise``."""
        for what, check in self._lasting:
            if not check(truth):
                raise Surprise(f"At the end, the simulator's own state does not show that {what} any more.")


def _id_of(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found.get("id") if isinstance(found, dict) and "action" in found else None
