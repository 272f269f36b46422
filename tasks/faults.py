"""Faults that several pieces of work meet: who waits for what, who tests whether it is over, and how all go on.

Work that meets a fault alone is tried again by itself, with growing waits. Once the fault is shared, whatever would meet it
waits in one line: each row has a time of its own at which it tests the fault, a minute after the one before it. A test that
fails goes to the end of the line. Any success ends the fault for all: removals go on first, then the oldest.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from access.clock import Clock
from access.entitlements import EntitlementRef
from access.failures import CredentialRefused, Failure, Permanent, Transient
from access.faults import Fault, FaultKey, Pauses, Phase, Scope, is_alarming, is_shared, turn_pause
from access.ledger import Cause, cause_of
from access.methods import Direction, Method
from access.operations import Lane, Operation, Request
from store.alarms import AlarmKind
from store.outbox import Topic
from store.unit_of_work import Store, UnitOfWork
from tasks.own_faults import OwnFault, Race

_log = structlog.get_logger(__name__)

#: How long a process uses the faults that it last read.
_READ_EVERY = timedelta(seconds=1)

#: A call that was answered within this time shows that its fault is not shared.
_JUST_NOW = timedelta(seconds=5)

#: Scopes in which one success says something about everybody's calls.
_WIDE = (Scope.SYSTEM, Scope.CREDENTIAL, Scope.PERMISSION)

#: The place of calls that make and follow tickets.
TICKETING = "ticketing"

#: Somebody else changes the same thing; too many calls, which is the rate budget's matter.
_BUSY, _TOO_MANY = frozenset({409, 423, 425}), 429
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Row:
    """A request or an operation as faults see it: what it calls, for whom, and in which order of service.

    ``changing`` is what it is to do by API; None for what only reads, or asks a person. ``project`` is where its ticket is to be
    made; empty where there is one that is followed. ``due_at`` is when this try was due.
    """

    topic: Topic
    ref: str
    subject: str
    lane: Lane
    place: str
    entitlement: EntitlementRef
    changing: Direction | None = None
    project: str = ""
    due_at: datetime | None = None

    @classmethod
    def of_request(cls, request: Request) -> Row:
        """A request that is to be planned."""
        asked = request.message.entitlement_ref
        who = str(request.message.who)
        return cls(Topic.REQUEST, request.id, who, request.lane, str(asked.system), asked, due_at=request.due_at)

    @classmethod
    def of_operation(cls, operation: Operation) -> Row:
        """An operation that is to be carried out by API, or looked at."""
        changing = operation.direction if operation.via is Method.CONNECTOR else None
        return cls(
            Topic.OPERATION,
            operation.id,
            operation.account_id or operation.email or operation.account_title,
            operation.lane,
            str(operation.system),
            operation.entitlement,
            changing,
            due_at=operation.due_at,
        )

    @classmethod
    def of_ticket(cls, operation: Operation) -> Row:
        """An operation whose ticket is followed: to read tickets may fail where making them does not, and the other way."""
        return replace(cls.of_operation(operation), place=TICKETING, changing=None)

    def key(self, scope: Scope, phase: Phase) -> FaultKey:
        """The fault of this scope that the row may meet."""
        match scope:
            case Scope.SYSTEM | Scope.CREDENTIAL:
                name = str(phase)
            case Scope.PERMISSION:
                doing = self.changing if phase is Phase.WRITE else phase
                name = f"{doing} {self.entitlement.kind}"
                # The roles of each project are administered by themselves.
                name += f" {self.entitlement.path[0]}" if len(self.entitlement.path) > 1 else ""
            case Scope.PROJECT:
                name = self.project
            case Scope.ENTITLEMENT:
                name = f"{phase} {self.entitlement}"
            case Scope.OWN:
                name = f"{self.topic} {self.ref}"
        return FaultKey(self.place, scope, name)

    def keys(self, *phases: Phase) -> frozenset[FaultKey]:
        """All faults that the row may share with others in these phases."""
        return frozenset(self.key(scope, phase) for scope in Scope if scope is not Scope.OWN for phase in phases)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What the row calls for."""
        if self.place == TICKETING and self.project:
            return (Phase.TICKET,)
        return (Phase.READ,) if self.changing is None else (Phase.READ, Phase.WRITE)


def scope_of(failure: Failure, phase: Phase) -> Scope | None:
    """What the fault belongs to that shows itself in ``failure``; None when it shows none.

    What our own rate budget put off is no fault, nor is a wait that the service asked for, which the budget keeps.
    """
    if isinstance(failure, OwnFault):
        return None if isinstance(failure, Race) else Scope.OWN
    if isinstance(failure, CredentialRefused):
        return Scope.CREDENTIAL
    if failure.status == _FORBIDDEN and isinstance(failure, Permanent):
        return Scope.PERMISSION
    if isinstance(failure, Permanent):
        return Scope.PROJECT if phase is Phase.TICKET else Scope.ENTITLEMENT
    if isinstance(failure, Transient) and (not failure.counted or failure.retry_after is not None):
        return None
    if failure.status == _TOO_MANY:
        return None
    return Scope.ENTITLEMENT if failure.status in _BUSY else Scope.SYSTEM


@dataclass
class Faults:
    """The faults of all places. ``rates`` are the calls a second of each place; one that is left out has no limit."""

    store: Store
    clock: Clock
    rates: Mapping[str, float] = field(default_factory=dict)
    pauses: Pauses = field(default_factory=Pauses)
    _read: dict[str, tuple[datetime, Sequence[Fault]]] = field(default_factory=dict, init=False)
    #: When this process last had an answer where there may be a fault: what some rows meet again and again holds no others.
    _answered: dict[FaultKey, datetime] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def held(self, row: Row) -> Fault | None:
        """The shared fault that keeps the row from going on; None when there is none, or the row is to test it now."""
        shared = [fault for fault in self._at(row.place) if fault.shared_at is not None]
        if not shared:
            return None
        keys = row.keys(*row.phases)
        found = [fault for fault in shared if fault.key in keys]
        if not found:
            return None
        with self.store.read() as work:
            waits_for = work.faults.fault_of(row.topic, row.ref)
            if waits_for in [fault.id for fault in found]:
                return None
            # A fault that nothing tests any more holds nothing.
            return next((fault for fault in found if work.faults.rows(fault.id)), None)

    def join(self, work: UnitOfWork, row: Row, fault: Fault) -> datetime | None:
        """Have the row wait for the end of a shared fault; when it may test that. None when the fault is over by now."""
        self._forget(row.place)
        current = work.faults.locked(fault.id)
        if current is None:
            return None
        now = self.clock.now()
        work.faults.wait(current, row.topic, row.ref, subject=row.subject, lane=row.lane, now=now)
        turn = self._turn(work, current, now=now)
        _mark(work, row, cause_of(fault.scope), now=now)
        return turn

    def met(self, work: UnitOfWork, row: Row, failure: Failure, phase: Phase, *, otherwise: datetime) -> datetime:
        """Note what kept the row from going on; when to try again: ``otherwise`` unless the fault is shared.

        To be called before anything else is written in the transaction.
        """
        scope, now = scope_of(failure, phase), self.clock.now()
        if scope is None:
            _mark(work, row, Cause.UNSEEN if isinstance(failure, Race) else cause_of(scope), now=now)
            return otherwise
        self._forget(row.place)
        key = row.key(scope, phase)
        fault = work.faults.meet(key, what=failure.what, remedy=failure.remedy, now=now)
        if not work.faults.rows(fault.id):
            # Nothing waits for the end of what is known of it: that is over, and this is another.
            work.faults.end(fault.id)
            fault = work.faults.meet(key, what=failure.what, remedy=failure.remedy, now=now)
        work.faults.wait(fault, row.topic, row.ref, subject=row.subject, lane=row.lane, now=now)
        _mark(work, row, cause_of(scope), now=now)
        until = otherwise
        if fault.shared_at is not None:
            until = self._turn(work, fault, now=now)
        elif is_shared(scope, phase, subjects=work.faults.subjects(fault), answered=self._is_answered(fault.key, now)):
            until = self._share(work, fault, row, now=now)
        elif not is_alarming(fault, now=now):
            return otherwise
        begin_alarm(
            work,
            AlarmKind.FAULT,
            "fault",
            str(fault.id),
            what=f"{fault.place}: {fault.what}",
            remedy=fault.remedy,
            now=now,
        )
        return until

    def passed(self, row: Row, *phases: Phase) -> None:
        """The row's calls in these phases were answered: what would have kept it from that is over, for all."""
        now = self.clock.now()
        self._answered.update((row.key(scope, phase), now) for scope in _WIDE for phase in phases)
        for fault in self._at(row.place):
            if fault.key in row.keys(*phases):
                self._end(fault)

    def tidy(self) -> None:
        """Forget faults for whose end nothing waits any more, and close alarms whose cause is over."""
        now = self.clock.now()
        with self.store.write() as work:
            for fault in work.faults.forget_idle():
                self._forget(fault.place)
                _record_end(work, fault, waited=0, now=now)
            for alarm in work.alarms.close_ended(now=now):
                _log.info("alarm.closed", kind=str(alarm.kind), entity=alarm.entity, ref=alarm.ref, what=alarm.what)

    def _is_answered(self, key: FaultKey, now: datetime) -> bool:
        answered = self._answered.get(key)
        return answered is not None and now < answered + _JUST_NOW

    def _share(self, work: UnitOfWork, fault: Fault, row: Row, *, now: datetime) -> datetime:
        """The fault holds others from now on: those that met it stand in line too."""
        work.faults.share(fault, now=now)
        until = now
        turns = []
        for each in work.faults.rows(fault.id):
            at = self._turn(work, fault, now=now)
            if (each.topic, each.ref) == (row.topic, row.ref):
                until = at
            else:
                turns.append((each, at))
        work.faults.set_due(turns)
        work.audit.record("fault.shared", "fault", str(fault.id), now=now, what=fault.what, remedy=fault.remedy)
        _log.error("fault.shared", place=fault.place, scope=str(fault.scope), about=fault.name, why=fault.what)
        return until if until > now else self._turn(work, fault, now=now)

    def _turn(self, work: UnitOfWork, fault: Fault, *, now: datetime) -> datetime:
        current = work.faults.locked(fault.id) or fault
        pause = self.pauses.before_next(
            current, shared=work.faults.shared_at(fault.place), rate=self.rates.get(fault.place)
        )
        return work.faults.give_turn(current, pause=pause, now=now)

    def _end(self, fault: Fault) -> None:
        now = self.clock.now()
        self._forget(fault.place)
        with self.store.write() as work:
            current = work.faults.locked(fault.id)
            if current is None:
                return
            rows = work.faults.rows(fault.id)
            work.faults.end(fault.id)
            if current.shared_at is not None:
                pause = turn_pause(self.rates.get(fault.place))
                work.faults.set_due(((each, now + pause * at) for at, each in enumerate(rows)), sooner=True)
                _record_end(work, current, waited=len(rows), now=now)

    def _at(self, place: str) -> Sequence[Fault]:
        """The faults of a place as of a second ago at most. What this process changed itself is known at once."""
        now = self.clock.now()
        known = self._read.get(place)
        if known is None or not known[0] <= now < known[0] + _READ_EVERY:
            with self._lock, self.store.read() as work:
                known = now, work.faults.at(place)
                self._read[place] = known
        return known[1]

    def _forget(self, place: str) -> None:
        self._read.pop(place, None)


def _mark(work: UnitOfWork, row: Row, cause: Cause, *, now: datetime) -> None:
    """The ledger tells what removals waited for: from when this try began, which is when it was due."""
    if row.lane is Lane.REVOKE:
        since = now if row.due_at is None else min(now, row.due_at)
        work.ledger.mark(row.topic, row.ref, cause, since=since)


def _record_end(work: UnitOfWork, fault: Fault, *, waited: int, now: datetime) -> None:
    if fault.shared_at is not None:
        work.audit.record("fault.ended", "fault", str(fault.id), now=now, what=fault.what, waited=waited)
        _log.info("fault.ended", place=fault.place, scope=str(fault.scope), about=fault.name, waited=waited)


def begin_alarm(
    work: UnitOfWork, kind: AlarmKind, entity: str, ref: str, *, what: str, remedy: str, now: datetime
) -> None:
    """Raise an alarm, once for each cause. It is closed when the cause is over."""
    if work.alarms.begin(kind, entity, ref, what=what, remedy=remedy, now=now):
        _log.error("alarm.raised", kind=str(kind), entity=entity, ref=ref, what=what, remedy=remedy)
