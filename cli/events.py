from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, ConfigFile, Newest, group
from cli.output import cell, one_more, print_lines, print_listing, print_note
from cli.store_access import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from access.events import Event
    from store.unit_of_work import Store

events = group(
    "What happened to requests, claims, operations and tickets, for programs that follow it. Kept for store.events_kept."
)

_COLUMNS = ("id", "time", "type", "subject", "request")

#: Between two looks.
_LOOK_SECONDS = 1.0


@events.command("list")
def list_events(
    config: ConfigFile = None,
    type_: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="Only those whose type begins so: claim, or claim.ended."),
    ] = None,
    request: Annotated[str | None, typer.Option(metavar="ID", help="Only those of this request.")] = None,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest events. With --json each is a CloudEvent 1.0."""
    with opened(config) as (_, store):
        _place(store)
        with store.read() as work:
            found = work.events.recent(type_=type_, request_id=request, limit=one_more(limit))
        print_listing(
            map(_facts, found),
            _COLUMNS,
            none="No such events." if type_ or request else "No events yet.",
            as_json=as_json,
            limit=limit,
            total=lambda: None,
            shown=_as_shown,
        )


@events.command("follow")
def follow_events(
    config: ConfigFile = None,
    after: Annotated[
        int | None,
        typer.Option(metavar="ID", min=0, help="Begin after this event. Default: with what happens from now on."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="End after so many; 0 for never.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Print events as they happen, in their order, each once: with --json a CloudEvent 1.0 in each line.

    Go on later with --after and the id of the last one. While the store does not answer this waits.
    """
    with opened(config) as (_, store):
        for number, event in enumerate(_following(store, after), start=1):
            facts = _facts(event)
            if as_json:
                print_lines(json.dumps(facts, ensure_ascii=False))
            else:
                print_lines("  ".join(cell(_as_shown(facts).get(name)) for name in _COLUMNS))
            sys.stdout.flush()
            if number == limit:
                return


def _following(store: Store, after: int | None) -> Iterator[Event]:
    from store.unit_of_work import Unavailable

    pause, silent = threading.Event(), False
    while True:
        try:
            _place(store)
            with store.read() as work:
                last = work.events.last_position()
                found = work.events.after(last if after is None else after)
        except Unavailable as exc:
            if not silent:
                print_note(f"The store does not answer ({cell(exc)}). Waiting for it.")
            silent = True
            pause.wait(_LOOK_SECONDS)
            continue
        if silent:
            print_note("The store answers again.")
            silent = False
        if after is None or after > last:
            if after is not None:
                print_note(f"There is no event {after}: an older store was put back. Going on after {last}.")
            after = last
        for event in found:
            after = event.position
            yield event
        if not found:
            pause.wait(_LOOK_SECONDS)


def _place(store: Store) -> None:
    """Give positions to what happened. A store that can only be read is left to the processes that work on it."""
    from store.unit_of_work import Unavailable
    from tasks.events import place

    try:
        place(store)
    except Unavailable:
        with store.read() as work:
            work.events.last_position()


def _facts(event: Event) -> dict[str, Any]:
    from access.events import cloud_event

    return cloud_event(event)


def _as_shown(facts: Any) -> dict[str, Any]:
    return {**facts, "type": facts["type"].removeprefix("provisor."), "request": facts["data"]["request"]}
