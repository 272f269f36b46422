from __future__ import annotations

from typing import TYPE_CHECKING, Any

from access.clock import SystemClock
from cli import output
from cli.options import AsJson, ConfigFile
from cli.output import cell, facts_of
from cli.store_access import opened

if TYPE_CHECKING:
    from tasks.waiting import Waiting

#: Rows of one cause that people are shown; JSON has all.
_SHOWN = 10


def list_waiting(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List what waits, for what, since when, and what to do: each fault once, with the work that it holds."""
    from store.queries.records import count_records
    from tasks.waiting import waiting

    with opened(config) as (settings, store):
        found = waiting(store, settings.provisioning, now=SystemClock().now())
        handed_in = count_records(store, "inbox")
    if as_json:
        output.print_json_rows(map(_facts, found))
    elif found:
        output.print_lines(*(line for each in found for line in _in_words(each)))
    else:
        output.print_lines("Nothing waits.")
    if handed_in:
        output.print_note(
            f"{handed_in:,} requests were handed in and are not taken in yet: 'provisor up' takes them in."
        )


def _facts(waiting: Waiting) -> dict[str, Any]:
    rows = [facts_of(row, "entity", "id", "request", "about", "since") for row in waiting.rows]
    return {**facts_of(waiting, "kind", "waits_for", "since", "remedy"), "rows": rows}


def _in_words(waiting: Waiting) -> list[str]:
    since = output.moment(waiting.since)
    lines = [f"{cell(waiting.waits_for)}  ({waiting.kind}, since {since})"]
    lines += [f"  to do: {cell(waiting.remedy)}"] if waiting.remedy else []
    lines += [f"  {row.entity} {cell(row.id)}: {cell(row.about)}" for row in waiting.rows[:_SHOWN]]
    more = len(waiting.rows) - _SHOWN
    return lines + ([f"  and {more:,} more"] if more > 0 else [])
