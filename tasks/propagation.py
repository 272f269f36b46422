"""An operation by propagation: an identity provider passes on what was changed in the group that feeds this one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from access.methods import Direction
from access.operations import Operation
from access.proof import Verdict
from connectors.ports import Observation
from tasks import settlement
from tasks.feeding import Feeding, Kept
from tasks.looks import look, look_twice, verdict_on
from tasks.services import Services


@dataclass(frozen=True, slots=True)
class NotPassedOn:
    """The provider has had its time: a person is asked. ``why`` is a clause."""

    why: str


@dataclass(frozen=True, slots=True)
class NotYetPassedOn:
    """It is looked at again."""

    evidence: str


class Propagation:
    """Looks whether the change has arrived. Nothing is written here."""

    def __init__(self, services: Services, feeding: Feeding) -> None:
        self._services = services
        self._feeding = feeding

    def go_on(self, operation: Operation) -> NotPassedOn | NotYetPassedOn | None:
        """Look once at an operation leased to us; None when it is settled. Raises failure words."""
        now = self._services.clock.now()
        with self._services.store.read() as work:
            before = None if operation.direction is Direction.GIVE else self._feeding.before_taking(work, operation)
            gave = self._feeding.gave(work, operation)
        if isinstance(before, Kept):
            with self._services.store.write(holding=operation.access_key) as work:
                settlement.dropped(work, operation, before.why, now=now)
            return None
        seen = look(self._services.connector(operation.system, operation.lane), operation)
        if seen.gone or seen.shows(operation.direction):
            self._passed_on(operation, seen, gave=gave)
            return None
        if before is None and _is_overdue(operation, self._services.options.propagation, now=now):
            return NotPassedOn(f"the identity provider has not passed it on: {seen.evidence}")
        return NotYetPassedOn(seen.evidence)

    def _passed_on(self, operation: Operation, seen: Observation, *, gave: bool) -> None:
        if verdict_on(self._services, operation, seen) is Verdict.LOOK_AGAIN:
            look_twice(self._services, operation)
            return
        now = self._services.clock.now()
        seen = replace(seen, evidence=_with_time(operation, seen.evidence, now=now))
        with self._services.store.write(holding=operation.access_key) as work:
            wake_ups = settlement.done(work, operation, seen, was_there=not gave, now=now)
        self._services.publisher.send(wake_ups)


def _is_overdue(operation: Operation, patience: timedelta, *, now: datetime) -> bool:
    """Whether the provider has had its time [assumed: it takes seconds to hours]."""
    return now >= operation.could_begin_at + patience


def _with_time(operation: Operation, evidence: str, *, now: datetime) -> str:
    """The evidence, with how long the provider took."""
    took = (now - operation.could_begin_at).total_seconds()
    verb = "in" if operation.direction is Direction.GIVE else "out"
    return f"{evidence} (the provider passed it on, {verb} within {took:.0f} seconds)"
