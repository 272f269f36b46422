"""Counts commits of transactions that wrote something."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Connection, Engine, event

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE"})


class CommitCounter:
    """Counts the commits that wrote; a commit that wrote nothing costs the disk nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def listen(self, engine: Engine) -> None:
        """Count the commits of this engine from now on."""
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", self._commit)
        event.listen(engine, "rollback", self._rollback)

    @property
    def count(self) -> int:
        with self._lock:
            return self._count

    @staticmethod
    def _statement(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement[:6] in _WRITES:
            connection.info["benchmark_wrote"] = True

    def _commit(self, connection: Connection) -> None:
        if connection.info.pop("benchmark_wrote", False):
            with self._lock:
                self._count += 1

    @staticmethod
    def _rollback(connection: Connection) -> None:
        connection.info.pop("benchmark_wrote", None)
