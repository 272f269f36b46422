"""Digests: one summary of the open findings for each owner whom policy names, as an event, at most once a day."""

from __future__ import annotations

from datetime import timedelta

from access.clock import Clock
from store.unit_of_work import Store

#: Between two digests for one owner.
_APART = timedelta(days=1)

#: Held while digests are given, so that each is given once.
_DIGESTS = "digests of findings"

#: Numbers of findings that a digest names: the newest.
_NAMED = 20


class Digests:
    """Gives digests."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def tell(self) -> int:
        """Give a digest to each owner whose open findings are not those of the last one; how many were given."""
        now = self._clock.now()
        with self._store.read() as work:
            if not work.digests.owed(told_before=now - _APART):
                return 0
        with self._store.write(holding=_DIGESTS) as work:
            owed = work.digests.owed(told_before=now - _APART)
            for each in owed:
                work.digests.told(each, now=now)
                work.audit.record(
                    "findings.digest",
                    "owner",
                    each.owner,
                    now=now,
                    open=each.open,
                    kinds=dict(each.kinds),
                    oldest=None if each.oldest is None else each.oldest.isoformat(),
                    newest=list(each.numbers[:_NAMED]),
                )
        return len(owed)
