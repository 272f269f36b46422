"""Notes how a part was read: evidence that it is complete, kept with the part for certificates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from access.seals import written
from httpclient.noted_calls import NotedCalls, noted_calls

#: Ids of exchanges that are kept for a part: enough for the service's support desk to find the reading.
_KEPT_IDS = 20


@dataclass(slots=True)
class ReadingNotes:
    """How a part was read: how often, and of each list whose total the service told, that total and the rows that came."""

    calls: NotedCalls
    readings: int = 0
    totals: list[tuple[int, int]] = field(default_factory=list)

    def begin(self) -> None:
        """A reading begins: what was noted of lists that had shifted does not count."""
        self.readings += 1
        self.totals.clear()

    def facts(self, *, began_at: datetime, ended_at: datetime, agreed: bool) -> dict[str, Any]:
        """The notes as they are stored. ``agreed`` says that two readings showed the same."""
        ids = self.calls.request_ids
        return {
            "began_at": written(began_at),
            "ended_at": written(ended_at),
            "calls": len(self.calls.answers),
            "readings": self.readings,
            "two_agreed": agreed,
            "totals": [{"said": said, "came": came} for said, came in self.totals],
            "request_ids": ids[-_KEPT_IDS:],
        }


_NOTES: ContextVar[ReadingNotes | None] = ContextVar("reading_notes", default=None)


@contextmanager
def reading_notes() -> Iterator[ReadingNotes]:
    """Notes of what is read meanwhile in this context, and in threads that work for it."""
    with noted_calls() as calls:
        notes = ReadingNotes(calls)
        token = _NOTES.set(notes)
        try:
            yield notes
        finally:
            _NOTES.reset(token)


def note_total(said: int, came: int) -> None:
    """Note the total that a service told of a list which was read whole, and how many rows came."""
    notes = _NOTES.get()
    if notes is not None:
        notes.totals.append((said, came))
