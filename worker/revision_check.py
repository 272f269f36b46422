"""Stops a process from beginning work in a store that another version of Provisor has migrated."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from store.unit_of_work import OtherRevision

_log = structlog.get_logger(__name__)


class RevisionCheck:
    """Whether this process may go on; after ``fail`` it takes nothing in and begins nothing until somebody ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed = False
        self._stop_consuming: Callable[[], None] | None = None

    @property
    def failed(self) -> bool:
        """Whether the store has another version's form."""
        return self._failed

    def on_failure(self, stop_consuming: Callable[[], None]) -> None:
        """Call this on failure, from whichever thread notices it. The newest callback counts."""
        with self._lock:
            self._stop_consuming = stop_consuming

    def fail(self, found: OtherRevision) -> None:
        """Say it in one log line, and stop consuming. Further calls do nothing."""
        with self._lock:
            if self._failed:
                return
            self._failed = True
            stop_consuming = self._stop_consuming
        _log.error("consumer.stopped", why=str(found), remedy="End this process, and start the newer version.")
        if stop_consuming is not None:
            stop_consuming()
