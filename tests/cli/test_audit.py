"""``provisor audit``: what it lists, what it finds, and what it says that it proves."""

from __future__ import annotations

from collections.abc import Callable
from getpass import getuser
from pathlib import Path

import pytest
from sqlalchemy import update

from access.clock import SystemClock
from config.settings import Settings
from simulator.systems import act
from store.tables import audit
from store.unit_of_work import Store
from tests.cli.command_result import RunCommand
from tests.cli.company import Company
from tests.fakes.local_stack import LocalStack
from tests.store.past_triggers import past_triggers
from worker.anchors import sealing_from


@pytest.fixture
def given(stack: LocalStack) -> LocalStack:
    stack.grant("r1", seconds=600)
    stack.run()
    return stack


def seal(config: Path, store: Store, *, anchor: bool = False) -> None:
    sealing = sealing_from(Settings.load(config), store, SystemClock())
    sealing.seal()
    if anchor:
        sealing.anchor()


def forge(store: Store) -> None:
    with past_triggers(store.database) as connection:
        connection.execute(update(audit).where(audit.c.event == "request.received").values(actor="operator:mallory"))


def test_rows_are_listed_newest_first_and_narrowed_down(provisor: RunCommand, config: Path, given: LocalStack) -> None:
    listed = provisor("audit", "list", "-c", config, "--json").json
    assert listed[-1]["event"] == "request.received"
    assert listed[-1]["actor"] == "producer:test"
    assert [row["number"] for row in listed] == sorted((row["number"] for row in listed), reverse=True)
    only = provisor("audit", "list", "-c", config, "--event", "claim.active", "--request", "r1", "--json").json
    assert [(row["event"], row["request_id"]) for row in only] == [("claim.active", "r1")]
    assert provisor("audit", "list", "-c", config, "--actor", "operator:x").out == "No such rows.\n"
    cut = provisor("audit", "list", "-c", config, "-n", "1")
    assert "more than 1" in cut.err


def test_a_trail_as_it_was_sealed_is_said_to_be_and_what_that_proves(
    provisor: RunCommand, config: Path, given: LocalStack
) -> None:
    seal(config, given.store)
    ran = provisor("audit", "verify", "-c", config)
    assert ran.code == 0
    assert "1 seal; " in ran.out
    assert "hashes only" in ran.out
    assert "Nothing outside vouches for it" in ran.out
    assert provisor("audit", "verify", "-c", config, "--json").json["ok"]


def test_a_row_that_was_changed_is_named_with_its_seal(provisor: RunCommand, config: Path, given: LocalStack) -> None:
    seal(config, given.store)
    forge(given.store)
    ran = provisor("audit", "verify", "-c", config)
    assert ran.code == 1
    assert "seal 1, row 1: the row was changed" in ran.out
    told = provisor("audit", "verify", "-c", config, "--json")
    assert (told.code, told.json["ok"]) == (1, False)
    assert told.json["findings"] == [{"seal": 1, "row": 1, "what": "the row was changed"}]


def test_seals_are_signed_and_noted_in_jira_and_in_a_file(
    provisor: RunCommand, configure: Callable[..., Path], company: Company, given: LocalStack, tmp_path: Path
) -> None:
    act(company.jira, "create_project", key="ACCESS", name="Access")
    issue = act(company.jira, "create_issue", project="ACCESS", summary="Seals of the audit trail")["key"]
    key, file = "a-long-enough-signing-key", tmp_path / "seals.jsonl"
    places = {"anchor_issue": issue, "anchor_file": str(file), "signing_key": key}
    config = configure(jira=company.jira_section(), audit=places)
    for name in ("first", "second", "third"):
        given.grant(name, seconds=600)
        seal(config, given.store, anchor=True)
    assert len(file.read_text().splitlines()) == 3
    ran = provisor("audit", "verify", "-c", config, "--json")
    assert (ran.code, ran.json["anchors"], ran.json["signed"], ran.json["anchored_to"]) == (0, 6, 3, 3)
    assert provisor("audit", "verify", "--offline", "-c", config, "--json").json["anchors"] == 3
    said = provisor("audit", "verify", "-c", config).out
    assert "everything up to seal 3 was there" in said
    assert key not in said
    act(company.jira, "delete_issue", issue=issue)
    file.write_text("not a seal\n")
    away = provisor("audit", "verify", "-c", config)
    assert away.code == 0
    assert f"{file} cannot be used" in away.out
    assert f"Nothing is noted in the issue {issue}." in away.out


def test_erasing_says_who_and_why_and_keeps_the_seals(provisor: RunCommand, config: Path, given: LocalStack) -> None:
    assert provisor("audit", "erase", "1", "-c", config, "--reason", "asked for").code == 1
    seal(config, given.store)
    assert provisor("audit", "erase", "1", "2", "-c", config, "--reason", "asked for").out == "erased: 1, 2\n"
    assert provisor("audit", "verify", "-c", config).code == 0
    [told] = provisor("audit", "list", "-c", config, "--event", "audit.erased", "--json").json
    assert (told["actor"], told["detail"]) == (f"operator:{getuser()}", {"rows": [1, 2], "reason": "asked for"})


def test_the_doctor_says_when_nobody_seals_and_when_an_older_database_was_put_back(
    provisor: RunCommand, configure: Callable[..., Path], given: LocalStack, tmp_path: Path
) -> None:
    file = tmp_path / "seals.jsonl"
    config = configure(audit={"anchor_file": str(file)})

    def said() -> list[tuple[str, str]]:
        findings = provisor("doctor", "-c", config, "--json").json
        return [(each["check"], each["outcome"]) for each in findings if each["area"] == "audit"]

    assert said() == [("sealing", "warning"), ("outside", "unknown")]
    seal(config, given.store, anchor=True)
    assert said() == [("outside", "ok")]
    file.write_text(file.read_text().replace('"number": 1', '"number": 7'))
    assert said() == [("outside", "problem")]
    seal(config, given.store, anchor=True)
    assert len(file.read_text().splitlines()) == 1
    assert provisor("audit", "verify", "-c", config).code == 1
    assert provisor("restore", "begin", "--yes", "-c", config).code == 0
    assert said() == [("outside", "ok")]
    assert "An older database was put back" in provisor("audit", "verify", "-c", config).out
