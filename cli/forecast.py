from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.clock import SystemClock
from access.methods import Direction
from cli.options import AsJson, ConfigFile
from cli.output import counted, moment, print_json_with_rows, print_lines, print_listing
from cli.store_access import opened, settings_problems

if TYPE_CHECKING:
    from access.entitlements import System
    from access.forecast import Hour, Pace
    from config.settings import Settings
    from tasks.forecast import Forecast

_COLUMNS = ("hour", "system", "removals", "tickets", "calls", "minutes", "done_at")


def show_forecast(
    until: Annotated[
        str,
        typer.Option("--until", metavar="DAY", help="friday, 2026-12-04 (the end of that day, UTC), or 48h from now."),
    ] = "7d",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show which access will be taken away until then, by hour, with the calls, the time and the tickets that it will cost.

    It stands on what is known now: the ends of claims, the policy, and the rates of the settings. What the fuse holds is told
    too; the ends of claims never are.
    """
    from access.forecast import parse_until
    from tasks.forecast import forecast
    from worker.policy import policy_from
    from worker.systems.table import SYSTEMS

    now = SystemClock().now()
    try:
        end = parse_until(until, now)
    except ValueError as exc:
        raise typer.BadParameter(f"It {exc}.", param_hint="--until") from exc
    with opened(config) as (settings, store):
        with settings_problems():
            policy, _ = policy_from(settings)
        automated = {system: found.automated[Direction.TAKE] for system, found in SYSTEMS.items()}
        found = forecast(store, policy, automated, _paces(settings), until=end, now=now)
    rows = [_facts(each) for each in found.hours]
    if as_json:
        print_json_with_rows(_totals(found), "hours", rows)
        return
    print_listing(rows, _COLUMNS, none=f"Nothing is taken away until {moment(end)}.", as_json=False)
    print_lines(*([_in_words(found)] if rows else []), *found.held)


def _paces(settings: Settings) -> dict[System, Pace]:
    from access.forecast import Pace

    return {system: Pace(section.rate, section.burst) for system, section in settings.systems.items()}


def _facts(each: Hour) -> dict[str, Any]:
    return {
        "hour": moment(each.begins_at),
        "system": str(each.system),
        "removals": each.removals,
        "tickets": each.tickets,
        "calls": each.calls,
        "minutes": round(each.minutes, 1),
        "done_at": moment(each.done_at),
    }


def _totals(found: Forecast) -> dict[str, Any]:
    return {
        "until": moment(found.until),
        "removals": len(found.removals),
        "tickets": found.tickets,
        "calls": sum(each.calls for each in found.hours),
        "ticket_calls": found.ticket_calls,
        "held": list(found.held),
    }


def _in_words(found: Forecast) -> str:
    totals = _totals(found)
    tickets = f", {counted(found.tickets, 'ticket')}" if found.tickets else ""
    return (
        f"{counted(totals['removals'], 'removal')}{tickets}, about {counted(totals['calls'], 'call')} "
        f"until {totals['until']}."
    )
