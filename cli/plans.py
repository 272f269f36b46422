from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.lifecycle import PlanState
from cli import output
from cli.decisions import Reason, decided_by_a_person
from cli.options import AsJson, ConfigFile, Limit, Newest, group
from cli.os_user import os_user
from cli.output import cell, facts_of, one_more, print_listing
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from access.plans import Line, Plan
    from store.unit_of_work import UnitOfWork
    from tasks.plans import Plans

plans = group("Plans: what is to be changed that no single request asked for, line by line, before it is changed.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The plan's id, such as PL-7.")]

_COLUMNS = ("id", "state", "kind", "title", "lines", "waiting", "made_at", "maker", "approved_by")
_LINES = ("number", "state", "reaction", "account_title", "title", "reason", "note")


@plans.command("list")
def list_plans(
    config: ConfigFile = None,
    state: Annotated[list[PlanState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest plans."""
    from store.queries.records import count_records

    with opened(config) as (_, store), store.read() as work:
        print_listing(
            (plan_facts(work, each) for each in work.plans.recent(states=state or [], limit=one_more(limit))),
            _COLUMNS,
            none="No such plans." if state else "No plans yet.",
            as_json=as_json,
            limit=limit,
            total=lambda: count_records(store, "plans", states=state or []),
        )


@plans.command("show")
def show_plan(plan_id: _Id, config: ConfigFile = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show one plan: what it stands on, who approved it, and its lines with their reasons."""
    with opened(config) as (_, store), store.read() as work:
        plan = work.plans.get(plan_id)
        if plan is None:
            raise Problem(f"There is no plan '{cell(plan_id)}'.", "See 'provisor plans list' for those there are.")
        facts = plan_facts(work, plan)
        lines = work.plans.lines(plan_id, limit=None if as_json else one_more(limit))
        if as_json:
            output.print_json_with_rows(facts, "each", map(_line_facts, lines))
            return
        output.print_lines(f"Plan {plan.id}: {plan.state}", *output.labelled_lines(_shown(facts)), "")
        print_listing(
            map(_line_facts, lines),
            _LINES,
            none="No lines.",
            as_json=False,
            limit=limit,
            total=lambda: facts["lines"],
        )


@plans.command("approve")
def approve_plan(plan_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """Let a plan run, or the rest of one that the fuse holds. Recorded with your name and the reason.

    What you had made yourself you may approve only where plans.self_approval is set.
    """
    with _plans(config, plan_id) as found:
        plan = found.approve(plan_id, by=os_user(), why=reason)
    beyond = ", beyond the fuse" if plan.beyond_fuse else ""
    output.print_lines(f"{cell(plan_id)}: approved by {cell(plan.approved_by)}{beyond}; 'provisor up' carries it out")


@plans.command("drop")
def drop_plan(plan_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """Leave undone what has not begun. What has begun goes on: see its requests."""
    with _plans(config, plan_id) as found:
        count = found.drop(plan_id, by=os_user(), why=reason)
    output.print_lines(f"{cell(plan_id)}: dropped, {output.counted(count, 'line')} will not be done")


@contextmanager
def _plans(config: Path | None, named: str) -> Iterator[Plans]:
    from access.clock import MeasuredClock
    from tasks.intake import Intake
    from tasks.plans import Plans
    from tasks.publisher import RecordingPublisher

    with opened(config) as (settings, store), decided_by_a_person(named):
        clock, publisher = MeasuredClock(store.now), RecordingPublisher()
        intake = Intake(store, clock, publisher)
        yield Plans(store, clock, intake, publisher, self_approval=settings.plans.self_approval)


def plan_facts(work: UnitOfWork, plan: Plan) -> dict[str, Any]:
    """One plan, with how many lines it has and how many wait."""
    counts = work.plans.counts(plan.id)
    return {
        **facts_of(plan, "id", "kind", "title", "state", "maker", "made_at", "automatic", "person"),
        **facts_of(plan, "approved_by", "approved_why", "approved_at", "self_approved", "beyond_fuse", "held_why"),
        **facts_of(plan, "approver_said"),
        "certificate": dict(plan.certificate),
        "lines": sum(counts.values()),
        **{str(state): counts.get(state, 0) for state in ("waiting", "begun", "done", "failed", "dropped")},
    }


def _line_facts(line: Line) -> dict[str, Any]:
    return {
        **facts_of(line, "number", "state", "reaction", "system", "account_id", "account_title", "entitlement"),
        **facts_of(line, "title", "reason", "finding_id", "claim_id", "weight", "ends_at", "request_id", "note"),
    }


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts for people: what the plan stands on in one line for each system, and nothing that says no."""
    stands_on = [
        f"{system}: snapshot {each['run']} of {each['began_at']}"
        for system, each in facts["certificate"].items()
        if isinstance(each, dict) and "run" in each
    ]
    hidden = {"id", "state", "certificate"}
    return {name: value for name, value in facts.items() if name not in hidden and value not in (False, 0)} | {
        "stands_on": stands_on
    }
