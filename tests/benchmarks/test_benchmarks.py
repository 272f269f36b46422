from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TINY = (
    *("--users=30", "--groups=4", "--memberships=60"),
    *("--jira-users=30", "--jira-groups=4", "--jira-projects=3", "--organization-projects=3"),
    *("--sync-rounds=1", "--sample=5"),
)
TINY_FULFILMENT = ("--requests=5", "--rounds=1", "--messages=3", "--only=embedded")


def _run(module: str, *options: str) -> subprocess.CompletedProcess[str]:
    # A benchmark of all is named before the options.
    named, rest = (options[:1], options[1:]) if options and not options[0].startswith("-") else ((), options)
    command = [sys.executable, "-m", module, *named, "--json", *rest]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _aims(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The aims in the last line, each of which says whether it was met."""
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout.splitlines()[-1])["aims"]
    assert found
    for aim in found:
        assert set(aim) == {"name", "value", "aim", "better", "met"}
        reached = aim["value"] >= aim["aim"] if aim["better"] == "higher" else aim["value"] <= aim["aim"]
        assert aim["met"] is reached
    return found


@pytest.mark.long
def test_the_last_line_of_the_sync_benchmark_is_its_aims() -> None:
    aims = _aims(_run("benchmarks.sync", "--section=budget", *TINY))
    assert [aim["name"].partition(":")[0] for aim in aims] == ["JumpCloud", "JumpCloud", "Jira", "Jira"]


@pytest.mark.long
def test_a_snapshot_without_what_the_tenant_was_to_have_is_a_wrong_result() -> None:
    # Forty people cannot hold four hundred memberships of one group.
    ended = _run("benchmarks.sync", "--section=memory", "--memory-users=40")
    assert ended.returncode == 1
    assert "Wrong result: The snapshot shows" in ended.stderr
    assert not ended.stdout


@pytest.mark.long
def test_a_missed_aim_is_no_failure() -> None:
    # What a second sync asks for does not grow with the tenant, so of a tiny first one it is always too much.
    aims = _aims(_run("benchmarks.sync", "--section=memory", "--memory-users=500", *TINY))
    assert [aim["met"] for aim in aims if aim["name"].startswith("Jira with its organization")] == [False]


@pytest.mark.long
def test_the_speed_of_a_sync_is_that_of_a_snapshot_the_plain_client_agrees_with() -> None:
    names = [aim["name"].partition(": ")[2] for aim in _aims(_run("benchmarks.sync", "--section=speed", *TINY))]
    assert names.count("times faster than a plain client at 50 ms") == 2
    assert names.count("calls, for each call of the formula") == 4


@pytest.mark.long
def test_the_last_line_of_the_expiry_benchmark_is_its_aims() -> None:
    ended = _run("benchmarks.expiry", "--spread=5", "--waiting=20", "--at-once=20", "--seconds=3")
    assert "p95 lag of removals" in _aims(ended)[0]["name"]


@pytest.mark.long
def test_the_calls_of_grants_and_removals_are_what_they_are_to_be() -> None:
    ended = _run("benchmarks", "calls", "--grants=100", "--people=20", "--things=10", "--singles=3")
    found = {aim["name"]: aim["value"] for aim in _aims(ended)}
    for system in ("jumpcloud", "jira"):
        assert found[f"calls of one, {system} groups, single"] == 4
        assert found[f"calls of one, {system} groups, many"] < 3
        assert found[f"calls of one, {system} groups, removals"] < 2.5


@pytest.mark.long
def test_all_benchmarks_run_together_with_the_options_of_each() -> None:
    ended = _run("benchmarks", "--section=budget", "--intake-messages=200", *TINY, *TINY_FULFILMENT)
    names = " ".join(aim["name"] for aim in _aims(ended))
    assert "fulfilment rate, embedded" in names
    assert "share of the default rate budget" in names
    assert "intake rate" in names


def test_a_request_is_traced_alike_every_time() -> None:
    seen = []
    for _ in range(2):
        ended = _run("benchmarks.flow")
        assert ended.returncode == 0, ended.stderr
        figures = json.loads(ended.stdout)["figures"]
        seen.append([(figures[each]["modules"], figures[each]["changes"]) for each in ("first", "second")])
    assert seen[0] == seen[1]
    assert min(min(seen[0])) > 0
