"""Turns of a thread that polls the store. The thread outlives every fault of a turn, and ends at another revision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from store.unit_of_work import OtherRevision, Unavailable
from worker.revision_check import RevisionCheck

_log = structlog.get_logger(__name__)

#: After so many looks that found nothing the store is looked at once in so many polls.
QUIET_AFTER, QUIET_POLLS = 25, 5

#: The longest pause between two turns that fail, so that the log does not fill.
_LONGEST_PAUSE_SECONDS = 5.0


class PollingTurns:
    """Carries turns out. Faults are logged, and the pause after each doubles from ``poll``. ``beat`` is called after each."""

    def __init__(
        self, revision_check: RevisionCheck, poll: timedelta, *, beat: Callable[[], None] = lambda: None
    ) -> None:
        self._beat = beat
        self._revision_check = revision_check
        self._poll = self._pause = poll.total_seconds()

    def carry_out(self, turn: Callable[[], None]) -> float | None:
        """Take a turn; the pause before the next in seconds, when this one failed."""
        try:
            turn()
            self._pause = self._poll
        except OtherRevision as found:
            self._revision_check.fail(found)
        except Exception as exc:  # noqa: BLE001 - the thread outlives every fault of a turn
            self._pause = min(_LONGEST_PAUSE_SECONDS, self._pause * 2)
            if isinstance(exc, Unavailable):
                _log.warning("sweep.postponed", why=str(exc))
            else:
                _log.exception("sweep.error")
            return self._pause
        finally:
            self._beat()
        return None
