from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from getpass import getuser
from pathlib import Path

import pytest
import yaml

from access.fuse import FuseLimits
from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import GROUP, LocalStack
from tests.fakes.reconciled_stack import take_snapshot

BOB = "u2"
POLICY = {
    "ticket": {"project": "OPS"},
    "rules": [{"pattern": "jumpcloud:*"}],
    "reconcile": [{"pattern": "jumpcloud:*", "profile": "strict"}],
    "owners": [{"pattern": "jumpcloud:*", "owner": "linus"}],
}


@pytest.fixture
def config(configure: Callable[..., Path], tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    return configure(policy=str(tmp_path / "policy.yaml"))


@pytest.fixture
def strict(provisor: RunCommand, config: Path, stack: LocalStack) -> LocalStack:
    """A store in which Bob has access that nothing explains."""
    take_snapshot(stack, [GROUP])
    assert "1 resource managed newly" in provisor("reconcile", "--system", "jumpcloud", "-c", config).out
    stack.clock.advance(timedelta(seconds=1))
    stack.system.change(BOB, GROUP, present=True)
    take_snapshot(stack, [GROUP])
    return stack


def test_reconcile_says_what_it_found_and_makes_a_plan(provisor: RunCommand, config: Path, strict: LocalStack) -> None:
    shown = provisor("reconcile", "-c", config).out
    assert "JumpCloud: 1 open finding (1 unexpected)" in shown
    assert "plan PL-1: see 'provisor plans show PL-1'" in shown
    assert "Jira: not compared. There is no complete snapshot yet." in shown
    assert strict.system.has(BOB, GROUP), "nothing is changed by it"
    rows = provisor("reconcile", "-c", config, "--json").json
    assert [(row["system"], row["compared"]) for row in rows] == [("jumpcloud", True), ("jira", False)]


def test_findings_are_listed_and_shown(provisor: RunCommand, config: Path, strict: LocalStack) -> None:
    del strict
    assert provisor("findings", "list", "-c", config).out == "No findings.\n"
    provisor("reconcile", "-c", config)
    [row] = provisor("findings", "list", "-c", config, "--json").json
    assert (row["kind"], row["account_id"], row["done_by"]) == ("unexpected", BOB, "not known")
    assert row["reaction"] == "take by plan PL-1: waiting"
    shown = provisor("findings", "show", row["id"], "-c", config).out
    assert f"Finding {row['id']}: unexpected, open - api is explained by no claim" in shown
    assert provisor("findings", "list", "-c", config, "--kind", "missing", "--json").json == []
    [summary] = provisor("findings", "digest", "-c", config, "--json").json
    assert (summary["owner"], summary["open"], summary["findings"]) == ("linus", 1, [row["id"]])
    [theirs] = provisor("findings", "digest", "--owner", "linus", "-c", config, "--json").json
    assert theirs == row
    assert provisor("findings", "digest", "--owner", "ada", "-c", config).out == "No findings.\n"
    missing = provisor("findings", "show", 999, "-c", config)
    assert (missing.code, "There is no finding 999." in missing.err) == (1, True)


def test_who_made_a_plan_by_command_may_not_approve_it(provisor: RunCommand, config: Path, strict: LocalStack) -> None:
    del strict
    provisor("reconcile", "-c", config)
    refused = provisor("plans", "approve", "PL-1", "--reason", "mine", "-c", config)
    assert (refused.code, f"{getuser()} made this plan" in refused.err) == (1, True)
    assert provisor("plans", "drop", "PL-1", "--reason", "a mistake", "-c", config).code == 0
    [plan] = provisor("plans", "list", "-c", config, "--json").json
    assert (plan["state"], plan["dropped"]) == ("dropped", 1)


def test_with_the_setting_it_may_be_and_that_is_recorded(
    provisor: RunCommand, configure: Callable[..., Path], config: Path, strict: LocalStack, tmp_path: Path
) -> None:
    del strict
    provisor("reconcile", "-c", config)
    configure(policy=str(tmp_path / "policy.yaml"), plans={"self_approval": True})
    assert "approved by" in provisor("plans", "approve", "PL-1", "--reason", "alone here", "-c", config).out
    shown = provisor("plans", "show", "PL-1", "-c", config, "--json").json
    assert (shown["state"], shown["self_approved"], shown["approved_why"]) == ("approved", True, "alone here")
    assert shown["certificate"]["jumpcloud"]["run"].startswith("sy-")
    [line] = shown["each"]
    assert (line["account_id"], line["entitlement"], line["reaction"]) == (BOB, GROUP, "take")
    text = provisor("plans", "show", "PL-1", "-c", config).out
    assert "Plan PL-1: approved" in text
    assert "stands on: jumpcloud: snapshot sy-" in text


def test_exceptions_need_an_owner_or_a_date(provisor: RunCommand, config: Path, strict: LocalStack) -> None:
    provisor("reconcile", "-c", config)
    [row] = provisor("findings", "list", "-c", config, "--json").json
    number = row["id"]
    ignored = provisor("findings", "ignore", number, "--until", "2100-01-01", "--reason", "on leave", "-c", config)
    assert "left as it is until 2100-01-01T00:00:00Z" in ignored.out
    bad = provisor("findings", "ignore", number, "--until", "soon", "--reason", "on leave", "-c", config)
    assert (bad.code, "'soon' is no date." in bad.err) == (1, True)
    adopted = provisor(
        "findings", "adopt", number, "--owner", "linus", "--reason", "on call", "--for", "30d", "-c", config
    )
    assert f"request adopt-{number} claims the access" in adopted.out
    assert strict.request(f"adopt-{number}").message.requested_by == "linus"


def test_removals_that_the_fuse_holds_are_released_or_dropped_by_name(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    stack = LocalStack.over(stack.store, like=stack, fuse=FuseLimits())
    for number in range(52):
        name = f"jumpcloud:group:g{number}:member"
        stack.system.change(BOB, name, present=True)
        stack.revoke(f"r{number}", group=name, subject={"id": BOB})
    stack.run()
    [alarm] = provisor("alarms", "-c", config, "--json").json
    assert (alarm["kind"], "provisor requests release test" in alarm["remedy"]) == ("held", True)
    # Held until moments of the stack's own clock, which the command's is long past.
    nothing = provisor("requests", "drop", "elsewhere", "--reason", "a script", "-c", config)
    assert (nothing.code, "holds no removals" in nothing.err) == (1, True)
