"""What has happened so far. Everything writes here; scenarios wait for it, and views show it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the store is heavy, and the first line is to appear at once
    from store.audit import AuditRow


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened in a scenario; ``at`` is in seconds since the start."""

    at: float
    scenario: str
    word: str
    text: str = ""


@dataclass(slots=True)
class ScenarioRecord:
    """What has happened in one scenario, times in seconds since the start. ``ok`` is None until the scenario is judged."""

    steps: list[str] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    began: float | None = None
    ended: float | None = None
    ok: bool | None = None
    seen: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    state: str | None = None


class Progress:
    """The progress of all scenarios. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._events: list[AuditRow] = []
        self._lines: list[Line] = []
        self._owners: dict[str | bytes, str] = {}
        self.records: dict[str, ScenarioRecord] = {}

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def own(self, key: str | bytes, scenario: str) -> None:
        """Remember to which scenario a request id belongs, or the body of a message that is no request."""
        with self._changed:
            self._owners[key] = scenario

    def owner(self, key: str | bytes) -> str | None:
        """The scenario that a request id or a body belongs to."""
        with self._changed:
            return self._owners.get(key)

    def note(self, scenario: str, word: str, text: str = "", *, ticket: str | None = None) -> None:
        """Something happened in a scenario; ``word`` becomes a step of it."""
        with self._changed:
            record = self.records[scenario]
            record.steps.append(word)
            if ticket and ticket not in record.tickets:
                record.tickets.append(ticket)
            self._lines.append(Line(self.elapsed(), scenario, word, text))

    def see(self, scenario: str, what: str) -> None:
        """Something was seen in the simulated systems themselves."""
        with self._changed:
            self.records[scenario].seen.append(what)
            self._lines.append(Line(self.elapsed(), scenario, "seen", what))

    def wrong(self, scenario: str, what: str) -> None:
        """An outcome was not the expected one."""
        with self._changed:
            self.records[scenario].problems.append(what)
            self._lines.append(Line(self.elapsed(), scenario, "NOT AS EXPECTED", what))

    def happened(self, row: AuditRow) -> None:
        """Provisor wrote a row of its audit trail."""
        with self._changed:
            self._events.append(row)
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[AuditRow], bool], *, timeout: float) -> AuditRow | None:
        """Wait for the first row that is wanted; None when there is none within ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: next(filter(wanted, self._events), None), timeout)

    def has_happened(self, event: str, request_id: str) -> bool:
        """Whether an event of a request has happened."""
        with self._changed:
            return any(row.event == event and row.request_id == request_id for row in self._events)

    def lines_from(self, number: int) -> list[Line]:
        """The lines after the first ``number``."""
        with self._changed:
            return self._lines[number:]
