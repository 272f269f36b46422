from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, LocalStack


def _fill(stack: LocalStack) -> None:
    """A grant that is done, one that is over, one with a ticket, and a message that was not accepted."""
    stack.grant("standing", group="jumpcloud:group:ops:member")
    stack.grant("short", seconds=60)
    stack.grant("by-hand", group=BY_HAND)
    stack.intake.take(b'{"id": "broken', content_type="application/json", source="test")
    stack.run(timedelta(minutes=2))


def test_requests_are_listed_newest_first_and_filtered_by_state(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    _fill(stack)
    rows = provisor("requests", "list", "-c", config, "--json").json
    assert [row["id"] for row in rows] == ["by-hand", "short", "standing"]
    open_ones = provisor("requests", "list", "-c", config, "--json", "--state", "fulfilling", "--state", "failed").json
    assert [(row["id"], row["state"]) for row in open_ones] == [("by-hand", "fulfilling")]
    assert len(provisor("requests", "list", "-c", config, "--json", "--limit", "2").json) == 2


def test_a_listing_in_a_pipe_is_plain_and_aligned(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    _fill(stack)
    head, *lines = provisor("requests", "list", "-c", config).out.splitlines()
    assert head.split() == ["ID", "STATE", "ACTION", "SUBJECT", "WHO", "ENTITLEMENT", "RECEIVED", "REASON"]
    assert len(lines) == 3
    assert all(line[head.index("STATE") - 1] == " " != line[head.index("STATE")] for line in lines)
    assert "\x1b" not in head + "".join(lines)


def test_an_empty_listing_says_so_and_is_an_empty_array(provisor: RunCommand, config: Path) -> None:
    for group, said in (
        ("requests", "No requests yet."),
        ("tickets", "No tickets yet."),
        ("claims", "No claims yet."),
        ("dead-letters", "No dead letters."),
    ):
        assert provisor(group, "list", "-c", config).out == f"{said}\n"
        assert provisor(group, "list", "-c", config, "--json").json == []


def test_a_request_is_shown_with_plan_ticket_claim_and_trail(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    _fill(stack)
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


def test_tickets_name_their_requests(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    _fill(stack)
    (row,) = provisor("tickets", "list", "-c", config, "--json", "--state", "open").json
    assert row["request"] == "by-hand"
    assert row["key"]
    assert provisor("tickets", "list", "-c", config, "--json", "--state", "verified").json == []


def test_claims_say_when_they_end_and_why(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    _fill(stack)
    (row,) = provisor("claims", "list", "-c", config, "--json", "--state", "ended").json
    assert row["request"] == "short"
    assert row["duration_seconds"] == 60
    assert "taken away" in row["why_ended"]


def test_what_is_not_there_is_exit_1_with_a_remedy(provisor: RunCommand, config: Path) -> None:
    for arguments in (("requests", "show", "nobody"), ("dead-letters", "show", "7"), ("dead-letters", "resend", "7")):
        ran = provisor(*arguments, "-c", config)
        assert ran.code == 1
        assert "list" in ran.err
        assert "Traceback" not in ran.err


def test_other_peoples_words_cannot_steer_the_terminal(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    stack.grant("sly", reason="\x1b[2J\x1b]0;gone\x07 harmless")
    stack.grant("unknown", subject={"id": "\x1b[31mu9"})
    stack.run()
    for arguments in (("requests", "list"), ("requests", "show", "sly"), ("requests", "show", "unknown")):
        assert "\x1b" not in provisor(*arguments, "-c", config).out


def test_a_listing_that_is_cut_says_how_many_rows_there_are_besides(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    _fill(stack)
    for number in range(3):
        stack.intake.take(b"broken %d" % number, content_type="application/json", source="test")
    for group, total in (("requests", 3), ("claims", 3), ("dead-letters", 4)):
        cut = provisor(group, "list", "-c", config, "--json", "-n", "1")
        assert len(cut.json) == 1
        assert cut.err == f"provisor: There are {total - 1} more. Narrow the listing down, or show all with -n 0.\n"
        whole = provisor(group, "list", "-c", config, "--json", "-n", "0")
        assert (len(whole.json), whole.err) == (total, "")
    failed = provisor("requests", "list", "-c", config, "--json", "-n", "1", "--state", "done", "--state", "failed")
    assert "There are 1 more." in failed.err


def test_requests_that_are_handed_in_and_not_taken_in_yet_are_counted(
    provisor: RunCommand, config: Path, stack: LocalStack, tmp_path: Path
) -> None:
    file = tmp_path / "requests.csv"
    file.write_text(f"id,action,subject_id,entitlement\nt1,grant,u1,{BY_HAND}\nt2,revoke,u1,{BY_HAND}\n")
    provisor("submit", file, "-c", config)
    ran = provisor("requests", "list", "-c", config)
    assert ran.out == "No requests yet.\n"
    assert ran.err == "provisor: 2 more were handed in and are not taken in yet: 'provisor up' takes them in.\n"
    stack.intake.drain_inbox(10)
    assert provisor("requests", "list", "-c", config).err == ""


def test_a_person_says_whose_access_a_request_means_and_the_listing_names_that_account(
    provisor: RunCommand, config: Path, stack: LocalStack
) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.revoke("r1", subject={"email": "countess@example.com"})
    stack.run()
    assert provisor("requests", "settle", "r1", "-c", config, "--account", ADA, "--reason", "asked her").code == 0
    stack.clock.advance(datetime.now(UTC) - stack.clock.now() + timedelta(seconds=1))
    stack.run(timedelta(minutes=1))
    (row,) = provisor("requests", "list", "-c", config, "--json").json
    assert (row["state"], row["account"], row["account_title"]) == ("done", ADA, "ada@example.com")
    assert f"acts on ada@example.com ({ADA})" in provisor("requests", "show", "r1", "-c", config).out
    again = provisor("requests", "settle", "r1", "-c", config, "--account", ADA, "--reason", "again")
    assert again.code == 1
    assert "waits for somebody to say" in again.err
