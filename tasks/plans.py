"""Plans: made line by line, approved by a person or automatic, and carried out under the fuse.

A line that gives or takes becomes an ordinary request in the commit that moves the line: guard, policy, tickets and retry are
those of every request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from access import actors
from access.clock import Clock
from access.entitlements import System
from access.fuse import PERSONS, FuseLimits, Limit, system_scope
from access.lifecycle import LineState, PlanState, RequestState
from access.plans import SOURCE, Line, Plan, PlanKind
from access.provisioning import Provisioning
from store.alarms import AlarmKind
from store.outbox import WakeUp
from store.plans import NUMBERS
from store.requests import ORDER, Received
from store.unit_of_work import Store, UnitOfWork
from tasks.decisions import NotPossible
from tasks.faults import begin_alarm
from tasks.intake import Intake
from tasks.plan_lines import end_claims_by_clock, give_again, gives_again, is_compared, no_basis, sort_out
from tasks.publisher import Publisher

_log = structlog.get_logger(__name__)

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
    approver_said: str | None = None,
) -> Plan:
    """Store a plan within the caller's transaction, which holds ``store.plans.NUMBERS``. Raises ``ValueError`` without lines."""
    if not lines:
        raise ValueError("A plan has at least one line.")
    made = Plan(
        "",
        kind,
        title,
        PlanState.OPEN,
        now,
        maker,
        automatic,
        person,
        dict(certificate or {}),
        approver_said=approver_said,
    )
    plan = work.plans.add(made, lines)
    actor = actors.SCHEDULER if maker is None else actors.operator(maker)
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
        stale_after: timedelta = timedelta(hours=24),
    ) -> None:
        self._store = store
        self._clock = clock
        self._intake = intake
        self._publisher = publisher
        self._limits = limits or FuseLimits()
        self._self_approval = self_approval
        self._mode = mode
        self._stale_after = stale_after

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
            work.audit.record("plan.approved", "plan", plan_id, now=now, actor=actors.operator(by), reason=why, **more)
        return self._get(plan_id)

    def drop(self, plan_id: str, *, by: str, why: str) -> int:
        """Leave undone what has not begun; how many lines. Raises ``NotPossible``."""
        now = self._clock.now()
        with self._store.write() as work:
            plan = _open_plan(work, plan_id)
            if plan.kind is PlanKind.CLOCK:
                work.plans.wake_claims(plan_id)
            dropped = work.plans.drop_waiting(plan_id, note=f"{by}: {why}")
            work.plans.step(plan_id, to=PlanState.DROPPED, states=(plan.state,))
            work.audit.record(
                "plan.dropped", "plan", plan_id, now=now, actor=actors.operator(by), reason=why, lines=dropped
            )
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
            wanted: list[Line] = []
            moved, fuse, basis = 0, None, None
            for system in map(System, work.plans.waiting_systems(plan_id)):
                if plan.kind is PlanKind.RECONCILE:
                    why = no_basis(work, system, now=now, stale_after=self._stale_after)
                    basis = why or basis
                    if why is not None or not is_compared(work, system):
                        continue
                fetched, why = self._next(work, plan, system, now=now)
                some = self._leave_unwanted(work, fetched, now=now)
                self._count(work, plan, system, some, now=now)
                wanted += some
                moved += len(fetched)
                fuse = why or fuse
            wake_ups = self._begin(work, plan, wanted, now=now)
            self._note_held(work, plan, fuse=fuse, basis=basis, now=now)
        self._publisher.send(wake_ups)
        return moved

    def _next(self, work: UnitOfWork, plan: Plan, system: System, *, now: datetime) -> tuple[list[Line], str | None]:
        """The lines about a system that may begin now, and why the fuse holds others."""
        lines = [*work.plans.waiting(plan.id, system, taking=False, limit=_AT_ONCE)]
        room = self._room(work, plan, system, now=now)
        most = min(room.left, _AT_ONCE)
        # One more than may begin shows whether something is held.
        taking = work.plans.waiting(plan.id, system, taking=True, limit=most + 1)
        return [*lines, *taking[:most]], room.why if len(taking) > room.left else None

    def _room(self, work: UnitOfWork, plan: Plan, system: str, *, now: datetime) -> Room:
        """How many removals of the plan may begin in a system. Its scope of the fuse stays locked."""
        scope = PERSONS if plan.person else system_scope(system)
        work.fuse.lock(scope)
        if plan.beyond_fuse:
            return Room(_AT_ONCE, "")
        limit = self._limits.persons if plan.person else self._limits.grants
        used = work.fuse.used(scope, since=now - limit.window, now=now)
        if plan.person and work.fuse.begins_at(scope, plan.person) is not None:
            return Room(_AT_ONCE, "")
        total = work.fuse.people() if plan.person else work.fuse.grants(system)
        allowed = limit.allowed(total)
        if plan.person:
            return Room(_AT_ONCE if used < allowed else 0, _why_persons(allowed, limit))
        return Room(max(0, allowed - used), _why_grants(system, allowed, limit))

    @staticmethod
    def _count(work: UnitOfWork, plan: Plan, system: str, lines: Sequence[Line], *, now: datetime) -> None:
        taking = [line.id for line in lines if line.reaction.takes]
        if plan.person and taking:
            work.fuse.count(PERSONS, [plan.person], at=now)
        elif taking:
            work.fuse.count(system_scope(system), taking, at=now)

    def _begin(self, work: UnitOfWork, plan: Plan, lines: Sequence[Line], *, now: datetime) -> Sequence[WakeUp]:
        """Hand the requests of these lines in; the wake-ups to be sent."""
        if plan.kind is PlanKind.CLOCK:
            end_claims_by_clock(work, lines, now=now)
            return ()
        shown = [line.id for line in lines if line.action is None]
        work.plans.step_lines(shown, to=LineState.DONE, states=(LineState.WAITING,))
        again = [self._give_again(work, line, now=now) for line in lines if gives_again(line)]
        lines = [line for line in lines if not gives_again(line)]
        asked = [
            (line.id, line.request(plan, now=now, claim_of=_claim_of(work, plan, line)))
            for line in lines
            if line.action is not None
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
        owed = [each for each in again if each is not None]
        return [*wake_ups, *(work.outbox.add(owed, now=now) if owed else ())]

    @staticmethod
    def _leave_unwanted(work: UnitOfWork, lines: Sequence[Line], *, now: datetime) -> list[Line]:
        """The lines that are still wanted; the others are dropped, with the reason."""
        wanted, unwanted = sort_out(work, lines, now=now)
        for line_id, note in unwanted:
            work.plans.drop_lines([line_id], note=note)
            work.audit.record("plan_line.dropped", "plan_line", line_id, now=now, note=note)
        return wanted

    @staticmethod
    def _give_again(work: UnitOfWork, line: Line, *, now: datetime) -> WakeUp | None:
        """Give what a claim is about again, within the claim's own request."""
        wake_up = give_again(work, line, now=now)
        if wake_up is None:
            work.plans.drop_lines([line.id], note="The claim is over, or its access is on its way.")
        else:
            states = (LineState.WAITING,)
            work.plans.step_lines([line.id], to=LineState.DONE, states=states, note=f"operation {wake_up.ref}")
        return wake_up

    def _note_held(self, work: UnitOfWork, plan: Plan, *, fuse: str | None, basis: str | None, now: datetime) -> None:
        """Note what keeps the rest of the plan from beginning: the fuse, or that nothing may rest on its snapshot."""
        if fuse is not None and plan.state is not PlanState.HELD:
            work.plans.step(plan.id, to=PlanState.HELD, states=(plan.state,), held_why=fuse)
        elif plan.state is not PlanState.HELD and basis != plan.held_why:
            work.plans.set(plan.id, held_why=basis)
        else:
            return
        if (why := fuse or basis) is None:
            return
        work.audit.record("plan.held", "plan", plan.id, now=now, reason=why)
        begin_alarm(
            work,
            AlarmKind.HELD,
            "plan",
            plan.id,
            what=f"Plan {plan.id} ({plan.title}) is held: {why}.",
            remedy=f"Look at it with 'provisor plans show {plan.id}'. "
            + ("Approve or drop the rest." if fuse else "It goes on after the next complete snapshot."),
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


def _claim_of(work: UnitOfWork, plan: Plan, line: Line) -> str | None:
    """The request that made the claim that a line ends: of leavers and bulk ends, a line about a claim ends that alone."""
    ends_claim = plan.kind in (PlanKind.LEAVER, PlanKind.BULK) and line.claim_id is not None
    claim = work.claims.get(line.claim_id) if ends_claim and line.claim_id else None
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
