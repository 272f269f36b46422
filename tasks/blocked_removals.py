"""Removals that are blocked: the system is looked at until what blocks them has passed, and nothing is written before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from access.accounts import NoMatch
from access.operations import Operation
from connectors.ports import Observation, Target
from tasks import settlement
from tasks.looks import look, proven_gone
from tasks.preconditions import NotWanted, objection
from tasks.services import Services


class BlockedRemovals:
    """Looks at blocked removals; ``done`` ends one that the system shows to be done."""

    def __init__(self, services: Services, done: Callable[[Operation, Observation], None]) -> None:
        self._services = services
        self._done = done

    def look_at(self, operation: Operation) -> None:
        """Look whether what blocks a removal has passed: gone by itself, shown again, or held by a newer claim."""
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            against = objection(work, operation)
            if isinstance(against, NotWanted):
                settlement.dropped(work, operation, against.why, now=now)
                return
        connector = self._services.connector(operation.system, operation.lane)
        seen = look(connector, operation)
        if (
            not seen.present
            and not seen.gone
            and not seen.missing
            and isinstance(connector.find_entitlement(operation.entitlement), NoMatch)
        ):
            seen = proven_gone(connector, Target.of(operation), seen)
        if seen.gone:
            self._look_at_others(operation)
            self._done(operation, seen)
        elif operation.is_unseen and not seen.missing:
            self._look_at_others(operation)
            with self._services.store.write(holding=operation.access_key) as work:
                settlement.resume(work, operation, why=f"it can be seen again: {seen.evidence}", now=now)
        elif seen.shows(operation.direction):
            self._gone_meanwhile(operation, seen)
        else:
            if seen.present:
                operation = replace(operation, there_at=now)
            self.stay(operation, operation.error or seen.evidence, missing=seen.missing)

    def _look_at_others(self, operation: Operation) -> None:
        """What a removal waited for is known now: those that wait for the same thing are due too."""
        if operation.missing is not None:
            with self._services.store.write() as work:
                work.operations.look_together(operation.system, operation.missing, at=self._services.clock.now())

    def _gone_meanwhile(self, operation: Operation, seen: Observation) -> None:
        """Somebody took the access away: the second look that shows that ends the operation."""
        now, stale_for = self._services.clock.now(), self._services.options.visible_within
        if operation.shown_since is not None and now >= operation.shown_since + stale_for:
            self._done(operation, seen)
            return
        with self._services.store.write() as work:
            since = operation.shown_since or now
            work.operations.settle(operation.id, fence=operation.fence, shown_since=since, due_at=since + stale_for)

    def stay(self, operation: Operation, why: str, *, missing: str | None) -> None:
        """A look has shown that nothing has changed. Raises ``LeaseLost``."""
        with self._services.store.write() as work:
            settlement.still_blocked(
                work,
                operation,
                why,
                missing=missing if operation.is_unseen else None,
                now=self._services.clock.now(),
            )

    def block(self, operation: Operation, reason: str, missing: str | None) -> None:
        """A removal cannot go on by itself; ``missing`` names the thing that cannot be seen. Raises ``LeaseLost``."""
        with self._services.store.write(holding=operation.access_key) as work:
            settlement.blocked(work, operation, reason, missing=missing, now=self._services.clock.now())
