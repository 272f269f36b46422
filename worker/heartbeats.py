"""Whether the threads of a process still turn: each says so at the end of every turn, also of one that failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic


class Heartbeats:
    """The last beat of each thread, by its name. May be shared by threads."""

    def __init__(self, *, ticks: Callable[[], float] = monotonic) -> None:
        self._ticks = ticks
        self._last: dict[str, float] = {}

    def beat(self, name: str) -> None:
        """The thread of this name turns."""
        self._last[name] = self._ticks()

    def silent_for(self) -> Mapping[str, float]:
        """The seconds since the last beat of each thread that ever turned."""
        now = self._ticks()
        return {name: now - last for name, last in sorted(self._last.items())}
