"""Plans and their lines in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select, update

from access.lifecycle import ENDS, ClaimState, LineState, PlanState
from access.plans import Line, Plan
from access.reactions import Reaction
from store.leases import among
from store.plan_tables import plan_lines, plans
from store.rows import from_row, to_row
from store.tables import claims, requests

#: The lock that writers of new plans hold (``Store.write``), so that each gets a number of its own.
NUMBERS = "numbers of plans"

_TAKING = [reaction for reaction in Reaction if reaction.takes]
_RUNNING = (PlanState.APPROVED, PlanState.HELD)


class Plans:
    """Plans with their lines, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, plan: Plan, lines: Sequence[Line]) -> Plan:
        """Store a new plan with its lines, and number both. The transaction holds ``NUMBERS``. Returns it with its id."""
        last = self._connection.execute(select(func.coalesce(func.max(plans.c.sequence), 0))).scalar_one()
        plan = replace(plan, id=f"PL-{last + 1}")
        self._connection.execute(plans.insert().values(to_row(plan) | {"sequence": last + 1}))
        self.add_lines(plan.id, lines, after=0)
        return plan

    def add_lines(self, plan_id: str, lines: Sequence[Line], *, after: int) -> None:
        """Store more lines of a plan, numbered after ``after``."""
        numbered = (
            replace(line, id=f"{plan_id}.{number}", plan_id=plan_id, number=number)
            for number, line in enumerate(lines, start=after + 1)
        )
        self._connection.execute(plan_lines.insert(), [to_row(line) for line in numbered])

    def set(self, plan_id: str, **columns: Any) -> None:
        """Write facts that change no state."""
        self._connection.execute(update(plans).where(plans.c.id == plan_id).values(columns))

    def get(self, plan_id: str) -> Plan | None:
        """The plan with this id."""
        return self._first(select(plans).where(plans.c.id == plan_id))

    def lock(self, plan_id: str) -> Plan | None:
        """The plan with this id, which nobody else changes until the transaction ends."""
        return self._first(select(plans).where(plans.c.id == plan_id).with_for_update())

    def recent(self, *, states: Sequence[str] = (), limit: int | None = 100) -> Sequence[Plan]:
        """The newest plans, optionally only those in ``states``."""
        found = select(plans).order_by(plans.c.sequence.desc()).limit(limit)
        found = found.where(plans.c.state.in_(states)) if states else found
        return [from_row(Plan, row) for row in self._connection.execute(found).mappings()]

    def under_way(self) -> Sequence[str]:
        """The plans that have something to begin or to note, oldest first."""
        begun = exists().where(plan_lines.c.plan_id == plans.c.id, among(plan_lines.c.state, (LineState.BEGUN,)))
        runs = or_(among(plans.c.state, _RUNNING), and_(among(plans.c.state, (PlanState.OPEN,)), plans.c.automatic))
        found = select(plans.c.id).where(or_(runs, begun)).order_by(plans.c.sequence)
        return list(self._connection.execute(found).scalars())

    def step(self, plan_id: str, *, to: PlanState, states: Sequence[PlanState], **columns: Any) -> bool:
        """Move the plan to state ``to`` if it is still in one of ``states``; whether it was."""
        moved = update(plans).where(plans.c.id == plan_id, among(plans.c.state, states))
        return self._connection.execute(moved.values(state=str(to), **columns)).rowcount == 1

    def lines(self, plan_id: str, *, limit: int | None = None) -> Sequence[Line]:
        """The lines in their order."""
        found = select(plan_lines).where(plan_lines.c.plan_id == plan_id).order_by(plan_lines.c.number).limit(limit)
        return self._lines(found)

    def counts(self, plan_id: str) -> dict[str, int]:
        """How many lines are in each state."""
        found = select(plan_lines.c.state, func.count()).where(plan_lines.c.plan_id == plan_id)
        rows = self._connection.execute(found.group_by(plan_lines.c.state))
        return {row[0]: row[1] for row in rows}

    def waiting_systems(self, plan_id: str) -> Sequence[str]:
        """The systems that the waiting lines are about."""
        found = select(plan_lines.c.system).where(_WAITING, plan_lines.c.plan_id == plan_id).distinct()
        return sorted(self._connection.execute(found).scalars())

    def waiting(self, plan_id: str, system: str, *, taking: bool, limit: int) -> Sequence[Line]:
        """The next lines that take, or that do not take, in a system: what gives most first."""
        takes = plan_lines.c.reaction.in_(_TAKING)
        found = (
            select(plan_lines)
            .where(_WAITING, plan_lines.c.plan_id == plan_id, plan_lines.c.system == system)
            .where(takes if taking else ~takes)
        )
        return self._lines(found.order_by(plan_lines.c.weight.desc(), plan_lines.c.number).limit(limit))

    def count_taking(self, plan_id: str) -> dict[str, int]:
        """How many lines of a plan wait that take, by system."""
        found = select(plan_lines.c.system, func.count()).where(_WAITING, plan_lines.c.plan_id == plan_id)
        taking = found.where(plan_lines.c.reaction.in_(_TAKING)).group_by(plan_lines.c.system)
        return {row[0]: row[1] for row in self._connection.execute(taking)}

    def line(self, line_id: str) -> Line | None:
        """The line with this id."""
        return next(iter(self._lines(select(plan_lines).where(plan_lines.c.id == line_id))), None)

    def line_of_finding(self, finding_id: str) -> Line | None:
        """The newest line about a finding."""
        found = select(plan_lines).join(plans, plans.c.id == plan_lines.c.plan_id)
        found = found.where(plan_lines.c.finding_id == finding_id).order_by(plans.c.sequence.desc())
        return next(iter(self._lines(found.limit(1))), None)

    def step_lines(
        self, line_ids: Sequence[str], *, to: LineState, states: Sequence[LineState], **columns: Any
    ) -> None:
        """Move lines to state ``to`` that are still in one of ``states``."""
        moved = update(plan_lines).where(plan_lines.c.id.in_(list(line_ids)), among(plan_lines.c.state, states))
        self._connection.execute(moved.values(state=str(to), **columns))

    def begin_lines(self, line_ids: Sequence[str]) -> None:
        """These lines became requests under their own ids."""
        moved = update(plan_lines).where(plan_lines.c.id.in_(list(line_ids)), _WAITING)
        self._connection.execute(moved.values(state=str(LineState.BEGUN), request_id=plan_lines.c.id))

    def wake_claims(self, plan_id: str) -> None:
        """The claims of the lines that have not begun end at their own time again."""
        these = select(plan_lines.c.claim_id).where(_WAITING, plan_lines.c.plan_id == plan_id)
        mine = update(claims).where(claims.c.id.in_(these), among(claims.c.state, (ClaimState.ACTIVE,)))
        self._connection.execute(mine.values(due_at=claims.c.ends_at, dispatched_until=None))

    def drop_waiting(self, plan_id: str, *, note: str) -> int:
        """Drop the lines that have not begun; how many."""
        moved = update(plan_lines).where(_WAITING, plan_lines.c.plan_id == plan_id)
        return self._connection.execute(moved.values(state=str(LineState.DROPPED), note=note)).rowcount

    def drop_lines(self, line_ids: Sequence[str], *, note: str) -> None:
        """Drop these lines, if they have not begun."""
        moved = update(plan_lines).where(_WAITING, plan_lines.c.id.in_(list(line_ids)))
        self._connection.execute(moved.values(state=str(LineState.DROPPED), note=note))

    def ended(self, plan_id: str, *, limit: int) -> Sequence[tuple[str, str, str | None]]:
        """The lines whose requests came to an end that is not noted yet: their ids, and the requests' states and reasons."""
        found = (
            select(plan_lines.c.id, requests.c.state, requests.c.reason)
            .join(requests, requests.c.id == plan_lines.c.request_id)
            .where(plan_lines.c.plan_id == plan_id, among(plan_lines.c.state, (LineState.BEGUN,)))
            .where(requests.c.state.in_(sorted(ENDS["request"])))
            .order_by(plan_lines.c.number)
            .limit(limit)
        )
        return [(row.id, row.state, row.reason) for row in self._connection.execute(found)]

    def _first(self, statement: Any) -> Plan | None:
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else from_row(Plan, row)

    def _lines(self, statement: Any) -> list[Line]:
        return [from_row(Line, row) for row in self._connection.execute(statement).mappings()]


_WAITING = among(plan_lines.c.state, (LineState.WAITING,))
