from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import LocalStack

POLICY = """
ticket: {project: OPS}
rules:
  - {pattern: "jumpcloud:group:Root*:member", give: deny}
  - {pattern: "jumpcloud:group:*:member", max_duration: 8h, required: [approved_by]}
"""


def test_a_policy_is_checked_and_odd_rules_are_told(provisor: RunCommand, tmp_path: Path) -> None:
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


def test_a_policy_is_explained_rule_by_rule(provisor: RunCommand, tmp_path: Path) -> None:
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


def test_what_cannot_be_explained_is_exit_1(provisor: RunCommand, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    assert "is not an entitlement" in provisor("policy", "explain", "jira:group:x", "--policy", file).err
    ran = provisor("policy", "explain", "jira:account:exists")
    assert (ran.code, "No policy file is set" in ran.err) == (1, True)


def test_a_policy_is_checked_though_the_settings_cannot_be_used(
    provisor: RunCommand, configure: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    ran = provisor("policy", "check", file, "-c", configure(provisioning="perhaps"))
    assert (ran.code, "2 rules" in ran.out) == (0, True)
    assert ran.err.startswith("provisor: The policy is checked without the settings. The settings cannot be used:")


def test_a_changed_policy_is_compared_with_what_is_held(
    provisor: RunCommand, configure: Callable[..., Path], stack: LocalStack, tmp_path: Path
) -> None:
    stack.grant("r1")
    stack.run()
    now, changed = tmp_path / "policy.yaml", tmp_path / "changed.yaml"
    now.write_text("ticket: {project: OPS}\nrules: [{pattern: 'jumpcloud:*'}]")
    changed.write_text("ticket: {project: OPS}\nrules: [{pattern: 'jira:*'}]")
    config = configure(policy=str(now))
    assert "Nothing that is held now would be otherwise." in provisor("policy", "diff", now, "-c", config).out
    (row,) = provisor("policy", "diff", changed, "-c", config, "--json").json
    assert (row["means"], row["request_id"]) == ("refused", "r1")
    assert "No policy rule matches" in row["why"]
