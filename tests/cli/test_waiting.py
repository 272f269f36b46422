from __future__ import annotations

from pathlib import Path

from tests.cli.command_result import RunCommand
from tests.fakes.faults import Fault
from tests.fakes.local_stack import BY_HAND, LocalStack


def test_what_waits_and_what_is_alarming_are_listed_with_what_to_do(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    assert provisor("alarms", "-c", config).out == "No alarms.\n"
    stack.system.faults.lasting = Fault.LOCKED_OUT
    stack.grant("r1")
    stack.run()
    [found] = [row for row in provisor("waiting", "-c", config, "--json").json if row["kind"] == "fault"]
    assert [row["request"] for row in found["rows"]] == ["r1"]
    assert "jumpcloud: The credential is refused." in provisor("waiting", "-c", config).out
    [alarm] = provisor("alarms", "-c", config, "--json").json
    assert (alarm["kind"], alarm["what"]) == ("fault", "jumpcloud: The credential is refused.")
    assert len(provisor("alarms", "-c", config, "--all", "--json").json) == 1


def test_requests_operations_and_claims_are_decided_about_by_their_ids(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    stack.grant("r1")
    stack.grant("r2", group=BY_HAND)
    stack.run()
    claim, operation = stack.claim("r1").id, stack.operation("r2").id
    because = ("-c", config, "--reason", "a mistake")
    assert provisor("operations", "list", "-c", config, "--json", "--state", "with_person").json[0]["id"] == operation
    assert "ends as soon as" in provisor("claims", "cancel", claim, *because).out
    assert "called back" in provisor("operations", "cancel", operation, *because).out
    refused = provisor("requests", "cancel", "r2", *because)
    assert refused.code == 1
    assert "withdrawn already" in refused.err
    for command in (
        ("operations", "retry", operation),
        ("operations", "settle", operation),
        ("claims", "retry", claim),
    ):
        assert provisor(*command, *because).code == 1
