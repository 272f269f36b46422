"""Revokes beyond what the fuse lets one producer ask for: they go on one by one, until a person lets the rest begin or drops it.

A revoke that takes what a grant of the same producer gave, and one that came by command line or from a plan, is never counted.
"""

from __future__ import annotations

from datetime import datetime

from access import actors
from access.clock import Clock
from access.fuse import is_counted, producer_scope, turn_of
from access.lifecycle import RequestState
from access.methods import Direction
from access.operations import Request
from store.alarms import AlarmKind
from store.unit_of_work import Store, UnitOfWork
from tasks.decisions import NotPossible
from tasks.faults import begin_alarm
from tasks.revocation import withdraw
from tasks.services import Services

#: Requests that are called back in one commit.
_AT_ONCE = 50


def hold_if_too_many(services: Services, request: Request) -> bool:
    """Count a request that takes access away, and put it back when it is not its turn yet; whether it was put back."""
    if request.state is RequestState.BLOCKED or not _counts(services.store, request):
        return False
    now, limits = services.clock.now(), services.fuse
    scope = producer_scope(request.source)
    with services.store.write() as work:
        work.fuse.lock(scope)
        at = work.fuse.begins_at(scope, request.id)
        if at is None:
            begun = work.fuse.begun(scope, since=now - limits.revokes.window)
            at = turn_of(begun, limit=limits.revokes, pace=limits.pace, now=now)
            work.fuse.count(scope, [request.id], at=at)
        if at <= now:
            return False
        why = f"The fuse holds it: {request.source} asked for more than {limits.revokes.at_least} removals at once."
        work.requests.postpone(request, until=at, now=now, reason=why, tried=False, begun_at=at)
        begin_alarm(
            work,
            AlarmKind.HELD,
            "producer",
            request.source,
            what=f"{request.source} asks for more removals than the fuse lets begin at once: the rest goes on one by one.",
            remedy=f"Use 'provisor requests release {request.source}', or 'provisor requests drop {request.source}'.",
            now=now,
        )
    return True


def _counts(store: Store, request: Request) -> bool:
    message = request.message
    if message.action.direction is Direction.GIVE or not is_counted(request.source):
        return False
    if message.claim_of is None:
        return True
    with store.read() as work:
        grant = work.requests.get(message.claim_of)
    return grant is None or grant.source != request.source


class HeldRevokes:
    """What a person decides about the held revokes of a producer; ``by`` names who. Both raise ``NotPossible``."""

    def __init__(self, store: Store, clock: Clock, *, by: str) -> None:
        self._store = store
        self._clock = clock
        self._by = by

    def release(self, source: str, *, reason: str) -> int:
        """Let all of them begin now; how many."""
        now, scope = self._clock.now(), producer_scope(source)
        with self._store.write() as work:
            held = self._held(work, source, now)
            work.fuse.let_begin(scope, now=now)
            for request_id in held:
                request = work.requests.get(request_id)
                if request is not None and request.state in _UNDECIDED:
                    work.requests.set(request_id, due_at=now, dispatched_until=None)
                    self._record(work, "request.released", request_id, reason, now=now)
        return len(held)

    def drop(self, source: str, *, reason: str) -> int:
        """Call all of them back; how many."""
        dropped = 0
        while True:
            now, scope = self._clock.now(), producer_scope(source)
            with self._store.write() as work:
                held = self._held(work, source, now, at_least=0 if dropped else 1, limit=_AT_ONCE)
                for request_id in held:
                    withdraw(work, request_id, why=f"{self._by}: {reason}", now=now)
                    self._record(work, "request.cancelled", request_id, reason, now=now)
                work.fuse.forget(scope, held)
            dropped += len(held)
            if len(held) < _AT_ONCE:
                return dropped

    def _held(
        self, work: UnitOfWork, source: str, now: datetime, *, at_least: int = 1, limit: int | None = None
    ) -> list[str]:
        scope = producer_scope(source)
        work.fuse.lock(scope)
        held = work.fuse.held(scope, now=now, limit=limit)
        if len(held) < at_least:
            raise NotPossible(
                "The fuse holds no removals that it asked for.", "See 'provisor alarms' for what is held."
            )
        return list(held)

    def _record(self, work: UnitOfWork, event: str, request_id: str, reason: str, *, now: datetime) -> None:
        work.audit.record(
            event, "request", request_id, now=now, request_id=request_id, actor=actors.operator(self._by), reason=reason
        )


_UNDECIDED = (RequestState.RECEIVED, RequestState.PLANNED)
