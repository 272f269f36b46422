"""The forecast of removals, from the claims in the store, the policy and the present budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from access.entitlements import ResourceKind, System
from access.forecast import CALLS_OF_A_TICKET, Hour, Pace, Removal, by_hour, removals_until
from access.fuse import PERSONS, FuseLimits
from access.lifecycle import PlanState
from access.methods import Direction, Method
from access.operations import Claim
from access.plans import Plan
from access.policy import Policy
from store.alarms import AlarmKind
from store.unit_of_work import Store, UnitOfWork
from tasks.plans import room_for


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is taken away until a moment.

    ``held`` says in sentences what the fuse holds besides, and why; ``would_hold`` what it will hold, or would after an approval.
    """

    until: datetime
    removals: Sequence[Removal]
    hours: Sequence[Hour]
    held: Sequence[str] = ()
    would_hold: Sequence[str] = ()

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
    limits: FuseLimits,
    until: datetime,
    now: datetime,
) -> Forecast:
    """Foresee the removals until then. ``automated`` are the kinds that are taken away by API, ``limits`` those of the fuse."""
    with store.read() as work:
        standing = work.claims.ending_with_others(until)
        stops = {System(stop.system): stop.until for stop in work.budgets.stops(now=now) if stop.system in set(System)}
        method_of = {each.id: _method_of(work, each, policy, automated) for each in standing}
        held, would_hold = fuse_says(work), list(fuse_will_say(work, limits, now=now))
    stopped = {system: Pace(pace.rate, pace.burst, stops.get(system)) for system, pace in paces.items()}
    removals = removals_until(until, standing, now=now, method_of=method_of)
    return Forecast(until, removals, by_hour(removals, stopped, now=now), held, would_hold)


def fuse_says(work: UnitOfWork) -> Sequence[str]:
    """What the fuse holds, in sentences. Ends that are foreseen are never held: it is the rest of plans, and of revokes."""
    return [alarm.what for alarm in work.alarms.lasting() if alarm.kind == AlarmKind.HELD]


def fuse_will_say(work: UnitOfWork, limits: FuseLimits, *, now: datetime) -> Iterator[str]:
    """What the fuse will hold of what is planned, in sentences: one plan after the other uses up what it lets begin now."""
    used, people = Counter[str](), set[str | None]()
    by_jump = _ends_by_jump(work, limits, now=now)
    if by_jump:
        yield (
            f"Ends that came more than {limits.absence.days} days after a process was last at work: {by_jump:,}. "
            "They will be a plan, and the fuse counts them."
        )
    for plan in reversed(work.plans.recent(states=(PlanState.OPEN, PlanState.APPROVED), limit=None)):
        if plan.beyond_fuse or plan.person in people:
            continue
        wanted = work.plans.count_taking(plan.id)
        if plan.person is None:
            for system, lines in wanted.items():
                room = room_for(work, system, limits=limits, of_persons=False, now=now)
                beyond = lines - max(0, room.left - used[system])
                used[system] += lines
                if beyond > 0:
                    yield _will_hold(plan, beyond, why=room.why)
        elif wanted and work.fuse.begins_at(PERSONS, plan.person) is None:
            people.add(plan.person)
            room = room_for(work, next(iter(wanted)), limits=limits, of_persons=True, now=now)
            if len(people) > room.left:
                yield _will_hold(plan, sum(wanted.values()), why=room.why)


def _will_hold(plan: Plan, lines: int, *, why: str) -> str:
    will = "will hold" if plan.runs else "would hold, if it is approved,"
    return f"Of plan {plan.id} ({plan.title}) the fuse {will} {lines:,} removals: {why}."


def _ends_by_jump(work: UnitOfWork, limits: FuseLimits, *, now: datetime) -> int:
    """How many ends will be taken for those of a clock that jumped (``tasks.heartbeat``)."""
    seen_at = work.fuse.seen_at()
    if seen_at is None or now <= seen_at + limits.absence:
        return 0
    return len(work.claims.ending_after(seen_at + limits.absence, until=now))


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
