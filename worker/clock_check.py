"""Keeps the clock of a process by the database's, and says when the machine's own is off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog

from access.clock import MeasuredClock

_log = structlog.get_logger(__name__)

#: Between two measures, and between those of a jump.
_PERIOD_SECONDS = 10.0
_JUMP_PERIOD_SECONDS = 1.0

#: A machine's clock that is off by more is said.
_OFF = timedelta(seconds=1)


def own_clock_ahead(clock: MeasuredClock) -> timedelta:
    """How far this machine's clock is ahead of the shared one."""
    return datetime.now(UTC) - clock.now()


def is_off(ahead: timedelta) -> bool:
    """Whether a machine's clock is off by so much that somebody should set it."""
    return abs(ahead) > _OFF


class ClockCheck:
    """Measures a clock from time to time. Not for several threads."""

    def __init__(self, clock: MeasuredClock) -> None:
        self._clock = clock
        self._next = monotonic() + _PERIOD_SECONDS
        self._off = False
        self._say_whether_off()

    def turn(self) -> None:
        """Measure when it is time. Raises ``Unavailable``."""
        if monotonic() < self._next:
            return
        was_steady = self._clock.steady
        ahead = self._clock.measure()
        if was_steady and not self._clock.steady:
            why = f"the database's clock differs by {ahead.total_seconds():.1f} s from what it was; nothing ends meanwhile"
            _log.error("clock.jumped", why=why)
        elif not was_steady and self._clock.steady:
            _log.warning("clock.steady", why="two measures agree; access ends by the new time")
        self._next = monotonic() + (_PERIOD_SECONDS if self._clock.steady else _JUMP_PERIOD_SECONDS)
        self._say_whether_off()

    def _say_whether_off(self) -> None:
        """One log line for each time that the machine's clock leaves the database's."""
        ahead = own_clock_ahead(self._clock)
        if is_off(ahead) and not self._off:
            _log.warning(
                "clock.off", seconds=round(ahead.total_seconds(), 1), remedy="Set this machine's clock by NTP."
            )
        self._off = is_off(ahead)
