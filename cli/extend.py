from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.decisions import Reason
from cli.options import ConfigFile
from cli.os_user import os_user
from cli.output import cell, moment, print_json, print_lines
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from datetime import timedelta

ApprovedBy = Annotated[
    str | None,
    typer.Option(
        "--approved-by", metavar="NAME", help="Who approved it, where policy requires that.", show_default=False
    ),
]


def extend_access(
    request_id: Annotated[
        str, typer.Argument(metavar="REQUEST", help="The request that gave the access, or extended it.")
    ],
    reason: Reason,
    config: ConfigFile = None,
    lasting: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="So much longer: 30m, 2h, 1d, PT2H.", show_default=False),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="MOMENT", help="Until then: 2026-12-01T18:00:00Z.", show_default=False),
    ] = None,
    approved_by: ApprovedBy = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let access last longer, before it ends.

    Hands a request in, which policy decides about: 'provisor requests show' says what became of it.
    """
    from tasks.ending import HandIn, NothingMeant, hand_in_extension, named

    if (lasting is None) == (until is None):
        raise typer.BadParameter("Name --for or --until, and not both.")
    duration, ends_at = _duration(lasting), _moment(until)
    with opened(config) as (_, store):
        try:
            [meant] = named(store, [request_id])
        except NothingMeant as exc:
            raise Problem(exc.what.replace("end", "extend"), exc.remedy) from exc
        words = HandIn(os_user(), reason, approved_by)
        handed_in = hand_in_extension(store, meant, words, duration=duration, ends_at=ends_at, now=store.now())
    if as_json:
        print_json({"request": handed_in, "extends": meant.request_id, "ends_at": moment(meant.ends_at)})
        return
    print_lines(
        f"{cell(meant.title)} of {cell(meant.account_title)} lasts until {cell(moment(meant.ends_at))} now.",
        f"{handed_in}: handed in; see 'provisor requests show {handed_in}'",
    )


def _duration(text: str | None) -> timedelta | None:
    from access.durations import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as exc:
        raise typer.BadParameter(f"--for {exc}.") from exc


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter("--until is not a moment with its offset; write one such as 2026-12-01T18:00:00Z.")
    return found
