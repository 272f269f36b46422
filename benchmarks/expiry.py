"""How late access is taken away: while a sync and grants wait, and when thousands of claims are over at once."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from access.ledger import Overstay
from access.ledger_report import quantile
from access.operations import Lane
from benchmarks import provisor_worker
from benchmarks.child import Child
from benchmarks.command import run
from benchmarks.expiry_claims import Ending, add_claims, disagreements, made_store, overstays, removals_in
from benchmarks.grants import company, give, grants_in
from benchmarks.places import EMBEDDED, Place, new_place
from benchmarks.report import Aim, Report, Table, WrongResult
from benchmarks.simulated import Simulated
from store.rate_budgets import Allowance, capacity
from store.unit_of_work import Store

_LATENCY_MS = 50
_CALLS_A_SECOND = 50
_BURST = 50
_REMOVAL_THREADS = 6
_LOOK_SECONDS = 0.5
#: From the start of the worker until the first claim is over.
_AHEAD = timedelta(seconds=5)

_P95_SECONDS = 5.0
_OF_THE_BOUND = 0.95
#: Of all that is due at once, how far from its place in the order of their ends a removal may be done.
_OUT_OF_PLACE = 0.05


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spread", type=int, default=100, metavar="N", help="due over a minute (default %(default)s)")
    parser.add_argument("--waiting", type=int, default=5000, metavar="N", help="grants that wait (default %(default)s)")
    parser.add_argument("--at-once", type=int, default=10_000, metavar="N", help="due at once (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="of the spread (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="20 over 12 seconds beside 500 grants, and 500 at once")


def measure(options: argparse.Namespace) -> Report:
    """Raises ``WrongResult``."""
    if options.quick:
        options.spread, options.waiting, options.at_once, options.seconds = 20, 500, 500, 12.0
    report = Report("expiry")
    _measure_spread(report, options)
    _measure_at_once(report, options.at_once)
    return report


@dataclass(frozen=True, slots=True)
class _Ended:
    """What came of the claims: the ledger, how many times the journal contradicts, and the calls that were made."""

    told: Sequence[Overstay]
    wrong: int
    calls: int
    seconds: float


def _measure_spread(report: Report, options: argparse.Namespace) -> None:
    """Claims end one after the other, while grants and a sync want the same calls."""
    count = options.spread
    with company(count + options.waiting) as simulated, new_place(EMBEDDED) as place:
        every = grants_in(simulated.state("jumpcloud"), count + options.waiting)
        first = datetime.now(UTC) + timedelta(seconds=count * 0.05) + 2 * _AHEAD
        pause = timedelta(seconds=options.seconds) / count
        endings = [Ending(grant, first + pause * place) for place, grant in enumerate(every[:count])]

        def ask(child: Child) -> None:
            child.ask("send", grants=[grant.document() for grant in every[count:]])

        ended = _carry_out(place, simulated, endings, ask=ask, sync="1h")
    lags = [each.total for each in ended.told]
    p50, p95 = (quantile(lags, percent).total_seconds() for percent in (50, 95))
    rows = [["lag", p50, p95, max(lags).total_seconds()]]
    title = (
        f"{count} due over {options.seconds:.0f} s, {options.waiting} grants and a sync wait, {_CALLS_A_SECOND} calls/s"
    )
    report.tables.append(Table(title, ("", "p50, s", "p95, s", "longest, s"), rows))
    report.figures["spread"] = {
        "p50_s": p50,
        "p95_s": p95,
        "longest_s": max(lags).total_seconds(),
        "wrong": ended.wrong,
    }
    report.aims.append(Aim("p95 lag of removals while grants and a sync wait, s", p95, _P95_SECONDS, "lower"))


def _measure_at_once(report: Report, count: int) -> None:
    """All claims are overdue when the worker starts; only the rate sets the pace."""
    with company(count) as simulated, new_place(EMBEDDED) as place:
        grants = grants_in(simulated.state("jumpcloud"), count)
        now = datetime.now(UTC)
        # In another order than they are stored in.
        overdue = [now - timedelta(seconds=(number * 7919) % count + 1) for number in range(count)]
        ended = _carry_out(place, simulated, [Ending(*each) for each in zip(grants, overdue, strict=True)])
    allowance = Allowance(rate=_CALLS_A_SECOND, burst=_BURST)
    bound = (ended.calls - capacity(Lane.REVOKE, allowance)) / _CALLS_A_SECOND
    share = bound / ended.seconds
    away = _out_of_place(ended.told)
    rows = [[count, ended.seconds, bound, share, ended.calls / count, away]]
    columns = ("removals", "seconds", "lower bound", "share", "calls each", "out of place")
    title = f"{count} due at once, {_CALLS_A_SECOND} calls/s, {_REMOVAL_THREADS} removal threads"
    report.tables.append(Table(title, columns, rows))
    report.figures["at_once"] = {"seconds": ended.seconds, "bound_s": bound, "calls_each": ended.calls / count}
    report.aims.append(Aim("share of the lower bound that the rate sets", share, _OF_THE_BOUND, "higher"))
    report.aims.append(Aim("the longest overdue first: p95 of places away, of all", away, _OUT_OF_PLACE, "lower"))
    report.aims.append(Aim("times of the ledger that the journal contradicts", ended.wrong, 0, "lower"))


def _out_of_place(told: Sequence[Overstay]) -> float:
    """How far from its place in the order of their ends each was done, as a share of all: the 95th percentile."""
    due = {each.whose.access_key: place for place, each in enumerate(sorted(told, key=lambda each: each.since))}
    away = sorted(abs(due[each.whose.access_key] - place) for place, each in enumerate(told))
    return away[int(0.95 * (len(away) - 1))] / len(told)


def _carry_out(
    place: Place,
    simulated: Simulated,
    endings: Sequence[Ending],
    *,
    ask: Callable[[Child], None] = lambda _: None,
    sync: str | None = None,
) -> _Ended:
    """Run a worker until the ledger tells of all of these. Raises ``WrongResult`` when it does not, or tells wrongly."""
    began = datetime.now(UTC)
    give(simulated, [ending.grant for ending in endings])
    store = made_store(place.store_url)
    add_claims(store, endings)
    simulated.latency(_LATENCY_MS)
    simulated.forget_calls()
    with _worker(place, simulated, sync) as child:
        started = datetime.now(UTC)
        ask(child)
        last = max(0.0, (max(each.ends_at for each in endings) - datetime.now(UTC)).total_seconds())
        _wait_for(store, len(endings), within=120 + last + len(endings))
        calls: int = simulated.calls()["total"]
    told = overstays(store)
    store.database.close()
    left = {(group["id"], user) for group in simulated.state("jumpcloud")["groups"] for user in group["members"]}
    if kept := [each for each in endings if (each.grant.group, each.grant.user) in left]:
        raise WrongResult(f"The ledger tells that {len(kept)} accesses are gone that are there.")
    wrong = disagreements(told, removals_in(simulated, began - timedelta(minutes=1)))
    if wrong:
        raise WrongResult(f"The journal of the system contradicts {wrong} of {len(told)} times of the ledger.")
    return _Ended(told, wrong, calls, (max(each.until for each in told) - started).total_seconds())


def _wait_for(store: Store, count: int, *, within: float) -> None:
    until = time.perf_counter() + within
    while (done := len(overstays(store))) < count:
        if time.perf_counter() > until:
            raise WrongResult(f"{done} of {count} claims were over within {within:.0f} seconds.")
        time.sleep(_LOOK_SECONDS)  # noqa: TID251 - the worker is another process; each look costs the machine time


@contextmanager
def _worker(place: Place, simulated: Simulated, sync: str | None) -> Iterator[Child]:
    setup: dict[str, Any] = provisor_worker.settings_document(
        store_url=place.store_url,
        broker_url=place.broker_url,
        prefix=place.prefix,
        concurrency=16,
        jumpcloud=simulated.facts["jumpcloud"],
        folder=place.folder,
    )
    setup["worker"] |= {"removal_threads": _REMOVAL_THREADS}
    setup["sync"] |= {"period": sync}
    setup["jumpcloud"] |= {"rate": _CALLS_A_SECOND, "burst": _BURST}
    with Child("benchmarks.provisor_worker", setup, log=place.folder / "worker.log") as child:
        yield child


if __name__ == "__main__":
    sys.exit(run("benchmarks.expiry", sys.modules[__name__]))
