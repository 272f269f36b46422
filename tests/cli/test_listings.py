from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.cli.ran import Run
from tests.fakes.local_stack import BY_HAND, LocalStack


def _lived(stack: LocalStack) -> None:
    """A grant that is done, one that is over, one with a ticket, and a message that was not accepted."""
    stack.grant("standing", group="jumpcloud:group:ops:member")
    stack.grant("short", seconds=60)
    stack.grant("by-hand", group=BY_HAND)
    stack.intake.take(b'{"id": "broken', content_type="application/json", source="test")
    stack.run(timedelta(minutes=2))


def test_requests_are_listed_newest_first_and_filtered_by_state(provisor: Run, config: Path, stack: LocalStack) -> None:
    _lived(stack)
    rows = provisor("requests", "list", "-c", config, "--json").json
    assert [row["id"] for row in rows] == ["by-hand", "short", "standing"]
    open_ones = provisor("requests", "list", "-c", config, "--json", "--state", "fulfilling", "--state", "failed").json
    assert [(row["id"], row["state"]) for row in open_ones] == [("by-hand", "fulfilling")]
    assert len(provisor("requests", "list", "-c", config, "--json", "--limit", "2").json) == 2


def test_a_listing_in_a_pipe_is_plain_and_aligned(provisor: Run, config: Path, stack: LocalStack) -> None:
    _lived(stack)
    head, *lines = provisor("requests", "list", "-c", config).out.splitlines()
    assert head.split() == ["ID", "STATE", "ACTION", "SUBJECT", "ENTITLEMENT", "RECEIVED", "REASON"]
    assert len(lines) == 3
    assert all(line[head.index("STATE") - 1] == " " != line[head.index("STATE")] for line in lines)
    assert "\x1b" not in head + "".join(lines)


def test_an_empty_listing_says_so_and_is_an_empty_array(provisor: Run, config: Path) -> None:
    for group, said in (
        ("requests", "No requests yet."),
        ("tickets", "No tickets yet."),
        ("claims", "No claims yet."),
        ("dead-letters", "No dead letters."),
    ):
        assert provisor(group, "list", "-c", config).out == f"{said}\n"
        assert provisor(group, "list", "-c", config, "--json").json == []


def test_a_request_is_shown_with_plan_ticket_claim_and_trail(provisor: Run, config: Path, stack: LocalStack) -> None:
    _lived(stack)
    shown = provisor("requests", "show", "short", "-c", config).out
    assert "Request short: done" in shown
    assert "1. give group api" in shown
    assert "why: policy rule 'jumpcloud:*' and the API allow it" in shown
    assert "2. take away group api" in shown
    assert "since its time is up: done" in shown
    assert "was the access there before: no" in shown
    assert [word for word in ("request.received", "operation.done", "claim.ended") if word not in shown] == []
    facts = provisor("requests", "show", "by-hand", "-c", config, "--json").json
    (operation,) = facts["operations"]
    assert operation["state"] == "with_person"
    assert operation["tickets"][0]["state"] == "open"
    assert facts["claim"]["state"] == "pending"


def test_tickets_name_their_requests(provisor: Run, config: Path, stack: LocalStack) -> None:
    _lived(stack)
    (row,) = provisor("tickets", "list", "-c", config, "--json", "--state", "open").json
    assert row["request"] == "by-hand"
    assert row["key"]
    assert provisor("tickets", "list", "-c", config, "--json", "--state", "verified").json == []


def test_claims_say_when_they_end_and_why(provisor: Run, config: Path, stack: LocalStack) -> None:
    _lived(stack)
    (row,) = provisor("claims", "list", "-c", config, "--json", "--state", "ended").json
    assert row["request"] == "short"
    assert row["duration_seconds"] == 60
    assert "taken away" in row["why_ended"]


def test_a_dead_letter_is_shown_with_reason_and_body_and_can_be_sent_again_once(
    provisor: Run, config: Path, stack: LocalStack
) -> None:
    _lived(stack)
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


def test_what_is_not_there_is_exit_1_with_a_remedy(provisor: Run, config: Path) -> None:
    for arguments in (("requests", "show", "nobody"), ("dead-letters", "show", "7"), ("dead-letters", "resend", "7")):
        ran = provisor(*arguments, "-c", config)
        assert ran.code == 1
        assert "list" in ran.err
        assert "Traceback" not in ran.err


def test_other_peoples_words_cannot_steer_the_terminal(provisor: Run, config: Path, stack: LocalStack) -> None:
    stack.grant("sly", reason="\x1b[2J\x1b]0;gone\x07 harmless")
    stack.grant("unknown", subject={"id": "\x1b[31mu9"})
    stack.run()
    for arguments in (("requests", "list"), ("requests", "show", "sly"), ("requests", "show", "unknown")):
        assert "\x1b" not in provisor(*arguments, "-c", config).out


def test_no_store_yet_is_said_and_none_is_made(provisor: Run, tmp_path: Path) -> None:
    config = tmp_path / "other.yaml"
    config.write_text(f"store: {{url: 'sqlite:///{tmp_path}/new.db'}}")
    ran = provisor("requests", "list", "-c", config)
    assert ran.code == 1
    assert "There is no store" in ran.err
    assert not (tmp_path / "new.db").exists()


def test_a_file_that_is_no_store_is_said(provisor: Run, tmp_path: Path) -> None:
    (tmp_path / "new.db").write_text("I am a poem, not a database, and rather long for one at that. " * 20)
    config = tmp_path / "other.yaml"
    config.write_text(f"store: {{url: 'sqlite:///{tmp_path}/new.db'}}")
    ran = provisor("requests", "list", "-c", config)
    assert ran.code == 1
    assert "cannot be used" in ran.err
    assert "Traceback" not in ran.err


def test_a_database_that_is_away_is_said_without_its_password(provisor: Run, tmp_path: Path) -> None:
    config = tmp_path / "other.yaml"
    config.write_text("store: {url: 'postgresql://provisor:opensesame@127.0.0.1:1/provisor'}")
    ran = provisor("requests", "list", "-c", config)
    assert ran.code == 1
    assert "postgresql://provisor:***@127.0.0.1:1/provisor cannot be used" in ran.err
    assert "opensesame" not in ran.err
    assert "Traceback" not in ran.err
