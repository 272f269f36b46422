"""Memory of the worker while it syncs tenants of growing size; and what a second sync costs when nothing changed."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from benchmarks.processes import Peak, resident_mb
from benchmarks.report import Aim, Report, Table, WrongResult
from benchmarks.tenants import MANY_IN_FLIGHT, UNBOUND, JumpCloudReaderHarness, Synced, jira, jumpcloud

_MOST_MB = 400
_MOST_AGAIN = 0.02


#: The users of the largest tenant, which takes minutes.
_FULL = 100_000


@dataclass(frozen=True, slots=True)
class _Size:
    """A tenant of so many users, of whom each is in ten groups of five hundred."""

    users: int

    @property
    def groups(self) -> int:
        return max(1, self.users // 50)

    @property
    def memberships(self) -> int:
        return self.users * 10


def measure(report: Report, options: argparse.Namespace) -> None:
    """Raises ``WrongResult``."""
    rows: list[list[object]] = []
    again: list[list[object]] = []
    for size in map(_Size, [*options.memory_users, *([_FULL] if options.full else [])]):
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
            snapshot = tenant.snapshot()
        if not size.users < snapshot["accounts"] <= size.users + 10 or snapshot["held"] < size.memberships:
            raise WrongResult(
                f"The snapshot shows {snapshot['accounts']} accounts and {snapshot['held']} holders, "
                f"and the tenant was to have {size.users} users and {size.memberships} memberships."
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
    # What a second sync costs is the same for every site, so a small one would show it larger than it is.
    sizes = {"users": options.jira_users, "groups": options.jira_groups, "projects": options.organization_projects}
    with jira(**sizes, organization=True, jira=UNBOUND | {"concurrency": MANY_IN_FLIGHT}) as tenant:
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


def _again(name: str, tenant: JumpCloudReaderHarness, first: Synced) -> list[object]:
    second = tenant.sync(full=False)
    if second.full:
        raise WrongResult(f"{name}: the second sync read everything, although nothing changed.")
    return [name, first.calls, second.calls, second.calls / first.calls]
