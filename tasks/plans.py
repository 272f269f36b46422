"""Plans: made line by line, approved by a person or automatic, and carried out under the fuse.

A line that gives or takes becomes an ordinary request in the commit that moves the line: guard, policy, tickets and retry are
those of every request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from access.clock import Clock
from access.fuse import PERSONS, FuseLimits, Limit, system_scope
from access.lifecycle import LineState, PlanState, RequestState
from access.plans import Line, Plan, PlanKind
from access.provisioning import Provisioning
from store.alarms import AlarmKind
from store.plans import NUMBERS
from store.requests import ORDER, Received
from store.unit_of_work import Store, UnitOfWork
from tasks.decisions import NotPossible
from tasks.faults import begin_alarm
from tasks.intake import Intake
from tasks.publisher import Publisher

_log = structlog.get_logger(__name__)

#: The source of requests that lines of plans became.
SOURCE = "plan"

#: Lines in one commit: no other writer waits long for it.
_AT_ONCE = 50

_SEE = "See 'provisor plans list'."


@dataclass(frozen=True, slots=True)
class Room:
    """How many removals the fuse still lets begin; ``why`` says what holds the rest."""

    left: int
    why: str


def add_plan(
    work: UnitOfWork,
    kind: PlanKind,
    title: str,
    lines: Sequence[Line],
    *,
    now: datetime,
    maker: str | None = None,
    automatic: bool = False,
    person: str | None = None,
    certificate: Mapping[str, Any] | None = None,
) -> Plan:
    """Store a plan within the caller's transaction, which holds ``store.plans.NUMBERS``. Raises ``ValueError`` without lines."""
    if not lines:
        raise ValueError("A plan has at least one line.")
    made = Plan("", kind, title, PlanState.OPEN, now, maker, automatic, person, dict(certificate or {}))
    plan = work.plans.add(made, lines)
    actor = maker or "provisor"
    work.audit.record(
        "plan.made", "plan", plan.id, now=now, actor=actor, kind=str(kind), lines=len(lines), person=person
    )
    return plan


class Plans:
    """Makes plans, takes decisions about them, and carries them out."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        intake: Intake,
        publisher: Publisher,
        *,
        limits: FuseLimits | None = None,
        self_approval: bool = False,
        mode: Provisioning = Provisioning.ON,
    ) -> None:
        self._store = store
        self._clock = clock
        self._intake = intake
        self._publisher = publisher
        self._limits = limits or FuseLimits()
        self._self_approval = self_approval
        self._mode = mode

    def make(
        self,
        kind: PlanKind,
        title: str,
        lines: Sequence[Line],
        *,
        maker: str | None = None,
        automatic: bool = False,
        person: str | None = None,
        certificate: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Store a plan; nothing of it begins. ``maker`` is None for the schedule. Raises ``ValueError`` without lines."""
        now = self._clock.now()
        with self._store.write(holding=NUMBERS) as work:
            plan = add_plan(
                work,
                kind,
                title,
                lines,
                now=now,
                maker=maker,
                automatic=automatic,
                person=person,
                certificate=certificate,
            )
        _log.info("plan.made", plan_id=plan.id, kind=str(kind), lines=len(lines))
        return plan

    def approve(self, plan_id: str, *, by: str, why: str) -> Plan:
        """Let a plan run, or the rest of one that the fuse holds. Raises ``NotPossible``."""
        now = self._clock.now()
        with self._store.write() as work:
            plan = _open_plan(work, plan_id)
            own = plan.maker == by
            if own and not self._self_approval:
                raise NotPossible(
                    f"{by} made this plan, and may not approve it.",
                    "Have somebody else approve it, or set plans.self_approval.",
                )
            if plan.state is PlanState.APPROVED:
                raise NotPossible(f"The plan is approved already, by {plan.approved_by}.", "It runs by itself.")
            beyond = plan.state is PlanState.HELD
            work.plans.step(
                plan_id,
                to=PlanState.APPROVED,
                states=(plan.state,),
                approved_by=by,
                approved_why=why,
                approved_at=now,
                self_approved=own,
                beyond_fuse=beyond,
                held_why=None,
            )
            more: dict[str, Any] = {"self_approved": own or None, "beyond_fuse": beyond or None}
            work.audit.record("plan.approved", "plan", plan_id, now=now, actor=by, reason=why, **more)
        return self._get(plan_id)

    def drop(self, plan_id: str, *, by: str, why: str) -> int:
        """Leave undone what has not begun; how many lines. Raises ``NotPossible``."""
        now = self._clock.now()
        with self._store.write() as work:
            plan = _open_plan(work, plan_id)
            dropped = work.plans.drop_waiting(plan_id, note=f"{by}: {why}")
            work.plans.step(plan_id, to=PlanState.DROPPED, states=(plan.state,))
            work.audit.record("plan.dropped", "plan", plan_id, now=now, actor=by, reason=why, lines=dropped)
        return dropped

    def run_due(self) -> None:
        """Go on with every plan that has something to begin or to note; safe with any number of processes."""
        with self._store.read() as work:
            found = work.plans.under_way()
        for plan_id in found:
            self.run(plan_id)

    def run(self, plan_id: str) -> int:
        """Begin what the fuse lets begin of a plan, and note what has ended; how many lines began."""
        begun = 0
        if self._mode is Provisioning.ON:
            while some := self._begin_some(plan_id):
                begun += some
        while self._note_ended(plan_id) == _AT_ONCE:
            pass
        return begun

    def _begin_some(self, plan_id: str) -> int:
        now = self._clock.now()
        with self._store.write(holding=ORDER) as work:
            work.require_own_revision()
            plan = work.plans.lock(plan_id)
            if plan is None or not plan.runs or work.restores.under_way():
                return 0
            lines: list[Line] = []
            held: str | None = None
            for system in work.plans.waiting_systems(plan_id):
                lines += work.plans.waiting(plan_id, system, taking=False, limit=_AT_ONCE)
                room = self._room(work, plan, system, now=now)
                # One more than may begin shows whether something is held.
                taking = work.plans.waiting(plan_id, system, taking=True, limit=min(room.left, _AT_ONCE) + 1)
                held = room.why if len(taking) > room.left else held
                taking = taking[: min(room.left, _AT_ONCE)]
                self._count(work, plan, system, taking, now=now)
                lines += taking
            begun, wake_ups = self._begin(work, plan, lines, now=now)
            if held is not None and plan.state is not PlanState.HELD:
                self._hold(work, plan, held, now=now)
        self._publisher.send(wake_ups)
        return begun

    def _room(self, work: UnitOfWork, plan: Plan, system: str, *, now: datetime) -> Room:
        """How many removals of the plan may begin in a system. Its scope of the fuse stays locked."""
        scope = PERSONS if plan.person else system_scope(system)
        work.fuse.lock(scope)
        if plan.beyond_fuse:
            return Room(_AT_ONCE, "")
        limit = self._limits.persons if plan.person else self._limits.grants
        used = len(work.fuse.begun(scope, since=now - limit.window))
        if plan.person and work.fuse.begins_at(scope, plan.person) is not None:
            return Room(_AT_ONCE, "")
        total = work.fuse.people() if plan.person else 0
        if not plan.person and used >= limit.at_least - _AT_ONCE:
            total = work.fuse.grants(system)
        allowed = limit.allowed(total)
        if plan.person:
            return Room(_AT_ONCE if used < allowed else 0, _why_persons(allowed, limit))
        return Room(max(0, allowed - used), _why_grants(system, allowed, limit))

    @staticmethod
    def _count(work: UnitOfWork, plan: Plan, system: str, lines: Sequence[Line], *, now: datetime) -> None:
        if plan.person and lines:
            work.fuse.count(PERSONS, [plan.person], at=now)
        elif lines:
            work.fuse.count(system_scope(system), [line.id for line in lines], at=now)

    def _begin(
        self, work: UnitOfWork, plan: Plan, lines: Sequence[Line], *, now: datetime
    ) -> tuple[int, Sequence[Any]]:
        """Hand the requests of these lines in; how many lines moved, and the wake-ups to be sent."""
        shown = [line.id for line in lines if line.reaction.action is None]
        work.plans.step_lines(shown, to=LineState.DONE, states=(LineState.WAITING,))
        asked = [
            (line.id, line.request(plan, now=now, claim_of=_claim_of(work, line)))
            for line in lines
            if line.reaction.action is not None
        ]
        over = [line_id for line_id, message in asked if message is None]
        work.plans.step_lines(
            over, to=LineState.DROPPED, states=(LineState.WAITING,), note="It would have ended by now."
        )
        there = work.requests.fingerprints([line_id for line_id, _ in asked])
        work.plans.step_lines(
            list(there),
            to=LineState.DROPPED,
            states=(LineState.WAITING,),
            note="A request of this id is there already.",
        )
        new = [
            Received(message, SOURCE, now) for _, message in asked if message is not None and message.id not in there
        ]
        wake_ups = self._intake.add(work, new)
        work.plans.begin_lines([each.message.id for each in new])
        for each in new:
            work.audit.record("plan_line.begun", "plan_line", each.message.id, now=now, request_id=each.message.id)
        return len(lines), wake_ups

    def _hold(self, work: UnitOfWork, plan: Plan, why: str, *, now: datetime) -> None:
        work.plans.step(plan.id, to=PlanState.HELD, states=(plan.state,), held_why=why)
        work.audit.record("plan.held", "plan", plan.id, now=now, reason=why)
        begin_alarm(
            work,
            AlarmKind.HELD,
            "plan",
            plan.id,
            what=f"The fuse holds plan {plan.id} ({plan.title}): {why}",
            remedy=f"Look at it with 'provisor plans show {plan.id}'. Approve or drop the rest.",
            now=now,
        )

    def _note_ended(self, plan_id: str) -> int:
        """Note what became of lines whose requests are over, and of the plan; how many lines."""
        now = self._clock.now()
        with self._store.read() as work:
            if not work.plans.ended(plan_id, limit=1) and not _is_through(work, plan_id):
                return 0
        with self._store.write() as work:
            plan = work.plans.lock(plan_id)
            ended = work.plans.ended(plan_id, limit=_AT_ONCE)
            for line_id, state, reason in ended:
                done = state == RequestState.DONE
                note = reason if done or reason else f"The request is {state}."
                to = LineState.DONE if done else LineState.FAILED
                work.plans.step_lines([line_id], to=to, states=(LineState.BEGUN,), note=note)
                work.audit.record(f"plan_line.{to}", "plan_line", line_id, now=now, request_id=line_id, note=note)
            if plan is not None and _is_through(work, plan_id):
                work.plans.step(plan_id, to=PlanState.DONE, states=(plan.state,))
                work.audit.record("plan.done", "plan", plan_id, now=now, lines=work.plans.counts(plan_id))
        return len(ended)

    def _get(self, plan_id: str) -> Plan:
        with self._store.read() as work:
            plan = work.plans.get(plan_id)
        assert plan is not None, "plans are never deleted"
        return plan


def _claim_of(work: UnitOfWork, line: Line) -> str | None:
    """The request that made the claim of a line."""
    claim = None if line.claim_id is None else work.claims.get(line.claim_id)
    return None if claim is None else claim.request_id


def _open_plan(work: UnitOfWork, plan_id: str) -> Plan:
    plan = work.plans.lock(plan_id)
    if plan is None:
        raise NotPossible("There is no such plan.", _SEE)
    if plan.state in (PlanState.DONE, PlanState.DROPPED):
        raise NotPossible(f"The plan is {plan.state} already.", _SEE)
    return plan


def _is_through(work: UnitOfWork, plan_id: str) -> bool:
    """Whether a plan that runs has no line left that waits or is on its way."""
    plan = work.plans.get(plan_id)
    left = work.plans.counts(plan_id)
    return plan is not None and plan.runs and not (left.get(LineState.WAITING) or left.get(LineState.BEGUN))


def _why_grants(system: str, allowed: int, limit: Limit) -> str:
    return f"at most {allowed} removals in {system} may begin in {_hours(limit)}"


def _why_persons(allowed: int, limit: Limit) -> str:
    return f"at most {allowed} people may lose what they hold in {_hours(limit)}"


def _hours(limit: Limit) -> str:
    return f"{limit.window.total_seconds() / 3600:g} hours"
