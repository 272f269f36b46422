"""Memory and processor time of another process."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import psutil

_MB = 1024 * 1024
_EVERY_SECONDS = 0.05


def resident_mb(pid: int) -> float:
    """Its resident memory now (RSS), in MB."""
    return float(psutil.Process(pid).memory_info().rss) / _MB


def busy_seconds(pid: int) -> float:
    """Seconds of processor time it has used so far. Other work of the machine changes them less than the clock."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


class Peak:
    """The most resident memory of a process while the block ran."""

    def __init__(self, pid: int) -> None:
        self.mb = 0.0
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.mb = max(self.mb, self._process.memory_info().rss / _MB)
            if self._over.wait(_EVERY_SECONDS):
                return
