from __future__ import annotations

from pathlib import Path

from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import LocalStack


def test_a_dead_letter_is_shown_with_reason_and_body_and_can_be_sent_again_once(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    stack.intake.take(b'{"id": "broken', content_type="application/json", source="test")
    (row,) = provisor("dead-letters", "list", "-c", config, "--json").json
    assert "not JSON" in row["reason"]
    shown = provisor("dead-letters", "show", str(row["number"]), "-c", config).out
    assert '{"id": "broken' in shown
    assert provisor("dead-letters", "resend", "--all", "-c", config, "--json").json == [
        {"number": row["number"], "resent": True}
    ]
    assert stack.intake.drain_inbox(10) == 1
    again = provisor("dead-letters", "resend", str(row["number"]), "-c", config)
    assert "was sent again before" in again.out
    assert len(provisor("dead-letters", "list", "-c", config, "--json").json) == 1, (
        "it was refused again, as another letter"
    )
