from __future__ import annotations

from getpass import getuser
from pathlib import Path

from tasks.incoming_message import BEGINNING_BYTES, WHOLE_BYTES
from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import LocalStack


def test_a_dead_letter_is_acknowledged_once_with_a_reason_and_leaves_the_list(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    stack.intake.take(b"not json", content_type=None, source="test")
    (row,) = provisor("dead-letters", "list", "-c", config, "--json").json
    acknowledge = ("dead-letters", "acknowledge", str(row["number"]), "-c", config, "--reason")
    assert provisor(*acknowledge, " ").code == 2
    assert "acknowledged" in provisor(*acknowledge, "the producer is mended").out
    assert "was over before" in provisor(*acknowledge, "again").out
    assert provisor("dead-letters", "list", "-c", config, "--json").json == []
    (listed,) = provisor("dead-letters", "list", "--all", "-c", config, "--json").json
    assert listed["acknowledged_why"] == "the producer is mended"
    assert "body" not in listed
    assert provisor("dead-letters", "resend", "--all", "-c", config, "--json").json == []
    with stack.store.read() as work:
        [told] = [row for _, row in work.audit.after(0, limit=10) if row.event == "dead_letter.acknowledged"]
    assert (told.actor, told.detail) == (f"operator:{getuser()}", {"reason": "the producer is mended"})


def test_of_a_long_dead_letter_the_beginning_is_shown_and_it_cannot_be_sent_again(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    stack.intake.take(b"x" * (WHOLE_BYTES + 1), content_type=None, source="test")
    shown = provisor("dead-letters", "show", "1", "-c", config, "--json").json
    assert (shown["bytes"], shown["bytes_kept"]) == (WHOLE_BYTES + 1, BEGINNING_BYTES)
    again = provisor("dead-letters", "resend", "1", "-c", config)
    assert (again.code, "only the beginning is kept" in again.err) == (1, True)


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
