"""Notes the answers that one piece of work had from upstreams, as evidence of what it read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from httpclient.responses import Response


@dataclass(slots=True)
class NotedCalls:
    """The calls that were answered, each by the service's own id of the exchange where it gave one."""

    answers: list[str | None] = field(default_factory=list)

    @property
    def request_ids(self) -> list[str]:
        """The ids that the services gave."""
        return [each for each in self.answers if each is not None]


_NOTING: ContextVar[NotedCalls | None] = ContextVar("noted_calls", default=None)


@contextmanager
def noted_calls() -> Iterator[NotedCalls]:
    """The calls that are answered meanwhile in this context, and in the threads of a ``Fetcher`` that work for it."""
    notes = NotedCalls()
    token = _NOTING.set(notes)
    try:
        yield notes
    finally:
        _NOTING.reset(token)


def note_answer(answer: Response) -> None:
    """Note an answer for whoever notes calls now."""
    notes = _NOTING.get()
    if notes is not None:
        notes.answers.append(answer.trace_id)
