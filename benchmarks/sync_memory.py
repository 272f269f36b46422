"""Memory of the worker while it syncs tenants of growing size; and what a second sync costs when nothing changed."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from benchmarks.processes import Peak, resident_mb
from benchmarks.report import Aim, Report, Table, WrongResult
from benchmarks.tenants import UNBOUND, Synced, Tenant, jira, jumpcloud

_MOST_MB = 400
_MOST_AGAIN = 0.02


@dataclass(frozen=True, slots=True)
class _Size:
    users: int
    groups: int
    memberships: int


_QUICK = (_Size(1_000, 20, 10_000), _Size(10_000, 200, 100_000))
_FULL = (*_QUICK, _Size(100_000, 2_000, 1_000_000))


def measure(report: Report, options: argparse.Namespace) -> None:
    """Raises ``WrongResult``."""
    rows: list[list[object]] = []
    again: list[list[object]] = []
    for size in _FULL if options.full else _QUICK:
        by_listing = {"jumpcloud_method": "listing"}
        with jumpcloud(
            users=size.users,
            groups=size.groups,
            memberships=size.memberships,
            jumpcloud=UNBOUND,
            sync=by_listing,
        ) as tenant:
            rest = resident_mb(tenant.worker.pid)
            with Peak(tenant.worker.pid) as peak:
                first = tenant.sync()
            rows.append([size.users, size.groups, size.memberships, first.calls, first.seconds, rest, peak.mb])
            again = [_again("JumpCloud", tenant, first)]  # of the largest: a small tenant costs little to begin with
            picture = tenant.picture()
        if not size.users < picture["accounts"] <= size.users + 10 or picture["held"] < size.memberships:
            raise WrongResult(
                f"The picture shows {picture['accounts']} accounts and {picture['held']} holders of {size}."
            )
    columns = ("users", "groups", "memberships", "calls", "seconds", "at rest, MB", "peak, MB")
    report.tables.append(Table("Memory of the worker during a sync of JumpCloud, by listing", columns, rows))
    report.figures["memory"] = [dict(zip(columns, row, strict=True)) for row in rows]
    largest = rows[-1]
    name = "peak memory of a sync of {:,} users, {:,} groups, {:,} memberships, MB".format(*largest[:3])
    report.aims.append(Aim(name, peak.mb, _MOST_MB, "lower"))
    report.figures["memory_growth_mb"] = peak.mb - float(str(rows[0][-1]))
    _second(report, again, options)


def _second(report: Report, again: list[list[object]], options: argparse.Namespace) -> None:
    sizes = {"users": options.jira_users, "groups": options.jira_groups, "projects": options.jira_projects}
    with jira(**sizes, organization=True, jira=UNBOUND) as tenant:
        again.append(_again("Jira with its organization", tenant, tenant.sync()))
    columns = ("", "calls of the first", "calls of the second", "share")
    shown = [[name, first, second, f"{share:.1%}"] for name, first, second, share in again]
    report.tables.append(Table("A second sync, when nothing changed and events may be asked", columns, shown))
    for name, _, _, share in again:
        aim = Aim(
            f"{name}: calls of an unchanged sync, as a share of the first", float(str(share)), _MOST_AGAIN, "lower"
        )
        report.aims.append(aim)
    report.figures["second"] = [dict(zip(("system", *columns[1:]), row, strict=True)) for row in again]


def _again(name: str, tenant: Tenant, first: Synced) -> list[object]:
    second = tenant.sync(full=False)
    if second.full:
        raise WrongResult(f"{name}: the second sync read everything, although nothing changed.")
    return [name, first.calls, second.calls, second.calls / first.calls]
