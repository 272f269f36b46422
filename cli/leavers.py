from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.lifecycle import LeaverState
from cli.decisions import Reason, decided_by_a_person
from cli.options import AsJson, ConfigFile, Newest, group
from cli.os_user import os_user
from cli.output import cell, facts_of, labelled_lines, one_more, print_json, print_lines, print_listing
from cli.people import ThePerson, the_person
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from access.leavers import Leaver
    from store.unit_of_work import UnitOfWork
    from tasks.leavers import Leavers

leavers = group("People who have left: what was taken, what still stands, and why.")

_COLUMNS = ("person", "title", "state", "kind", "noticed_at", "left_at", "plans", "why")


@leavers.command("list")
def list_leavers(
    config: ConfigFile = None,
    state: Annotated[list[LeaverState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the people who left last, and those who seemed to."""
    with opened(config) as (_, store), store.read() as work:
        found = work.leavers.recent(states=state or [], limit=one_more(limit))
        print_listing(
            (_facts(work, each) for each in found),
            _COLUMNS,
            none="No such leavers." if state else "Nobody has left.",
            as_json=as_json,
            limit=limit,
            total=lambda: None,
        )


@leavers.command("show")
def show_leaver(person: ThePerson, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show what became of a person's access: the plans, what still stands and why, and what nobody can end."""
    from store.queries.people import PeopleQueries
    from tasks.leaver_report import not_to_be_ended, still_standing

    with opened(config) as (_, store), store.read() as work:
        whose = str(the_person(PeopleQueries(work.connection), person)["id"])
        leaver = work.leavers.latest_of(whose)
        if leaver is None:
            raise Problem(f"{cell(person)} has not left.", "See 'provisor accounts show' for what the person holds.")
        facts = _facts(work, leaver) | {
            "stands": [asdict(each) for each in still_standing(work, leaver)],
            "cannot_be_ended": list(not_to_be_ended(work, leaver)),
        }
    if as_json:
        print_json(facts)
    else:
        print_lines(*_in_words(facts))


@leavers.command("end")
def end_everything(person: ThePerson, reason: Reason, config: ConfigFile = None) -> None:
    """Plan to take everything that a person holds, pre-existing access too. Nothing begins before somebody approves the plan."""
    with _leavers(config, person) as (found, whose):
        plan = found.ask(whose, by=os_user(), reason=reason)
    if plan is None:
        print_lines(f"{cell(person)}: holds nothing that Provisor sees")
    else:
        print_lines(
            f"{cell(person)}: {plan.id} takes everything when somebody approves it: 'provisor plans show {plan.id}'"
        )


@leavers.command("restore")
def give_back(person: ThePerson, reason: Reason, config: ConfigFile = None) -> None:
    """Plan to give back what was taken when a person left. Nothing begins before somebody approves the plan."""
    with _leavers(config, person) as (found, whose):
        plan = found.give_back(whose, by=os_user(), reason=reason)
    print_lines(f"{cell(person)}: {plan.id} gives it back when somebody approves it: 'provisor plans show {plan.id}'")


@contextmanager
def _leavers(config: Path | None, person: str) -> Iterator[tuple[Leavers, str]]:
    """Leavers as commands decide about them, and the id of the person. Raises ``Problem`` where that is not possible."""
    from access.clock import MeasuredClock
    from cli.store_access import settings_problems
    from store.queries.people import PeopleQueries
    from tasks.faults import Faults
    from tasks.leavers import Leavers
    from tasks.publisher import RecordingPublisher
    from tasks.services import Services
    from worker.policy import policy_from

    with opened(config) as (settings, store), settings_problems(), decided_by_a_person(person):
        with store.database.one_moment() as connection:
            whose = str(the_person(PeopleQueries(connection), person)["id"])
        clock = MeasuredClock(store.now)
        # A command decides; it makes no call to a system.
        services = Services(
            store=store,
            clock=clock,
            publisher=RecordingPublisher(),
            connectors={},
            policy=policy_from(settings)[0],
            faults=Faults(store, clock),
        )
        yield Leavers(services), whose


def _facts(work: UnitOfWork, leaver: Leaver) -> dict[str, Any]:
    return {
        **facts_of(leaver, "person", "kind", "state", "noticed_at", "read_at", "left_at", "ended_at", "evidence"),
        **facts_of(leaver, "why", "maker", "reason"),
        "title": work.persons.title_of(leaver.person),
        "plans": [f"{plan.id} {plan.state}" for plan in work.leavers.plans_of(leaver)],
    }


def _in_words(facts: dict[str, Any]) -> list[str]:
    stands, ends_not = facts.pop("stands"), facts.pop("cannot_be_ended")
    lines = [f"{cell(facts.pop('title'))}: {facts.pop('state')}", *labelled_lines(facts), "", "Still stands"]
    lines += [
        f"  {cell(each['title'])} ({each['system']}:{cell(each['account_id'])}). {cell(each['why'])}" for each in stands
    ]
    lines += [] if stands else ["  nothing that Provisor sees"]
    return [*lines, "", "No removal ends", *(f"  {each}" for each in ends_not)]
