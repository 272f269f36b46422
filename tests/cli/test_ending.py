"""``provisor end`` and ``provisor extend``: what is meant is shown, asked for, and handed in as ordinary requests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from access.fuse import FuseLimits, Limit
from access.lifecycle import ClaimState, RequestState
from cli.os_user import os_user
from store.unit_of_work import Store
from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import GROUP, START, LocalStack

OPS = "jumpcloud:group:ops:member"
WHY = ("--reason", "the incident is over")
ACTIVE, ENDED = ClaimState.ACTIVE, ClaimState.ENDED


@pytest.fixture
def company(stack: LocalStack) -> LocalStack:
    """Ada with access for an hour and standing access, Bob with access for an hour, and Ada's that begins tomorrow."""
    stack.grant("ada-hour", seconds=3600)
    stack.grant("ada-ops", group=OPS)
    stack.grant("bob-hour", seconds=3600, subject={"id": "u2"})
    stack.grant(
        "ada-later", group=OPS, starts_at=(START + timedelta(days=1)).isoformat(), subject={"email": "ada@example.com"}
    )
    stack.run()
    return stack


def carry_out(stack: LocalStack) -> None:
    stack.intake.drain_inbox(100)
    stack.plans.run_due()
    stack.run(timedelta(minutes=1))


def test_an_access_is_extended_by_the_request_that_gave_it(
    provisor: RunCommand, config: Path, company: LocalStack
) -> None:
    ran = provisor("extend", "ada-hour", "--for", "2h", *WHY, "-c", config, "--json")
    assert (ran.code, ran.json["extends"], ran.json["ends_at"]) == (0, "ada-hour", "2026-11-22T10:00:00Z")
    carry_out(company)
    extension = company.request(ran.json["request"])
    assert (extension.state, extension.source) == (RequestState.DONE, f"inbox:{os_user()}")
    assert (extension.message.reason, extension.message.requested_by) == (WHY[1], os_user())
    before, after = company.claim("ada-hour").ends_at, company.claim(extension.id).ends_at
    assert before is not None
    assert after == before + timedelta(hours=2)
    again = provisor("extend", extension.id, "--until", "2026-11-22T20:00:00+01:00", *WHY, "-c", config).out
    assert "lasts until 2026-11-22T12:00:00Z now." in again
    carry_out(company)
    assert company.claim("ada-hour").state is ENDED


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nothing", "--for", "2h"), 1, "There is nothing to extend of nothing."),
        (("ada-hour",), 2, "Name --for or --until"),
        (("ada-hour", "--for", "2h", "--until", "2026-12-01T18:00:00Z"), 2, "Name --for or --until"),
        (("ada-hour", "--for", "2 fortnights"), 2, "is not a duration"),
        (("ada-hour", "--until", "tomorrow"), 2, "is not a moment with its offset"),
        (("ada-hour", "--until", "2026-12-01T18:00:00"), 2, "is not a moment with its offset"),
    ],
)
def test_an_extension_that_means_nothing_is_told(
    provisor: RunCommand, config: Path, company: LocalStack, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = provisor("extend", *arguments, *WHY, "-c", config)
    assert ran.code == code
    assert said in " ".join(ran.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        (("ada-hour",), {"ada-hour"}),
        (("ada-hour", "bob-hour", "ada-hour"), {"ada-hour", "bob-hour"}),
        (("ada-later",), {"ada-later"}),
        (("--person", "u1"), {"ada-hour", "ada-ops"}),
        (("--person", "ADA@example.com"), {"ada-hour", "ada-ops", "ada-later"}),
        (("--entitlement", "jumpcloud:group:ops:*"), {"ada-ops", "ada-later"}),
        (("--entitlement", "jumpcloud:*", "--person", "u2"), {"bob-hour"}),
        (("--entitlement", "jira:*"), set()),
    ],
)
def test_what_would_be_ended_is_shown_and_then_is_ended(
    provisor: RunCommand, config: Path, company: LocalStack, named: tuple[str, ...], meant: set[str]
) -> None:
    shown = provisor("end", *named, *WHY, "-c", config, "--dry-run", "--json").json
    assert {row["request"] for row in shown} == meant
    carry_out(company)
    ran = provisor("end", *named, *WHY, "-c", config, "--yes", "--json")
    assert ran.code == 0
    carry_out(company)
    for row in ran.json:
        assert company.request(row["handed_in"]).state is RequestState.DONE
    living = {each for each in ("ada-hour", "ada-ops", "bob-hour") if company.claim(each).state is ACTIVE}
    assert living == {"ada-hour", "ada-ops", "bob-hour"} - meant
    assert (company.request("ada-later").state is RequestState.WITHDRAWN) is ("ada-later" in meant)
    assert company.has(GROUP) is ("ada-hour" not in meant)


def test_nothing_is_ended_without_a_yes(provisor: RunCommand, config: Path, company: LocalStack) -> None:
    ran = provisor("end", "--person", "u1", *WHY, "-c", config, stdin=b"n\n")
    assert ran.code == 1
    assert "ada-ops" in ran.out
    assert "End all 2?" in ran.out
    carry_out(company)
    assert company.has()
    assert provisor("end", "--person", "u1", *WHY, "-c", config, "--json").code == 2
    assert provisor("end", "--person", "u1", *WHY, "-c", config, stdin=b"y\n").code == 0
    carry_out(company)
    assert not company.has()


def test_a_file_names_requests_and_nothing_is_done_where_one_of_them_means_nothing(
    provisor: RunCommand, config: Path, company: LocalStack, tmp_path: Path
) -> None:
    file = tmp_path / "over.txt"
    file.write_text("# after the incident\nada-hour\n\nnobody\n")
    ran = provisor("end", "--file", file, *WHY, "-c", config, "--yes")
    assert (ran.code, "There is nothing to end of nobody." in ran.err) == (1, True)
    file.write_text("# after the incident\nada-hour\n bob-hour \n")
    ran = provisor("end", "--file", file, *WHY, "--approved-by", "linus", "-c", config, "--yes")
    assert "2 handed in; see 'provisor plans show PL-1'" in ran.out
    carry_out(company)
    assert (company.claim("ada-hour").state, company.claim("bob-hour").state) == (ENDED, ENDED)
    message = company.request("PL-1.1").message
    assert (message.requested_by, message.approved_by, message.reason) == (os_user(), "linus", WHY[1])


def test_of_many_ends_at_once_no_more_begin_than_the_fuse_lets(
    provisor: RunCommand, config: Path, store: Store
) -> None:
    stack = LocalStack.over(store, fuse=FuseLimits(grants=Limit(2, timedelta(days=1), 0.0, 2)))
    for number in range(5):
        stack.grant(f"r{number}", group=f"jumpcloud:group:g{number}:member")
    stack.run()
    provisor("end", "--entitlement", "jumpcloud:*", *WHY, "-c", config, "--yes")
    carry_out(stack)
    assert sum(stack.has(f"jumpcloud:group:g{number}:member") for number in range(5)) == 3
    assert "is held: at most 2 removals" in provisor("alarms", "-c", config).out
    stack.plans.approve("PL-1", by="grace", why="the project is closed")
    carry_out(stack)
    assert not any(stack.has(f"jumpcloud:group:g{number}:member") for number in range(5))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("ada-hour", "--person", "u1"),
        ("--file", "f", "--entitlement", "*"),
        ("--everything",),
        ("--everything", "--person", "u1", "--entitlement", "*"),
    ],
)
def test_what_is_to_be_ended_is_named_in_one_way(
    provisor: RunCommand, config: Path, company: LocalStack, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "f").write_text("ada-hour\n")
    assert provisor("end", *arguments, *WHY, "-c", config).code == 2
    assert company.has()


def test_extended_access_is_ended_by_the_request_that_gave_it_first(
    provisor: RunCommand, config: Path, company: LocalStack
) -> None:
    provisor("extend", "ada-hour", "--for", "2h", *WHY, "-c", config)
    carry_out(company)
    provisor("end", "ada-hour", *WHY, "-c", config, "--yes")
    carry_out(company)
    assert not company.has()
