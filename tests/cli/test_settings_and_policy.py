from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.ran import Run

POLICY = """
ticket: {project: OPS}
rules:
  - {pattern: "jumpcloud:group:Root*:member", give: deny}
  - {pattern: "jumpcloud:group:*:member", max_duration: 8h, required: [approved_by]}
"""


def test_settings_are_listed_with_where_they_were_written_and_without_secrets(
    provisor: Run, configure: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(jumpcloud={"api_key": "topsecretkey"})
    monkeypatch.setenv("PROVISOR_WORKER__CONCURRENCY", "7")
    ran = provisor("settings", "-c", config, "--json")
    rows = {row["key"]: row for row in ran.json}
    assert rows["worker.concurrency"] == {
        "key": "worker.concurrency",
        "value": 7,
        "from": "environment variable PROVISOR_WORKER__CONCURRENCY",
    }
    assert rows["jumpcloud.api_key"]["value"] == "(set)"
    assert rows["jumpcloud.api_key"]["from"] == str(config)
    assert rows["jira.email"]["from"] == "default"
    assert "topsecretkey" not in ran.out + provisor("settings", "-c", config).out


def test_settings_that_cannot_be_used_are_exit_1_with_all_that_is_wrong(
    provisor: Run, configure: Callable[..., Path]
) -> None:
    config = configure(provisioning="perhaps", worker={"concurency": 3})
    ran = provisor("settings", "-c", config)
    assert ran.code == 1
    assert "provisioning" in ran.err
    assert "did you mean worker.concurrency?" in ran.err
    assert "Traceback" not in ran.err


def test_a_policy_is_checked_and_odd_rules_are_told(provisor: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY + '  - {pattern: "jumpcloud:group:Ops:member"}\n')
    ran = provisor("policy", "check", file)
    assert ran.code == 0
    assert "3 rules" in ran.out
    assert "never matches" in ran.out
    file.write_text("ticket: {project: OPS}\nrules: [{pattern: 'nowhere:*', give: perhaps}]")
    ran = provisor("policy", "check", file)
    assert ran.code == 1
    assert "rule 1" in ran.err


def test_a_policy_is_explained_rule_by_rule(provisor: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    denied = provisor("policy", "explain", "jumpcloud:group:Root access:member", "--policy", file, "--json").json
    assert (denied["rule"], denied["give"]) == (1, "deny")
    allowed = provisor("policy", "explain", "jumpcloud:group:Ops:member", "--policy", file).out
    assert "rule: 2" in allowed
    assert "max duration: 8:00:00" in allowed
    assert "ticket project: OPS" in allowed
    unknown = provisor("policy", "explain", "jira:account:exists", "--policy", file)
    assert (unknown.code, "No rule" in unknown.out) == (0, True)


def test_what_cannot_be_explained_is_exit_1(provisor: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    assert "is not an entitlement" in provisor("policy", "explain", "jira:group:x", "--policy", file).err
    ran = provisor("policy", "explain", "jira:account:exists")
    assert (ran.code, "No policy file is set" in ran.err) == (1, True)
