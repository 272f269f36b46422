"""Answers to reads that serve more than one reader: those of one moment's work, and those who are content with a recent one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from httpclient.responses import Response

#: How many recent answers a client keeps.
_MOST_KEPT = 1000


@dataclass(slots=True)
class _Moment:
    """What was read in a moment of work. ``anew``: answers from before it serve nobody."""

    anew: bool
    answers: dict[Hashable, Response] = field(default_factory=dict)


_MOMENT: ContextVar[_Moment | None] = ContextVar("moment_of_reads", default=None)


@contextmanager
def shared_reads(*, anew: bool = False) -> Iterator[None]:
    """What is read in this block, in this context, is read once: the same read again has the same answer, until a write.

    With ``anew`` no answer from before the block will do, however old an answer the reader would be content with.
    """
    token = _MOMENT.set(_Moment(anew))
    try:
        yield
    finally:
        _MOMENT.reset(token)


def read_again() -> None:
    """Let nothing that was read so far serve any more in this block."""
    moment = _MOMENT.get()
    if moment is not None:
        moment.answers.clear()


class KeptAnswers:
    """The answers that one client's reads had lately, for all its lanes. Only good ones are kept (200 to 299)."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[datetime, Response]] = OrderedDict()
        self._lock = threading.Lock()

    def answer(
        self, key: Hashable, read: Callable[[], Response], *, at_most_old: timedelta | None, now: datetime
    ) -> Response:
        """The answer to a read: of this moment, or ``at_most_old``, else what ``read`` returns now. Raises what it raises."""
        moment = _MOMENT.get()
        shared = None if moment is None else moment.answers.get((id(self), key))
        if shared is not None:
            return shared
        if at_most_old is not None and not (moment is not None and moment.anew):
            recent = self._recent(key, now - at_most_old)
            if recent is not None:
                return recent
        found = read()
        if at_most_old is not None and found.status < HTTPStatus.MULTIPLE_CHOICES:
            found = replace(found, on_misread=partial(self._drop, key))
            self._keep(key, found, now)
        if moment is not None:
            moment.answers[id(self), key] = found
        return found

    def forget(self) -> None:
        """Keep nothing of before: another credential may see other things."""
        with self._lock:
            self._kept.clear()

    def _drop(self, key: Hashable) -> None:
        """Forget an answer that was none: a gateway's page says 200, too."""
        with self._lock:
            self._kept.pop(key, None)

    def _recent(self, key: Hashable, since: datetime) -> Response | None:
        with self._lock:
            kept = self._kept.get(key)
        return kept[1] if kept is not None and kept[0] >= since else None

    def _keep(self, key: Hashable, answer: Response, read_at: datetime) -> None:
        with self._lock:
            self._kept[key] = (read_at, answer)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
