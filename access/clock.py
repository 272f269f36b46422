"""The clock is handed in, so that tests of expiry can move the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol

#: A measure that differs from the clock by more is a jump, and counts when a second measure agrees with it.
JUMP = timedelta(seconds=5)

#: Two measures of a jump agree within this.
_AGREEMENT = timedelta(seconds=1)


class Clock(Protocol):
    """The source of every ``now``."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class MeasuredClock:
    """One clock for all processes: the time of a source that they share, and the monotonic time since it was asked.

    ``ask`` returns the source's time, aware, in UTC, and may raise; the midpoint of the call counts as its moment. The first
    measure is made at once. A jump stands against the clock until a second measure agrees with it: ``steady`` is False
    meanwhile, and nothing should end by this clock.
    """

    def __init__(self, ask: Callable[[], datetime], *, ticks: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._ticks = ticks
        #: The time at tick zero.
        self._zero = self._measured()
        self._jumped: datetime | None = None

    @property
    def steady(self) -> bool:
        """Whether the last measure agreed with the clock."""
        return self._jumped is None

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self._zero + timedelta(seconds=self._ticks())

    def measure(self) -> timedelta:
        """Ask the source; how far its time is ahead of the clock's. Raises what ``ask`` raises."""
        zero = self._measured()
        ahead = zero - self._zero
        agrees = self._jumped is not None and abs(zero - self._jumped) <= _AGREEMENT
        if abs(ahead) <= JUMP or agrees:
            self._zero, self._jumped = zero, None
        else:
            self._jumped = zero
        return ahead

    def _measured(self) -> datetime:
        begun = self._ticks()
        theirs = self._ask()
        return theirs - timedelta(seconds=(begun + self._ticks()) / 2)


class ManualClock:
    """A clock that stands still until it is moved: for tests and rehearsals."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The moment that the clock was last moved to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward by ``by``."""
        self._now += by
