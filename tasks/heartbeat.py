"""The heartbeat: remembers when a process was last at work, and makes a plan of the ends that a jump of the clock brought about.

A clock that was set a year ahead while no process ran looks like a year in which none ran. Ends of claims within the first
days of it are kept as they were foreseen; what ended later is counted by the fuse, and a person approves the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from access.clock import Clock
from access.fuse import CLOCK, FuseLimits
from access.operations import Claim
from access.plans import Line, PlanKind
from access.reactions import Reaction
from store.plans import NUMBERS
from store.unit_of_work import Store, UnitOfWork
from tasks.plans import add_plan

_log = structlog.get_logger(__name__)

#: How long it is kept what the fuse counted: longer than every window, and than work waits for a fault. Who leaves once more
#: after that counts once more.
_COUNTED_FOR = timedelta(days=30)

#: So often it is noted that a process is at work.
_EVERY = timedelta(minutes=1)


class Heartbeat:
    """Notes that a process is at work."""

    def __init__(self, store: Store, clock: Clock, limits: FuseLimits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits

    def beat(self) -> None:
        """Note it, once a minute. After too long a time without any process, plan the ends that came in it."""
        now = self._clock.now()
        with self._store.read() as work:
            last = work.fuse.seen_at()
        if last is not None and abs(now - last) < _EVERY:
            return
        with self._store.write(holding=NUMBERS) as work:
            work.fuse.lock(CLOCK)
            last = work.fuse.seen_at()
            if last is not None and now > last + self._limits.absence:
                self._plan_ends(work, last, now)
            else:  # A clock that may have jumped makes nothing forgotten.
                work.fuse.forget_before(now - _COUNTED_FOR)
            work.fuse.see(now=now)

    def _plan_ends(self, work: UnitOfWork, last: datetime, now: datetime) -> None:
        ends = work.claims.ending_after(last + self._limits.absence, until=now)
        if not ends:
            return
        title = f"{len(ends):,} ends after {last:%Y-%m-%d %H:%M} UTC, when a process was last at work"
        reason = "its time is up, if the clock is right"
        lines = [_line(claim, reason) for claim in ends]
        plan = add_plan(work, PlanKind.CLOCK, title, lines, now=now, automatic=True)
        for claim in ends:
            work.claims.set(claim.id, due_at=None, dispatched_until=None)
        _log.warning("clock.jumped", plan_id=plan.id, ends=len(ends), last_seen_at=last)


def _line(claim: Claim, reason: str) -> Line:
    assert claim.account_id is not None, "an active claim has an account"
    return Line(
        reaction=Reaction.TAKE,
        system=claim.entitlement.system,
        account_id=claim.account_id,
        account_title=claim.account_title,
        title=claim.title,
        reason=reason,
        entitlement=claim.entitlement,
        claim_id=claim.id,
    )
