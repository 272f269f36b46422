"""The forecast of removals, from the claims in the store, the policy and the present budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from access.entitlements import ResourceKind, System
from access.forecast import CALLS_OF_A_TICKET, Hour, Pace, Removal, by_hour, removals_until
from access.methods import Direction, Method
from access.operations import Claim
from access.policy import Policy
from store.alarms import AlarmKind
from store.unit_of_work import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is taken away until a moment. ``held`` says in sentences what the fuse holds besides, and why."""

    until: datetime
    removals: Sequence[Removal]
    hours: Sequence[Hour]
    held: Sequence[str] = ()

    @property
    def tickets(self) -> int:
        """The tickets that will be made."""
        return sum(each.tickets for each in self.hours)

    @property
    def ticket_calls(self) -> int:
        """The calls to the ticketing system until these are open."""
        return self.tickets * CALLS_OF_A_TICKET


def forecast(
    store: Store,
    policy: Policy,
    automated: Mapping[System, frozenset[ResourceKind]],
    paces: Mapping[System, Pace],
    *,
    until: datetime,
    now: datetime,
) -> Forecast:
    """Foresee the removals until then. ``automated`` are the kinds that are taken away by API."""
    with store.read() as work:
        standing = work.claims.ending_with_others(until)
        stops = {System(stop.system): stop.until for stop in work.budgets.stops(now=now) if stop.system in set(System)}
        method_of = {each.id: _method_of(work, each, policy, automated) for each in standing}
        held = fuse_says(work)
    stopped = {system: Pace(pace.rate, pace.burst, stops.get(system)) for system, pace in paces.items()}
    removals = removals_until(until, standing, now=now, method_of=method_of)
    return Forecast(until, removals, by_hour(removals, stopped, now=now), held)


def fuse_says(work: UnitOfWork) -> Sequence[str]:
    """What the fuse holds, in sentences. Ends that are foreseen are never held: it is the rest of plans, and of revokes."""
    return [alarm.what for alarm in work.alarms.lasting() if alarm.kind == AlarmKind.HELD]


def _method_of(
    work: UnitOfWork, claim: Claim, policy: Policy, automated: Mapping[System, frozenset[ResourceKind]]
) -> Method:
    """How the access of a claim is taken away, as ``tasks.expiry`` decides; of a removal that began, how it is done."""
    if claim.ended_by is not None and (operation := work.operations.get(claim.ended_by)) is not None:
        return operation.via
    rule = policy.rule_for(claim.entitlement, claim.named, direction=Direction.TAKE)
    by_person = rule is not None and rule.take is Method.TICKET
    by_api = claim.entitlement.kind in automated.get(claim.entitlement.system, frozenset())
    return Method.TICKET if by_person or not by_api else Method.CONNECTOR
