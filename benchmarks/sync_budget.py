"""How much of the default rate budget a sync uses, while the service refuses what goes beyond it."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager
from functools import partial

from access.operations import Lane
from benchmarks.report import Aim, Report, Table
from benchmarks.tenants import JumpCloudReaderHarness, jira, jumpcloud
from config.systems import JiraSettings, JumpCloudSettings
from store.rate_budgets import FLOORS

_AIM = 0.95


def measure(report: Report, options: argparse.Namespace) -> None:
    """Raises ``WrongResult``."""
    company = {"users": options.users, "groups": options.groups, "memberships": options.memberships}
    site = {"users": options.jira_users, "groups": options.jira_groups, "projects": options.jira_projects}
    by_listing = {"jumpcloud_method": "listing"}
    rows = [
        _measure(report, "JumpCloud", JumpCloudSettings(), partial(jumpcloud, **company, sync=by_listing)()),
        _measure(report, "Jira", JiraSettings(), partial(jira, **site)()),
    ]
    columns = ("", "budget/s", "calls", "seconds", "share used", "answers 429")
    report.tables.append(Table("The default rate budget, and a service that allows just that", columns, rows))
    report.figures["budget"] = [dict(zip(("system", *columns[1:]), row, strict=True)) for row in rows]


def _measure(
    report: Report,
    name: str,
    budget: JumpCloudSettings | JiraSettings,
    made: AbstractContextManager[JumpCloudReaderHarness],
) -> list[object]:
    with made as tenant:
        system = tenant.system
        tenant.simulated.limit(system=system, rate=budget.rate, burst=budget.burst, per="rule")
        synced = tenant.sync()
        latest = tenant.simulated.calls(last=2000, system=system)["latest"]
    refused = sum(call["status"] == 429 for call in latest)
    # What flows in meanwhile, and what a full bucket lets a sync draw at once.
    at_once = budget.burst * (1 - FLOORS[Lane.SYNC])
    moments = [call["at"] for call in latest]
    allowed = budget.rate * (max(moments) - min(moments)) + at_once
    share = len(latest) / allowed
    report.aims.append(Aim(f"{name}: share of the default rate budget that is used", share, _AIM, "higher"))
    report.aims.append(Aim(f"{name}: answers 429 provoked", refused, 0, "lower"))
    return [name, budget.rate, synced.calls, synced.seconds, f"{share:.1%}", refused]
