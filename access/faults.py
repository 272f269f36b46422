"""Faults: what keeps work from going on and is not the work's own. Pure.

A fault belongs to a system, a credential, a permission, a project or an entitlement. One subject's answer proves little: a
fault is *shared*, and holds all work that would meet it, once three subjects met it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class Scope(StrEnum):
    """What a fault belongs to."""

    #: The service, or what lies between it and us.
    SYSTEM = "system"
    #: The credential with which we call it.
    CREDENTIAL = "credential"
    #: Something that our account may not do there.
    PERMISSION = "permission"
    #: The project in which tickets are made.
    PROJECT = "project"
    #: One entitlement, which somebody else changes or the service refuses to show.
    ENTITLEMENT = "entitlement"
    #: Provisor's own code: it holds the one row that met it.
    OWN = "own"


class Phase(StrEnum):
    """What a call was for. What can be read may not be writable."""

    READ = "read"
    WRITE = "write"
    TICKET = "ticket"


class FaultKey(NamedTuple):
    """Which fault it is: where, what it belongs to, and the name of that (empty where there is one only)."""

    place: str
    scope: Scope
    name: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that lasts.

    - ``what``, ``remedy``: what happened, and what to mend, in a sentence each.
    - ``since``: when it was first met; ``met_at``: when last.
    - ``shared_at``: since when it holds all that would meet it; None while it holds only those that met it.
    - ``next_test_at``: the moment that the next row to wait gets for its test. Each test is made by another row.
    - ``tests``: how many such moments were given out.
    """

    id: int
    place: str
    scope: Scope
    name: str
    what: str
    remedy: str
    since: datetime
    met_at: datetime
    shared_at: datetime | None = None
    next_test_at: datetime | None = None
    tests: int = 0

    @property
    def key(self) -> FaultKey:
        """Which fault it is."""
        return FaultKey(self.place, self.scope, self.name)


#: So many different subjects must have met a fault before it holds others.
SHARED_BY = 3

#: How long a fault of the service lasts before there is an alarm. Others are alarming at once: a person has to mend them.
ALARM_AFTER = timedelta(minutes=1)

#: Between two tests of a shared fault, unless the system's rate is small.
TEST_EVERY = timedelta(minutes=1)

#: Calls that the test of a fault may cost: to plan a request and carry it out.
CALLS_OF_A_TEST = 5

#: The share of a system's rate that all tests of its faults use together.
TEST_SHARE = 0.1


def is_shared(scope: Scope, phase: Phase, *, subjects: int, answered: bool) -> bool:
    """Whether a fault that ``subjects`` different subjects met holds others; ``answered`` is whether others are answered now.

    The credential is the same for everybody, and repeating a refused one may lock it: one refusal is enough, unless others are
    answered, or it was refused for a change only, which may lack no more than a scope. A fault of our own code holds one row.
    """
    if scope is Scope.OWN:
        return False
    if scope is Scope.CREDENTIAL:
        return subjects >= SHARED_BY or (phase is not Phase.WRITE and not answered)
    return subjects >= SHARED_BY and not answered


def is_alarming(fault: Fault, *, now: datetime) -> bool:
    """Whether a person has to know of the fault."""
    passes = fault.scope in (Scope.SYSTEM, Scope.ENTITLEMENT)
    return fault.shared_at is not None or not passes or now >= fault.since + ALARM_AFTER


@dataclass(frozen=True, slots=True)
class Pauses:
    """The time between two tests of a fault.

    A minute, and less for the first tests of what may be a short break: ``first``, then twice that. ``credential`` is the time
    between two tests of a refused credential.
    """

    first: timedelta = timedelta(seconds=2)
    credential: timedelta = TEST_EVERY

    def before_next(self, fault: Fault, *, shared: int, rate: float | None) -> timedelta:
        """The time until the next test. ``shared`` is how many faults of the place are shared, ``rate`` its calls a second."""
        soon = min(TEST_EVERY, self.first * 2 ** min(fault.tests, 30))
        usual = self.credential if fault.scope is Scope.CREDENTIAL else soon
        at_least = timedelta(seconds=max(1, shared) * CALLS_OF_A_TEST / (rate * TEST_SHARE)) if rate else timedelta(0)
        return max(usual, at_least)


def turn_pause(rate: float | None) -> timedelta:
    """The time that the budget of a place needs for the calls of one row: after a fault, rows go on one by one."""
    return timedelta(seconds=CALLS_OF_A_TEST / rate) if rate else timedelta(0)
