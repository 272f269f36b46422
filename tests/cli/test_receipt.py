"""A receipt shows what became of one request, and a stranger finds any byte of it that was changed."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.documents import spelled, with_digest
from tasks.sealing import Sealing
from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import BY_HAND, LocalStack
from ticketing.ports import Phase

CHECKER = Path(__file__).parents[2] / "docs" / "examples" / "check_receipt.py"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def over(stack: LocalStack) -> LocalStack:
    """A request that gave access for a while, is over, and is sealed together with others."""
    sealing = Sealing(stack.store, stack.clock)
    stack.grant("other", group=BY_HAND)
    stack.grant("r1", seconds=600, approved_by="linus@example.com", requested_by="grace@example.com")
    stack.run()
    sealing.seal()
    stack.run(11 * MINUTE)
    sealing.seal()
    return stack


def receipt(provisor: RunCommand, config: Path, *words: str) -> Any:
    return provisor("receipt", "r1", "-c", config, "--json", *words).json


def check(file: Path, *words: str) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, "-I", "-O", str(CHECKER), str(file), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_a_receipt_says_who_asked_who_approved_what_was_read_and_that_it_is_gone(
    provisor: RunCommand, config: Path, over: LocalStack
) -> None:
    facts = receipt(provisor, config)
    assert facts["approval"] == {
        "approved_by": "linus@example.com",
        "requested_by": "grace@example.com",
        "known": "as the sender said",
        "sender": "producer:test",
    }
    assert [(step["direction"], step["read_before"], step["state"]) for step in facts["steps"]] == [
        ("give", "absent", "done"),
        ("take", "unread", "done"),
    ]
    assert facts["claim"]["state"] == "ended"
    assert facts["seen_gone"]["at"] == facts["steps"][1]["read_after_at"]
    assert {each["seal"] for each in facts["audit"]} == {1, 2}
    said = provisor("receipt", "r1", "-c", config).out
    assert "approved by linus@example.com (as the sender said)" in said
    assert "seen gone: 2026-" in said


def test_a_ticket_is_in_the_receipt(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    [issue] = stack.tickets.open_issues()
    issue.phase = Phase.DONE
    [step] = receipt(provisor, config)["steps"]
    assert [ticket["key"] for ticket in step["tickets"]] == [issue.ref.key]
    assert receipt(provisor, config)["seen_gone"] is None
    assert f"ticket {issue.ref.key}" in provisor("receipt", "r1", "-c", config).out


def test_an_unknown_request_has_no_receipt(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    assert provisor("receipt", "nobody", "-c", config).code == 1


def test_a_receipt_is_checked_by_a_stranger(
    provisor: RunCommand, config: Path, over: LocalStack, tmp_path: Path
) -> None:
    file = tmp_path / "receipt.json"
    assert provisor("receipt", "r1", "-c", config, "-o", file).code == 0
    with over.store.read() as work:
        newest = work.seals.newest()
    assert newest is not None
    code, said = check(file)
    assert (code, newest.hash in said) == (0, True), said
    assert check(file, newest.hash)[0] == 0
    assert check(file, "0" * 64)[0] == 1
    file.write_bytes(file.read_bytes().replace(b"linus@", b"linux@"))
    assert check(file)[0] == 1


def test_rows_that_wait_for_their_seal_are_said_to(
    provisor: RunCommand, config: Path, stack: LocalStack, tmp_path: Path
) -> None:
    stack.grant("r1")
    stack.run()
    file = tmp_path / "receipt.json"
    assert "in no seal" in provisor("receipt", "r1", "-c", config, "-o", file).out
    assert check(file)[0] == 0


def test_whoever_rewrites_a_receipt_cannot_rewrite_its_rows(
    provisor: RunCommand, config: Path, over: LocalStack, tmp_path: Path
) -> None:
    file, facts = tmp_path / "receipt.json", receipt(provisor, config)
    del facts["document_sha256"]
    file.write_bytes(spelled(with_digest(facts)))
    assert check(file)[0] == 0
    facts["approval"]["approved_by"] = "mallory@example.com"
    file.write_bytes(spelled(with_digest(facts)))
    assert "the approval is not the one in the audit trail" in check(file)[1]
    for proof in facts["audit"]:
        proof["row"]["detail"] |= {"approved_by": "mallory@example.com"} if "action" in proof["row"]["detail"] else {}
    file.write_bytes(spelled(with_digest(facts)))
    assert "is not the one that was sealed" in check(file)[1]


def test_any_byte_that_is_changed_is_found(
    provisor: RunCommand, config: Path, over: LocalStack, tmp_path: Path
) -> None:
    """The checker's own function, in this process: a process for each byte would take minutes."""
    namespace: dict[str, Any] = {"__name__": "checker"}
    exec(compile(CHECKER.read_text(), str(CHECKER), "exec"), namespace)  # noqa: S102 - the file under test
    good = spelled(receipt(provisor, config))
    namespace["check"](good)

    @settings(max_examples=200)
    @given(place=st.integers(0, len(good) - 1), what=st.integers(1, 255), how=st.sampled_from("xid"))
    def a_change_is_found(place: int, what: int, how: str) -> None:
        raw = bytearray(good)
        if how == "x":
            raw[place] ^= what
        elif how == "i":
            raw.insert(place, what)
        else:
            del raw[place]
        with pytest.raises((SystemExit, ValueError, KeyError, TypeError, AttributeError)):
            namespace["check"](bytes(raw))

    a_change_is_found()
