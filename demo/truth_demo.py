"""``python -m demo.truth_demo``: the truth audit on a simulated site with planted lies; the last line is JSON.

``ok``, how many tickets of each class were planted and how many were found in each, the calls and what they may be, the seconds.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from access.clock import SystemClock
from access.truth import Verdict
from cli.truth_html import write_html
from cli.truth_report import in_order, lines_of, write_table
from config.settings import Settings
from config.truth_mapping import load_truth_mapping
from demo.simulators import Simulator, SimulatorProblem, simulated_systems
from demo.truth_site import MAPPING, Site, Sizes, actions_of, planted
from tasks.truth.report import TruthReport
from tasks.truth.tickets import tickets_of_query
from worker.truth import TICKETS, TruthAuditor

#: What an audit may call besides one snapshot and the pages of tickets.
_MARGIN = 20
#: Lines of the report that are shown of each verdict.
_SHOWN = 3
#: POST routes that only read.
_READS = frozenset({"/rest/api/3/search/jql", "/rest/api/3/changelog/bulkfetch", "/insights/directory/v1/events",
                    "/api/search/systemusers"})  # fmt: skip


def main() -> int:
    """Run it; 0 when each ticket was found in its class."""
    try:
        facts = show(Path(tempfile.mkdtemp(prefix="provisor-truth-")), Sizes())
    except SimulatorProblem as problem:
        sys.stderr.write(f"provisor: {problem}\n")
        facts = {"ok": False, "why": str(problem)}
    sys.stdout.write(f"{json.dumps(facts)}\n")
    return 0 if facts["ok"] else 1


def show(folder: Path, sizes: Sizes) -> dict[str, Any]:
    """Plant a site, audit its tickets, and compare; what came out. Raises ``SimulatorProblem``."""
    site = planted(time.time(), sizes)
    _say(
        f"{sizes.closed} closed tickets are planted, of which {len(site.ways)} are untrue in four ways. Files: {folder}"
    )
    with simulated_systems(folder, site.content) as started:
        jumpcloud, jira = started()
        for ago, verb, details in actions_of(site.role_changes):
            jira.set_time(-ago)
            jira.act(verb, **details)
        jira.set_time(0)
        settings = _settings(folder, jumpcloud, jira)
        snapshot = _calls_of_a_snapshot(settings)
        for each in (jumpcloud, jira):
            each.forget_requests()
        began = time.monotonic()
        auditor = TruthAuditor(settings, SystemClock())
        report = _audit(auditor, folder)
        seconds = time.monotonic() - began
        wrote = [each for system in (jumpcloud, jira) for each in _writes(system)]
    write_html(folder / "truth.html", report)
    write_table(folder / "truth.csv", report)
    _show(report, folder)
    return _facts(site, sizes, report, snapshot=snapshot, wrote=wrote, seconds=seconds)


def _audit(auditor: TruthAuditor, folder: Path) -> TruthReport:
    file = load_truth_mapping(folder / "truth.yaml")
    assert auditor.archive is not None
    assert file.jql is not None
    tickets = tickets_of_query(auditor.archive, file.mapping, file.jql, most=10_000)
    return auditor.audit().run(tickets, file.mapping)


def _calls_of_a_snapshot(settings: Settings) -> int:
    """What one snapshot of both systems calls: everything of them, as a sync reads it."""
    auditor = TruthAuditor(settings, SystemClock())
    auditor.take_everything()
    return sum(auditor.calls().values())


def _settings(folder: Path, jumpcloud: Simulator, jira: Simulator) -> Settings:
    """Credentials and addresses, and nothing else."""
    fast = {"rate": 500, "burst": 500}
    chosen = {
        "jumpcloud": {
            "api_url": jumpcloud.url,
            "insights_url": jumpcloud.url,
            "api_key": jumpcloud.facts["read_only_api_key"],
            **fast,
        },
        "jira": {"site_url": jira.url, "email": jira.facts["email"], "api_token": jira.facts["token"], **fast},
    }
    file = folder / "provisor.yaml"
    file.write_text(yaml.safe_dump(chosen, sort_keys=False), encoding="utf-8")
    file.chmod(0o600)
    (folder / "truth.yaml").write_text(MAPPING, encoding="utf-8")
    return Settings.load(file, environ={})


def _writes(system: Simulator) -> list[str]:
    """The calls that a simulator had which may have changed something."""
    return [
        f"{each['method']} {each['route']}"
        for each in system.requests()
        if each["method"] not in {"GET", "HEAD"} and each["route"] not in _READS
    ]


def _show(report: TruthReport, folder: Path) -> None:
    shown: Counter[Verdict] = Counter()
    for line in in_order(report):
        shown[line.judgement.verdict] += 1
        if shown[line.judgement.verdict] <= _SHOWN:
            _say(f"  {line.ticket}  {line.judgement.verdict.label}: {line.judgement.because}")
    _say("", *lines_of(report), f"The report: {folder / 'truth.html'} and {folder / 'truth.csv'}")


def _facts(
    site: Site, sizes: Sizes, report: TruthReport, *, snapshot: int, wrote: list[str], seconds: float
) -> dict[str, Any]:
    found = report.verdicts
    ways = {line.ticket: str(line.judgement.reason) for line in report.lines if line.ticket in site.ways}
    left_out = len(report.left_out)
    wrong = sorted(key for key, verdict in site.expected.items() if found.get(key) is not verdict)
    strange = sorted(set(found) - set(site.expected))
    calls = sum(report.certificate.calls.values())
    total = sizes.closed + sizes.left_out
    may_call = snapshot + -(-total // 100) + _MARGIN
    return {
        "ok": not (wrong or strange or wrote)
        and ways == site.ways
        and calls <= may_call
        and left_out == sizes.left_out,
        "tickets": total,
        "expected": {str(verdict): count for verdict, count in Counter(site.expected.values()).items()},
        "found": {str(verdict): count for verdict, count in report.totals.items()},
        "ways_expected": dict(Counter(site.ways.values())),
        "ways_found": dict(Counter(ways.values())),
        "left_out": left_out,
        "wrong": wrong[:10],
        "calls": calls,
        "may_call": may_call,
        "ticket_calls": report.certificate.calls[TICKETS],
        "writes": wrote,
        "seconds": round(seconds, 1),
    }


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
