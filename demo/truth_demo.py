"""``python -m demo.truth_demo``: the truth audit on a simulated site with planted lies; the last line is JSON.

``ok``, how many tickets of each class were planted and how many were found in each, the calls and what they may be, the seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from access.clock import SystemClock
from access.truth import Verdict
from config.settings import Settings
from demo.patience import slowness
from demo.simulators import Simulator, SimulatorProblem, simulated_systems
from demo.truth_site import MAPPING, Site, Sizes, actions_of, planted
from worker.truth import TICKETS, TruthAuditor

#: What an audit may call besides one snapshot and the pages of tickets.
_MARGIN = 20
#: Lines of the report that are shown of each verdict.
_SHOWN = 3
#: In seconds of a quiet machine.
_AUDIT_SECONDS = 120.0
#: POST routes that only read.
_READS = frozenset(
    {
        "/rest/api/3/search/jql",
        "/rest/api/3/changelog/bulkfetch",
        "/insights/directory/v1/events",
        "/api/search/systemusers",
    }
)


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
    """Plant a site, audit its tickets by the command, and compare; what came out. Raises ``SimulatorProblem``."""
    site = planted(time.time(), sizes)
    _say(f"{sizes.closed} closed tickets are planted, of which {len(site.ways)} are untrue in four ways.")
    with simulated_systems(folder, site.content) as started:
        jumpcloud, jira = started()
        for ago, verb, details in actions_of(site.role_changes):
            jira.set_time(-ago)
            jira.act(verb, **details)
        jira.set_time(0)
        snapshot = _calls_of_a_snapshot(_settings(folder, jumpcloud, jira))
        for each in (jumpcloud, jira):
            each.forget_requests()
        began = time.monotonic()
        report = _audit(folder)
        seconds = time.monotonic() - began
        wrote = [each for system in (jumpcloud, jira) for each in _writes(system)]
    _say(*_in_words(report), f"The report to hand on: {folder / 'truth.html'} and {folder / 'truth.csv'}")
    return _facts(site, sizes, report, snapshot=snapshot, wrote=wrote, seconds=seconds)


def _audit(folder: Path) -> dict[str, Any]:
    """What ``provisor truth`` prints, as a stranger would type it. Raises ``SimulatorProblem``."""
    command = [sys.executable, "-m", "provisor", "truth", "--last", "100000", "--json"]
    command += ["--config", "provisor.yaml", "--mapping", "truth.yaml", "--html", "truth.html", "--output", "truth.csv"]
    _say(f"provisor {' '.join(command[3:])}")
    root = str(Path(__file__).resolve().parents[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PROVISOR_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH"))))
    try:
        ended = subprocess.run(  # noqa: S603 - the command is made above
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_AUDIT_SECONDS * slowness(),
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise SimulatorProblem("The audit came to no end.") from exc
    if ended.returncode != 0:
        raise SimulatorProblem(f"The audit ended with {ended.returncode}: {ended.stderr[-500:]}")
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


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


def _in_words(report: Mapping[str, Any]) -> Iterator[str]:
    """Some lines of each verdict, and the totals."""
    shown: Counter[str] = Counter()
    for line in report["lines"]:
        shown[line["verdict"]] += 1
        if shown[line["verdict"]] <= _SHOWN:
            yield f"  {line['ticket']}  {Verdict(line['verdict']).label}: {line['because']}"
    yield ""
    for verdict, count in report["totals"].items():
        yield f"{count:>6}  {Verdict(verdict).label}"
    yield f"{len(report['left_out']):>6}  left out: declined, or not closed"
    yield ""


def _facts(
    site: Site, sizes: Sizes, report: Mapping[str, Any], *, snapshot: int, wrote: Sequence[str], seconds: float
) -> dict[str, Any]:
    found = {line["ticket"]: line["verdict"] for line in report["lines"]}
    ways = {line["ticket"]: line["reason"] for line in report["lines"] if line["ticket"] in site.ways}
    wrong = sorted(key for key, verdict in site.expected.items() if found.get(key) != verdict)
    strange = sorted(set(found) - set(site.expected))
    calls = report["certificate"]["calls"]
    total, left_out = sizes.closed + sizes.declined, len(report["left_out"])
    may_call = snapshot + -(-total // 100) + _MARGIN
    in_class = not (wrong or strange) and ways == site.ways and left_out == sizes.declined
    return {
        "ok": in_class and not wrote and sum(calls.values()) <= may_call,
        "tickets": total,
        "expected": {str(verdict): count for verdict, count in Counter(site.expected.values()).items()},
        "found": report["totals"],
        "ways_expected": dict(Counter(site.ways.values())),
        "ways_found": dict(Counter(ways.values())),
        "left_out": left_out,
        "wrong": wrong[:10],
        "calls": sum(calls.values()),
        "may_call": may_call,
        "ticket_calls": calls[TICKETS],
        "writes": list(wrote),
        "seconds": round(seconds, 1),
    }


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
