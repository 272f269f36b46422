"""The whole command ``provisor sync`` beside the recorded calls of public connectors, in one run, on the same simulators."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.plain_clients import PlainClient
from benchmarks.recorded_clients import RecordedJira, RecordedJumpCloud
from benchmarks.report import Aim, Report, Table, WrongResult
from benchmarks.simulated import Simulated
from benchmarks.tenants import MANY_IN_FLIGHT, UNBOUND

_ROOT = Path(__file__).resolve().parents[1]
_LATENCIES_MS = (0, 50)
#: How many users a tenant has, and groups.
_TENANTS = {250: 20, 1200: 40}
#: Times faster at 50 ms; at 0 ms nobody is to wait twice as long as for the connector.
_AIMS = {"jumpcloud": 8.0, "jira": 1.2}
_NOT_SLOWER = 0.5
_IN_FLIGHT = 10


def measure(report: Report, options: argparse.Namespace) -> None:
    """Raises ``WrongResult``."""
    rows = []
    for users, groups in _TENANTS.items():
        if users > options.command_users:
            continue
        sizes = {"users": users, "groups": groups, "memberships": 5 * users, "apps": 5, "admins": 6, "projects": 10}
        with Simulated("jumpcloud", "jira", **sizes) as services, TemporaryDirectory(prefix="sync-command-") as folder:
            for system, client in _clients(services).items():
                ratios = {}
                for ms in _LATENCIES_MS:
                    services.latency(ms)
                    ours, theirs, calls = _side_by_side(Path(folder), services, system, client, options.sync_rounds)
                    ratios[ms] = theirs / ours
                    rows.append((f"{system}, {users} users, {ms} ms", ours, theirs, *calls, f"{ratios[ms]:.2f}"))
                name = f"provisor sync, {system}, {users} users, times faster than its connector at"
                report.aims.append(Aim(f"{name} 50 ms", ratios[50], _AIMS[system], "higher"))
                report.aims.append(Aim(f"{name} 0 ms", ratios[0], _NOT_SLOWER, "higher"))
                services.latency(0)
    columns = ("which", "command, s", "connector's calls, s", "calls", "its calls", "times faster")
    title = f"The whole command, no rate budget, beside the recorded calls (JumpCloud one by one, Jira {_IN_FLIGHT} in flight)"
    report.tables.append(Table(title, columns, rows))
    report.figures["command"] = [dict(zip(columns, row, strict=True)) for row in rows]


def _clients(services: Simulated) -> dict[str, Callable[[], PlainClient]]:
    return {
        "jumpcloud": lambda: RecordedJumpCloud(services.facts["jumpcloud"]),
        "jira": lambda: RecordedJira(services.facts["jira"], workers=_IN_FLIGHT),
    }


def _side_by_side(
    folder: Path, services: Simulated, system: str, client: Callable[[], PlainClient], rounds: int
) -> tuple[float, float, tuple[int, int]]:
    """Seconds of ours and theirs, the median of some rounds in turn, and the calls of each."""
    ours, theirs = [], []
    calls = (0, 0)
    for number in range(rounds):
        services.forget_calls()
        ours.append(_command(folder / f"{system}-{number}-{time.monotonic_ns()}", services, system))
        made = int(services.calls(system=system)["total"])
        reading = client().read()
        theirs.append(reading.seconds)
        calls = (made, reading.calls)
    return median(ours), median(theirs), calls


def _command(folder: Path, services: Simulated, system: str) -> float:
    """The seconds of the command, from its start to its end, on a new store."""
    folder.mkdir()
    config = folder / "provisor.yaml"
    config.write_text(yaml.safe_dump(_settings(folder, services, system)), encoding="utf-8")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PROVISOR_")}
    began = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "provisor", "sync", "--system", system, "--full", "--config", str(config)],
        cwd=_ROOT,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise WrongResult(f"provisor sync failed: {ended.stdout}{ended.stderr}")
    return time.perf_counter() - began


def _settings(folder: Path, services: Simulated, system: str) -> dict[str, Any]:
    facts = services.facts[system]
    reached = {
        "jumpcloud": {"api_url": facts["url"], "insights_url": facts["url"], "api_key": facts.get("api_key")},
        "jira": {"site_url": facts["url"], "email": facts.get("email"), "api_token": facts.get("token")},
    }[system]
    return {
        "store": {"url": f"sqlite:///{folder / 'provisor.db'}"},
        system: {**reached, **UNBOUND, "concurrency": MANY_IN_FLIGHT},
        "sync": {"jumpcloud_method": "listing"},
    }
