"""What complete snapshots show of claimed access: that it is missing, or back."""

from __future__ import annotations

from datetime import timedelta

from access.ledger import SeenBy
from access.snapshots import Snapshot
from store.unit_of_work import Store
from tasks import ledger


class SnapshotLooks:
    """Looks at each new snapshot once. Another process, or this one after a restart, finds nothing more in the same.

    ``visible_within`` is how long a service may go on showing a state from before a change.
    """

    def __init__(self, store: Store, *, visible_within: timedelta) -> None:
        self._store = store
        self._visible_within = visible_within
        self._seen: dict[str, str] = {}

    def turn(self) -> None:
        """Look at the snapshots that are new."""
        with self._store.read() as work:
            new = [each for each in work.ledger.snapshots() if self._seen.get(str(each.system)) != each.run_id]
        for snapshot in new:
            self._look(snapshot)
            self._seen[str(snapshot.system)] = snapshot.run_id

    def _look(self, snapshot: Snapshot) -> None:
        claimed_before = snapshot.began_at - self._visible_within
        with self._store.read() as work:
            missing = work.ledger.missing_in_snapshot(snapshot.system, claimed_before=claimed_before)
            back = work.ledger.back_in_snapshot(snapshot.system, lost_before=snapshot.began_at)
        # One access at a time: removals wait for none of this.
        for key in missing:
            with self._store.write(holding=key) as work:
                ledger.lost(work, key, seen_by=SeenBy.SNAPSHOT, now=snapshot.completed_at)
        for key in back:
            with self._store.write(holding=key) as work:
                ledger.found(work, key, now=snapshot.completed_at)
