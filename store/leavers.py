"""People who have left, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from access.leavers import Leaver, LeaverKind
from access.lifecycle import LeaverState, LineState, PlanState
from access.plans import Line, Plan, PlanKind
from store.leases import among
from store.leaver_tables import leavers
from store.plan_tables import plan_lines, plans
from store.rows import from_row
from store.upsert import insert_into


class Leavers:
    """People who have left, and the plans about what they held."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def notice(self, person: str, kind: LeaverKind, *, now: datetime, **more: Any) -> Leaver | None:
        """Store a person who seems to leave, due to be read at once; None for one who is leaving already."""
        plain: dict[str, Any] = {"state": str(LeaverState.NOTICED), "noticed_at": now, "due_at": now}
        values = {"person": person, "kind": str(kind)} | plain | more
        statement = insert_into(leavers, self._connection).values(values).on_conflict_do_nothing().returning(leavers)
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else from_row(Leaver, row)

    def open_of(self, person: str) -> Leaver | None:
        """The leave of a person that is not over."""
        return self._first(select(leavers).where(leavers.c.person == person, leavers.c.ended_at.is_(None)))

    def latest_of(self, person: str) -> Leaver | None:
        """The last leave of a person."""
        return self._first(select(leavers).where(leavers.c.person == person).order_by(leavers.c.id.desc()).limit(1))

    def recent(self, *, states: Sequence[str] = (), limit: int | None = 100) -> Sequence[Leaver]:
        """The newest leaves."""
        found = select(leavers).order_by(leavers.c.id.desc()).limit(limit)
        found = found.where(leavers.c.state.in_(states)) if states else found
        return [from_row(Leaver, row) for row in self._connection.execute(found).mappings()]

    def due(self, *, now: datetime, limit: int) -> Sequence[Leaver]:
        """The leavers to be read now, oldest first."""
        found = select(leavers).where(leavers.c.due_at <= now).order_by(leavers.c.due_at, leavers.c.id).limit(limit)
        return [from_row(Leaver, row) for row in self._connection.execute(found).mappings()]

    def take_up(self, leaver: Leaver, *, until: datetime) -> bool:
        """Have nobody else read this leaver until then; False when somebody does already."""
        mine = update(leavers).where(leavers.c.id == leaver.id, leavers.c.due_at == leaver.due_at)
        return self._connection.execute(mine.values(due_at=until)).rowcount == 1

    def step(self, leaver: Leaver, *, to: LeaverState, **columns: Any) -> bool:
        """Move on from the state in which it was read; whether it was still in it."""
        mine = update(leavers).where(leavers.c.id == leaver.id, among(leavers.c.state, (leaver.state,)))
        return self._connection.execute(mine.values(state=str(to), **columns)).rowcount == 1

    def set(self, leaver: Leaver, **columns: Any) -> None:
        """Write facts that change no state."""
        self._connection.execute(update(leavers).where(leavers.c.id == leaver.id).values(columns))

    def plans_of(self, leaver: Leaver) -> Sequence[Plan]:
        """The plans about one leave of a person, oldest first."""
        found = select(plans).where(
            plans.c.person == leaver.person,
            plans.c.made_at >= leaver.noticed_at,
            plans.c.kind.in_((str(PlanKind.LEAVER), str(PlanKind.RESTORE))),
        )
        if leaver.ended_at is not None:
            found = found.where(plans.c.made_at <= leaver.ended_at)
        return [from_row(Plan, row) for row in self._connection.execute(found.order_by(plans.c.sequence)).mappings()]

    def taken(self, leaver: Leaver) -> Sequence[Line]:
        """The lines of a person's leave that took something, and were seen to."""
        ids = [plan.id for plan in self.plans_of(leaver) if plan.kind is PlanKind.LEAVER]
        found = select(plan_lines).where(
            plan_lines.c.plan_id.in_(ids),
            plan_lines.c.reaction.in_(("take", "deprovision")),
            among(plan_lines.c.state, (LineState.DONE,)),
        )
        ordered = found.order_by(plan_lines.c.plan_id, plan_lines.c.number)
        return [from_row(Line, row) for row in self._connection.execute(ordered).mappings()]

    def deprovisioning(self, leaver: Leaver) -> Sequence[str]:
        """The requests of a leave that deprovision an account, and are not over."""
        ids = [plan.id for plan in self.plans_of(leaver)]
        found = select(plan_lines.c.request_id).where(
            plan_lines.c.plan_id.in_(ids),
            plan_lines.c.reaction == "deprovision",
            among(plan_lines.c.state, (LineState.BEGUN,)),
        )
        return list(self._connection.execute(found).scalars())

    def undecided_plans(self, leaver: Leaver) -> Sequence[Plan]:
        """The plans of a leave that have something left to begin."""
        over = (PlanState.DONE, PlanState.DROPPED)
        return [plan for plan in self.plans_of(leaver) if plan.state not in over and plan.kind is PlanKind.LEAVER]

    def lines(self, leaver: Leaver) -> Sequence[Mapping[str, Any]]:
        """Every line of the plans about a leave, with the state of its plan."""
        ids = [plan.id for plan in self.plans_of(leaver)]
        found = (
            select(plan_lines, plans.c.state.label("plan_state"), plans.c.automatic)
            .join(plans, plans.c.id == plan_lines.c.plan_id)
            .where(plan_lines.c.plan_id.in_(ids))
            .order_by(plans.c.sequence, plan_lines.c.weight.desc(), plan_lines.c.number)
        )
        return [dict(row) for row in self._connection.execute(found).mappings()]

    def _first(self, statement: Any) -> Leaver | None:
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else from_row(Leaver, row)
