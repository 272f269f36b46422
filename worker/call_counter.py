"""Counts calls by system, for runs of sync and for benchmarks."""

from __future__ import annotations

import threading
from collections import Counter

from access.entitlements import System


class CallCounter:
    """The calls that this process has made to each system for one purpose."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()

    def __call__(self, system: str, method: str, route: str, status: int | None, seconds: float) -> None:
        """Count one exchange: an observer of ``httpclient``."""
        del method, route, status, seconds
        with self._lock:
            self._calls[system] += 1

    def made(self, system: System) -> int:
        """Calls made so far."""
        with self._lock:
            return self._calls[str(system)]

    def by_system(self) -> dict[str, int]:
        """Calls made so far to each system."""
        with self._lock:
            return dict(self._calls)
