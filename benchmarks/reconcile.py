"""Reconciliation of snapshots of growing size: the time of one comparison, and the memory of the process that makes it.

Each size has a baseline, claims, and a small share of differences of every direction; what is found is checked against what was
made. The aims are for 50,000 grants on SQLite, and with ``--full`` for 1,000,000 on PostgreSQL.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.child import Child
from benchmarks.command import run
from benchmarks.places import CLUSTER, EMBEDDED, Absent, new_place
from benchmarks.processes import Peak, resident_mb
from benchmarks.report import Aim, Report, Table, WrongResult

_SQLITE_SECONDS = 5.0
_POSTGRESQL_SECONDS = 20.0
_MOST_MB = 300.0
#: How many times as long as a size of a quarter one may take for each grant, and still be linear.
_LINEAR = 1.5
#: Differences, as a share of the grants.
_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Size:
    """So many accounts, resources, grants, and claims on some of the grants."""

    accounts: int
    resources: int
    grants: int
    claims: int

    @property
    def differences(self) -> int:
        """Half of them access that nothing explains, half of them claims whose access is not there."""
        return int(self.grants * _SHARE) // 2 * 2


#: Three sizes whose grants grow fourfold; the last has the aim.
_SIZES = (
    Size(312, 50, 3_125, 625),
    Size(1_250, 100, 12_500, 2_500),
    Size(5_000, 200, 50_000, 10_000),
)
_FULL = (
    Size(6_250, 250, 62_500, 12_500),
    Size(25_000, 500, 250_000, 50_000),
    Size(100_000, 1_000, 1_000_000, 200_000),
)


_COLUMNS = (
    "accounts",
    "resources",
    "grants",
    "claims",
    "differences",
    "baseline, s",
    "seconds",
    "again, s",
    "longest write, ms",
    "peak, MB",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--full", action="store_true", help="also a million grants on PostgreSQL, which takes minutes")


def measure(options: argparse.Namespace) -> Report:
    """Raises ``WrongResult``."""
    report = Report("reconcile")
    _measure(report, EMBEDDED, _SIZES, _SQLITE_SECONDS)
    if options.full:
        try:
            _measure(report, CLUSTER, _FULL, _POSTGRESQL_SECONDS)
        except Absent as absent:
            report.notes.append(str(absent))
    return report


def _measure(report: Report, place: str, sizes: Sequence[Size], seconds: float) -> None:
    rows: list[list[object]] = []
    for size in sizes:
        found = _one(place, size)
        rows.append(
            [
                size.accounts,
                size.resources,
                size.grants,
                size.claims,
                found["found"],
                found["first"],
                found["seconds"],
                found["unchanged"],
                found["longest_write"] * 1000,
                found["peak_mb"],
            ]
        )
    name = place.partition(":")[0]
    report.tables.append(Table(f"Reconciliation, {place}", _COLUMNS, rows))
    report.figures[name] = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    largest, before = rows[-1], rows[-2]
    took = float(str(largest[6]))
    per_grant = (took / sizes[-1].grants) / max(float(str(before[6])) / sizes[-2].grants, 1e-9)
    what = f"{sizes[-1].grants:,} grants on {name}"
    report.aims += [
        Aim(f"{what}: seconds", took, seconds, "lower"),
        Aim(f"{what}: seconds for each grant, against a quarter of them", per_grant, _LINEAR, "lower"),
        Aim(f"{what}: peak memory of the process, MB", float(str(largest[9])), _MOST_MB, "lower"),
    ]


def _one(place: str, size: Size) -> dict[str, Any]:
    with new_place(place) as where:
        setup = {"store_url": where.store_url, "accounts": size.accounts, "resources": size.resources}
        setup |= {"grants": size.grants, "claims": size.claims, "differences": size.differences}
        log = where.folder / "worker.log"
        with Child("benchmarks.reconcile_data", setup, log=log):
            pass  # The rows are there when it has answered.
        with Child("benchmarks.reconcile_worker", setup, log=log) as worker:
            found: dict[str, Any] = {"rest_mb": resident_mb(worker.pid)}
            with Peak(worker.pid) as peak:
                found |= worker.ask("baseline")
                worker.ask("change")
                found |= worker.ask("reconcile")
                found |= worker.ask("again")
            found["peak_mb"] = peak.mb
    if found["found"] != size.differences:
        raise WrongResult(f"{found['found']} differences were found, and {size.differences} were made.")
    if found["again"]:
        raise WrongResult(f"A second look at what had not changed found {found['again']} differences.")
    return found


if __name__ == "__main__":
    sys.exit(run("benchmarks.reconcile", sys.modules[__name__]))
