"""Wall time of a sync beside a plain client that makes one call at a time, and its calls beside the formula."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from benchmarks.plain_clients import Reading
from benchmarks.report import Aim, Report, Table, WrongResult
from benchmarks.sync_worker import digest
from benchmarks.tenants import MANY_IN_FLIGHT, UNBOUND, JumpCloudReaderHarness, Synced, jira, jumpcloud
from config.systems import JiraSettings, JumpCloudSettings
from connectors.jira.reading import call_estimate as jira_formula
from connectors.jumpcloud.reading import MembershipMethod
from connectors.jumpcloud.reading import call_estimate as jumpcloud_formula

_LATENCIES_MS = (0, 50, 100)
_AIMED_AT_MS = 50

#: Calls of a sync for each that the formula reckons; proofs and probes are counted too.
_MOST_CALLS = 1.05
_INTERNAL_ROLE = "atlassian-addons-project-access"


@dataclass(frozen=True, slots=True)
class _Case:
    """A tenant, what its sync should cost, and how many times faster than the plain client it ought to be.

    ``in_flight`` is how many calls Provisor may have in flight at once; the plain client has one.
    """

    name: str
    in_flight: int
    tenant: Callable[[], AbstractContextManager[JumpCloudReaderHarness]]
    formula: Callable[[dict[str, Any]], int]
    aim: float | None
    latencies: Sequence[int] = _LATENCIES_MS


def measure(report: Report, options: argparse.Namespace) -> None:
    """Raises ``WrongResult``."""
    report.figures["speed"] = {case.name: _measure(report, case, options) for case in _cases(options)}


def _cases(options: argparse.Namespace) -> list[_Case]:
    company = {"users": options.users, "groups": options.groups, "memberships": options.memberships}
    # A report costs a handful of calls: with few users the proof of the credential would be a tenth of all.
    larger = company | {"users": 3 * options.users}
    site = {"users": options.jira_users, "groups": options.jira_groups, "projects": options.jira_projects}
    few_jumpcloud, few_jira = JumpCloudSettings().concurrency, JiraSettings().concurrency

    def by(
        method: MembershipMethod, company: dict[str, int]
    ) -> Callable[[], AbstractContextManager[JumpCloudReaderHarness]]:
        return partial(jumpcloud, **company, jumpcloud=UNBOUND, sync={"jumpcloud_method": str(method)})

    def with_calls(in_flight: int) -> Callable[[], AbstractContextManager[JumpCloudReaderHarness]]:
        return partial(jira, **site, jira=UNBOUND | {"concurrency": in_flight})

    listing, report = (
        partial(_jumpcloud_formula, MembershipMethod.LISTING),
        partial(_jumpcloud_formula, MembershipMethod.REPORT),
    )
    return [
        _Case("JumpCloud, by listing", few_jumpcloud, by(MembershipMethod.LISTING, company), listing, 20),
        _Case("JumpCloud, by report", few_jumpcloud, by(MembershipMethod.REPORT, larger), report, None, (50,)),
        _Case("Jira", MANY_IN_FLIGHT, with_calls(MANY_IN_FLIGHT), _jira_formula, 8),
        _Case("Jira, as many in flight as by default", few_jira, with_calls(few_jira), _jira_formula, None, (50,)),
    ]


def _measure(report: Report, case: _Case, options: argparse.Namespace) -> dict[str, Any]:
    with case.tenant() as tenant:
        whole = _verify(tenant)
        ours: dict[int, list[Synced]] = {ms: [] for ms in case.latencies}
        plain: dict[int, list[Reading]] = {ms: [] for ms in case.latencies}
        for _ in range(options.sync_rounds):
            for ms in case.latencies:
                tenant.simulated.latency(ms)
                ours[ms].append(tenant.sync())
                plain[ms].append(tenant.plain_client(most=options.sample if ms else None).read())
        tenant.simulated.latency(0)
        expected = case.formula(tenant.simulated.state(tenant.system))
    calls = ours[case.latencies[0]][0].calls
    rows = []
    ratios = {}
    for ms in case.latencies:
        seconds = [each.seconds for each in ours[ms]]
        scaled = [each.seconds * whole.calls / each.calls for each in plain[ms]]
        ratios[ms] = median(one / other for one, other in zip(scaled, seconds, strict=True))
        rows.append([f"{ms} ms", median(seconds), median(scaled), f"{ratios[ms]:.1f}"])
    sampled = "" if whole.calls <= options.sample else f"; the plain client's from its first {options.sample} calls"
    title = (
        f"{case.name}: {calls} calls (formula {expected}, and probes), {case.in_flight} in flight, no rate budget; "
        f"plain client {whole.calls}, one by one; median of {options.sync_rounds} runs{sampled}"
    )
    report.tables.append(Table(title, ("latency", "sync, s", "plain client, s", "times faster"), rows))
    name = f"{case.name}: calls, for each call of the formula"
    report.aims.append(Aim(name, calls / expected, _MOST_CALLS, "lower"))
    if case.aim is not None:
        name = f"{case.name}: times faster than a plain client at {_AIMED_AT_MS} ms"
        report.aims.append(Aim(name, ratios[_AIMED_AT_MS], case.aim, "higher"))
    return {
        "calls": calls,
        "formula": expected,
        "plain_calls": whole.calls,
        "times_faster": {str(ms): ratio for ms, ratio in ratios.items()},
    }


def _verify(tenant: JumpCloudReaderHarness) -> Reading:
    """The first sync must show what the plain client sees; what that saw, and its calls."""
    tenant.sync()
    whole = tenant.plain_client().read()
    snapshot = tenant.snapshot()
    if snapshot["digest"] != digest(whole.accounts, whole.held):
        raise WrongResult(
            f"The snapshot of {tenant.system} shows {snapshot['accounts']} accounts and {snapshot['held']} holders, "
            f"and the plain client saw {len(whole.accounts)} and {len(whole.held)}, or others."
        )
    return whole


def _jumpcloud_formula(method: MembershipMethod, state: dict[str, Any]) -> int:
    sizes = jumpcloud_formula.Sizes(
        users=len(state["users"]),
        admins=len(state["admins"]),
        roles=len(state["roles"]),
        members=[len(group["members"]) for group in state["groups"]],
        app_groups=[len(app["groups"]) for app in state["applications"]],
        app_users=[len(app["users"]) for app in state["applications"]],
    )
    return jumpcloud_formula.expected_calls(method, sizes)


def _jira_formula(state: dict[str, Any]) -> int:
    projects = [project for project in state["projects"] if project["status"] == "live"]
    team_managed = [project for project in projects if project["style"] == "next-gen"]
    roles = 0
    for project in projects:
        owner = project["id"] if project in team_managed else None
        mine = [role for role in state["roles"] if role["project_id"] == owner]
        roles += sum(not role["name"].startswith(_INTERNAL_ROLE) for role in mine)
    sizes = jira_formula.Sizes(
        users=len(state["users"]),
        members=[len(group["members"]) for group in state["groups"]],
        projects=len(projects),
        roles=roles,
        team_managed=len(team_managed),
    )
    return jira_formula.expected_calls(sizes)
