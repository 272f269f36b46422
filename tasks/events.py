"""Events: gives them their positions, forgets old ones, and gives notice before claims end."""

from __future__ import annotations

from datetime import datetime, timedelta

from access.clock import Clock
from access.durations import iso
from access.lifecycle import ClaimState
from access.methods import Direction
from access.operations import Claim
from access.policy import Policy
from store.events import PLACING
from store.unit_of_work import Store

#: Events that are forgotten in one transaction.
_FORGOTTEN_AT_ONCE = 1000


def place(store: Store) -> int:
    """Give positions to the events that are committed, so that those who follow see them; how many got one."""
    with store.read() as work:
        if not work.events.any_unplaced():
            return 0
    placed = 0
    while True:
        with store.write(holding=PLACING) as work:
            now_placed = work.events.place()
        placed += now_placed
        if now_placed == 0:
            return placed


def forget(store: Store, clock: Clock, *, older_than: timedelta) -> int:
    """Delete events that were kept long enough, some at a time; how many."""
    with store.write() as work:
        work.require_own_revision()
        return work.events.forget(before=clock.now() - older_than, limit=_FORGOTTEN_AT_ONCE)


class Notices:
    """Gives notice before claims end, as the rule of their entitlement says: each notice once for each claim and end."""

    def __init__(self, store: Store, clock: Clock, policy: Policy) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        #: Up to when this process has looked for these rules. The store knows which notices were given.
        self._looked_at: datetime | None = None
        self._rules: object = None

    def turn(self) -> int:
        """Give the notices whose time has come; how many. What came while nobody looked is given late, before the end."""
        now, rules = self._clock.now(), self._policy.rules
        looked_at = self._looked_at if rules is self._rules else None
        given = 0
        for before in {each for rule in rules for each in rule.notice_before}:
            after = now if looked_at is None else looked_at + before
            with self._store.read() as work:
                ending = work.claims.ending_within(after, now + before)
            for claim in ending:
                given += self._give(claim, before, now=now)
        self._looked_at, self._rules = now, rules
        return given

    def _give(self, claim: Claim, before: timedelta, *, now: datetime) -> int:
        rule = self._policy.rule_for(claim.entitlement, claim.named, direction=Direction.GIVE)
        if rule is None or before not in rule.notice_before:
            return 0
        with self._store.write(holding=claim.access_key) as work:
            current = work.claims.get(claim.id)
            if current is None or not _is_due(current, before, now=now):
                return 0
            assert current.ends_at is not None
            seconds = before.total_seconds()
            if work.events.was_noticed(current.id, current.ends_at, seconds):
                return 0
            work.events.give_notice(current.id, current.ends_at, seconds, now=now)
            work.audit.record(
                "claim.ends_soon",
                "claim",
                current.id,
                now=now,
                request_id=current.request_id,
                ends_at=current.ends_at.isoformat(),
                before=iso(before),
                account=current.account_id,
                account_title=current.account_title,
                entitlement=str(current.entitlement),
                title=current.title,
            )
        return 1


def _is_due(claim: Claim, before: timedelta, *, now: datetime) -> bool:
    """Whether the claim stands, and ends after the notice's moment, which is within its time."""
    if claim.state is not ClaimState.ACTIVE or claim.ends_at is None or claim.starts_at is None:
        return False
    return claim.starts_at <= claim.ends_at - before <= now < claim.ends_at
