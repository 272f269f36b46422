from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.clock import SystemClock
from access.durations import parse_duration, written
from access.ledger import Cause
from access.ledger_report import By, lags, summed
from cli.options import AsJson, ConfigFile, Limit, OfSystem
from cli.output import Facts, moment, print_listing
from cli.store_access import opened

if TYPE_CHECKING:
    from access.ledger import Overstay, Understay
    from access.ledger_report import Lag, Sum
    from store.unit_of_work import Store

_LAGS = ("system", "removals", "p50", "p95", "longest")
#: The columns of tables for people, and of CSV, by what a row is.
_COLUMNS = {
    "sums": ("title", "times", "running", "total", *map(str, Cause), "bound", "missing"),
    "times": ("kind", "person", "title", "since", "until", "total", "bound", "cause", "request", "ended"),
    "lags": _LAGS,
}
_CSV = {
    "sums": ("key", "title", "times", "running", "total", *map(str, Cause), "bound", "missing"),
    "times": (
        *("kind", "system", "entitlement", "title", "account", "account_title", "person", "request", "claim"),
        *("operation", "since", "until", "ended", "total", *map(str, Cause), "bound", "seen_by"),
    ),
    "lags": _LAGS,
}
#: Spans that are shorter are shown with a tenth of a second.
_SHORT_SECONDS = 10
_NONE = "No access was held past due, and none was missing."


def show_ledger(
    config: ConfigFile = None,
    by: Annotated[
        By, typer.Option("--by", help="What a row stands for; access shows each time by itself.")
    ] = By.SYSTEM,
    since: Annotated[
        str, typer.Option(metavar="DURATION", help="Times that ended within so long; those that run are always shown.")
    ] = "30d",
    system: OfSystem = None,
    lag: Annotated[
        bool,
        typer.Option("--lag", help="How long after they were due removals were seen done: p50, p95 and the longest."),
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV (RFC 4180): times in seconds.")] = False,
    limit: Limit = 0,
    as_json: AsJson = False,
) -> None:
    """Show how long access was held past due and why, and how long access was missing that a claim stands on.

    Times run from when access is due to the read that showed it gone; bound says how much of that may be too much. Each second
    has one cause, the first of: person (a decision is needed), ticket, credential, away (the system), budget (calls), unseen.
    """
    window = _window(since)
    now = SystemClock().now()
    with opened(config) as (_, store):
        overstays, understays = _times(store, now - window, now=now)
    if system is not None:
        overstays = [each for each in overstays if each.whose.entitlement.system is system]
        understays = [each for each in understays if each.whose.entitlement.system is system]
    form, rows = _rows(overstays, understays, by, lag=lag)
    if csv:
        _print_csv(rows, _CSV[form])
        return
    print_listing(rows, _COLUMNS[form], none=_NONE, as_json=as_json, limit=limit, shown=_in_words)


def _rows(
    overstays: Sequence[Overstay], understays: Sequence[Understay], by: By, *, lag: bool
) -> tuple[str, Sequence[Facts]]:
    """What is shown, and of which form it is."""
    if lag:
        return "lags", [_lag_facts(each) for each in lags(overstays)]
    if by is By.ACCESS:
        return "times", list(_time_facts(overstays, understays))
    return "sums", [_sum_facts(each) for each in summed(overstays, understays, by) if each.times or each.missing]


def _window(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{exc}.", param_hint="--since") from exc


def _times(store: Store, since: datetime, *, now: datetime) -> tuple[list[Overstay], list[Understay]]:
    """The times that ended since then, and those that run."""
    from tasks.ledger import all_running, missing

    with store.read() as work:
        overstays = [*work.ledger.overstays(since=since), *all_running(work, now=now)]
        return overstays, [*work.ledger.understays(since=since), *missing(work, now=now)]


def _sum_facts(each: Sum) -> dict[str, Any]:
    causes = {str(cause): _seconds(lasted) for cause, lasted in each.causes.items()}
    return {
        "key": each.key,
        "title": each.title,
        "times": each.times,
        "running": each.running,
        "total": _seconds(each.total),
        **causes,
        "bound": _seconds(each.bound),
        "missing": _seconds(each.missing),
    }


def _lag_facts(each: Lag) -> dict[str, Any]:
    spans = {name: _seconds(getattr(each, name)) for name in ("p50", "p95", "longest")}
    return {"system": each.system, "removals": each.removals, **spans}


def _time_facts(overstays: Sequence[Overstay], understays: Sequence[Understay]) -> Iterator[dict[str, Any]]:
    times: list[Overstay | Understay] = [*overstays, *understays]
    for each in sorted(times, key=lambda each: each.since):
        whose = each.whose
        causes: Mapping[Cause, timedelta] = getattr(each, "causes", {})
        yield {
            "kind": "overstay" if causes else "understay",
            "system": str(whose.entitlement.system),
            "entitlement": str(whose.entitlement),
            "title": whose.title,
            "account": whose.account_id,
            "account_title": whose.account_title,
            "person": whose.person,
            "request": whose.request_id,
            "claim": whose.claim_id,
            "operation": whose.operation_id,
            "since": moment(each.since),
            "until": None if each.ended is None else moment(each.until),
            "ended": None if each.ended is None else str(each.ended),
            "total": _seconds(each.total),
            **{str(cause): _seconds(causes.get(cause, timedelta(0))) for cause in Cause},
            "bound": _seconds(each.bound),
            "seen_by": getattr(each, "seen_by", None),
        }


def _seconds(lasted: timedelta) -> float:
    return lasted.total_seconds()


def _in_words(row: Facts) -> dict[str, Any]:
    """Seconds as people read them; of a single time the causes that it had."""
    spans = {"total", "bound", "missing", "p50", "p95", "longest", *map(str, Cause)}
    causes = [str(cause) for cause in Cause if row.get(str(cause))]
    words = {name: _span(value) if name in spans else value for name, value in row.items()}
    return words | {"cause": ", ".join(causes) or "-", "until": row.get("until") or "lasts", "ended": row.get("ended")}


def _span(seconds: float) -> str:
    """To the second, and to a tenth where it is short."""
    digits = 1 if seconds < _SHORT_SECONDS else 0
    return written(timedelta(seconds=round(seconds, digits)))


def _print_csv(rows: Sequence[Facts], columns: Sequence[str]) -> None:
    from cli.export_files import whole_file, write_rows

    with whole_file(None) as sink:
        write_rows(sink, rows, columns, form="csv")
