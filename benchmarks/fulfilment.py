"""How fast requests are fulfilled and verified, beside a bare Celery task that makes the same calls and commits."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

from benchmarks.command import run
from benchmarks.places import CLUSTER, EMBEDDED, Absent
from benchmarks.report import Aim, Report, Table
from benchmarks.sides import CONCURRENCY, REMOVAL_THREADS, Run, bare_run, delays, provisor_run

_RATIO = 0.7
_P50_MS = 200.0

#: How the aims and figures name a place.
_SHORT = {EMBEDDED: "embedded", CLUSTER: "cluster"}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=300, metavar="N", help="in each run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each side (default %(default)s)")
    parser.add_argument("--messages", type=int, default=100, metavar="N", help="for latency (default %(default)s)")
    parser.add_argument("--only", choices=sorted(_SHORT.values()), help="leave the other place out")


def measure(options: argparse.Namespace) -> Report:
    """Raises ``WrongResult``."""
    report = Report("fulfilment")
    for place, short in _SHORT.items():
        if options.only in {None, short}:
            try:
                _throughput(report, place, options)
                _throughput(report, place, options, removals=True)
                _latency(report, place, options)
            except Absent as exc:
                report.notes.append(f"{place} was left out. {exc}.")
    return report


def _throughput(report: Report, place: str, options: argparse.Namespace, *, removals: bool = False) -> None:
    ours: list[Run] = []
    bare: list[Run] = []
    for _ in range(options.rounds):
        run, calls = provisor_run(place, options.requests, removals=removals)
        ours.append(run)
        bare.append(bare_run(place, options.requests, calls=calls, commits=run.commits, removals=removals))
    ratio = median(one.rate / other.rate for one, other in zip(ours, bare, strict=True))
    what, short = ("removals", f"{_SHORT[place]} removals") if removals else ("grants", _SHORT[place])
    threads = REMOVAL_THREADS if removals else CONCURRENCY
    columns = ("", "requests/s", "runs", "CPU ms each", "calls each", "commits each", "at rest, MB", "under load, MB")
    rows = [_row("Provisor", ours), _row("bare task", bare)]
    rows.append(["ratio", f"{ratio:.2f}", "", "", "", "", "", ""])
    title = f"{place}: {options.requests} {what} at once, {threads} threads, median of {options.rounds} runs"
    report.tables.append(Table(title, columns, rows))
    report.figures[short] = {"provisor": _figures(ours), "bare": _figures(bare), "ratio": ratio}
    report.aims.append(Aim(f"fulfilment rate, {short}, beside the bare task", ratio, _RATIO, "higher"))


def _row(name: str, runs: Sequence[Run]) -> list[object]:
    found = _figures(runs)
    each = " ".join(f"{run.rate:.0f}" for run in runs)
    return [
        name,
        found["rate"],
        each,
        found["cpu_ms"],
        found["calls"],
        found["commits"],
        found["rest_mb"],
        found["peak_mb"],
    ]


def _figures(runs: Sequence[Run]) -> dict[str, float]:
    return {
        name: round(median(getattr(run, name) for run in runs), 2)
        for name in ("rate", "cpu_ms", "calls", "commits", "rest_mb", "peak_mb")
    }


def _latency(report: Report, place: str, options: argparse.Namespace) -> None:
    found = delays(place, options.messages, rest=0.03)
    figures: dict[str, dict[str, float]] = {}
    rows = []
    for name, words in (("true", "true in the system"), ("verified", "verified")):
        ms = [1000 * getattr(delay, name) for delay in found]
        figures[name] = {"p50_ms": median(ms), "p99_ms": _p99(ms)}
        rows.append([words, *figures[name].values()])
    title = f"{place}: from message sent, one at a time, {len(found)} messages"
    report.tables.append(Table(title, ("until", "p50, ms", "p99, ms"), rows))
    _add_figures(report, place, figures)
    if place == EMBEDDED:
        p50 = figures["verified"]["p50_ms"]
        report.aims.append(Aim("p50 from message to verified access, embedded, ms", p50, _P50_MS, "lower"))


def _add_figures(report: Report, place: str, latency: dict[str, Any]) -> None:
    report.figures[_SHORT[place]]["latency"] = latency


def _p99(values: Sequence[float]) -> float:
    return max(values) if len(values) < 2 else quantiles(values, n=100, method="inclusive")[98]


if __name__ == "__main__":
    sys.exit(run("benchmarks.fulfilment", sys.modules[__name__]))
