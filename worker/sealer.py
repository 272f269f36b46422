"""The sealer: a thread that closes what was written to the audit trail, and notes the newest seal outside.

It has a thread of its own, since the place outside may be slow to answer, and a long trail takes minutes to seal the first time.
The same thread asks services now and then when our credentials end.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from time import monotonic

from store.unit_of_work import Store
from tasks.credential_ends import CredentialEnds
from tasks.sealing import Sealing
from worker.polling import PollingTurns
from worker.revision_check import RevisionCheck

#: Between two looks whether something is due.
_LOOK = timedelta(seconds=5)


class Sealer:
    """Looks every few seconds. Any number of processes may have one: the database decides whose turn it is."""

    def __init__(
        self,
        store: Store,
        sealing: Sealing,
        revision_check: RevisionCheck,
        *,
        credential_ends: CredentialEnds | None = None,
        look: timedelta = _LOOK,
    ) -> None:
        self._store = store
        self._sealing = sealing
        self._revision_check = revision_check
        self._credential_ends = credential_ends
        self._look = look
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch under way."""
        self._stop.set()
        self._sealing.stop()

    def join(self, until: float) -> None:
        """Wait for the turn under way until a moment of the monotonic clock: a turn may wait for a server that is silent."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, until - monotonic()))

    def turn(self) -> None:
        """Do what is due. Raises ``Unavailable``, ``OtherRevision`` when another version has migrated the store."""
        with self._store.read() as work:
            work.require_own_revision()
        self._sealing.turn()
        if self._credential_ends is not None:
            self._credential_ends.turn()

    def _run(self) -> None:
        turns = PollingTurns(self._revision_check, self._look)
        pause = self._look.total_seconds()
        while not self._revision_check.failed and not self._stop.wait(pause):
            pause = turns.carry_out(self.turn) or self._look.total_seconds()
