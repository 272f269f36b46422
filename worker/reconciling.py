"""Reconciliation beside the scheduler: it may take seconds, and nothing else may wait for it."""

from __future__ import annotations

import threading

import structlog

from store.unit_of_work import OtherRevision, Unavailable
from tasks.reconciliation import Reconciliation

_log = structlog.get_logger(__name__)


class Reconciling:
    """Compares snapshots in a thread of its own, one after the other."""

    def __init__(self, reconciliation: Reconciliation) -> None:
        self._reconciliation = reconciliation
        self._thread: threading.Thread | None = None

    def begin_due(self) -> None:
        """Begin when a snapshot was not compared yet, unless that is under way. Raises ``Unavailable``."""
        if (self._thread is not None and self._thread.is_alive()) or not self._reconciliation.due():
            return
        self._thread = threading.Thread(target=self._run, name="reconciliation", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._reconciliation.run_due()
        except (Unavailable, OtherRevision) as exc:
            _log.warning("reconciliation.postponed", why=str(exc))
        except Exception:  # noqa: BLE001 - it is begun again, and the thread must leave its traceback
            _log.exception("reconciliation.error")
