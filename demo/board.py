"""What has happened so far: written by all, read by the scenes that wait and by the views that show it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the store is heavy, and the curtain is to rise at once
    from store.audit import AuditRow


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened in a scene; ``at`` is in seconds since the curtain rose."""

    at: float
    scene: str
    word: str
    text: str = ""


@dataclass(slots=True)
class Standing:
    """How a scene stands. ``ok`` is None until it is judged."""

    steps: list[str] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    began: float | None = None
    ended: float | None = None
    ok: bool | None = None
    seen: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    state: str | None = None


class Board:
    """The one place for all that; every method may be called from any thread."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._events: list[AuditRow] = []
        self._lines: list[Line] = []
        self._owners: dict[str | bytes, str] = {}
        self.standings: dict[str, Standing] = {}

    def elapsed(self) -> float:
        """Seconds since the board was set up."""
        return time.monotonic() - self._began

    def own(self, key: str | bytes, scene: str) -> None:
        """Say which scene a request id, or the body of a message that is none, belongs to."""
        with self._changed:
            self._owners[key] = scene

    def owner(self, key: str | bytes) -> str | None:
        """The scene that a request id or a body belongs to."""
        with self._changed:
            return self._owners.get(key)

    def note(self, scene: str, word: str, text: str = "", *, ticket: str | None = None) -> None:
        """Something happened in a scene; ``word`` becomes a step of it."""
        with self._changed:
            standing = self.standings[scene]
            standing.steps.append(word)
            if ticket and ticket not in standing.tickets:
                standing.tickets.append(ticket)
            self._lines.append(Line(self.elapsed(), scene, word, text))

    def see(self, scene: str, what: str) -> None:
        """A scene saw something in the simulated systems themselves."""
        with self._changed:
            self.standings[scene].seen.append(what)
            self._lines.append(Line(self.elapsed(), scene, "seen", what))

    def wrong(self, scene: str, what: str) -> None:
        """Something came out otherwise than expected."""
        with self._changed:
            self.standings[scene].problems.append(what)
            self._lines.append(Line(self.elapsed(), scene, "NOT AS EXPECTED", what))

    def happened(self, row: AuditRow) -> None:
        """Provisor wrote a row of its audit trail."""
        with self._changed:
            self._events.append(row)
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[AuditRow], bool], *, count: int, timeout: float) -> AuditRow | None:
        """The ``count``-th event that is wanted, once it has happened; None when it does not in time (seconds)."""

        def found() -> AuditRow | None:
            rows = [row for row in self._events if wanted(row)]
            return rows[count - 1] if len(rows) >= count else None

        with self._changed:
            return self._changed.wait_for(found, timeout)

    def has_happened(self, event: str, request_id: str) -> bool:
        """Whether an event of a request has happened."""
        with self._changed:
            return any(row.event == event and row.request_id == request_id for row in self._events)

    def lines_from(self, number: int) -> list[Line]:
        """The lines after the first ``number``."""
        with self._changed:
            return self._lines[number:]
