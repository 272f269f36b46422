"""Persons and leavers, as people ask for them and decide about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from access.clock import ManualClock
from access.entitlements import System
from access.leavers import LeaverKind
from access.lifecycle import LeaverState
from connectors.reading import AccountKind, AccountRow
from store.unit_of_work import Store
from tasks.people import People
from tests.cli.command_result import RunCommand
from tests.store.snapshot_rows import SnapshotRows, account, group, store_snapshot

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


def atlassian(key: str, email: str | None = None) -> AccountRow:
    return account(key, email, kind=AccountKind.ATLASSIAN)


@pytest.fixture
def config(configure: Callable[..., Path], store: Store) -> Path:
    """Ada, whose account in Jira is proven, and Bob, whose account may be one of two; Ada is in a group."""
    users = [account("ada", "ada@acme.example", username="adal"), account("bob", "bob@acme.example")]
    others = [
        atlassian("j:ada", "ada@acme.example"),
        atlassian("jb1", "bob@acme.example"),
        atlassian("jb2", "bob@acme.example"),
    ]
    for hours in (4, 2):
        at = NOW - hours * HOUR
        store_snapshot(store, SnapshotRows(System.JUMPCLOUD, [*users, *group("g", "Engineering", "ada")]), at=at)
        store_snapshot(store, SnapshotRows(System.JIRA, others), at=at + HOUR / 2)
        People(store, ManualClock(at + HOUR), domains=("acme.example",)).refresh()
    return configure(people={"domains": ["acme.example"]}, ticketing={"project": "OPS"})


@pytest.mark.parametrize("named", ["ada", "ADA@acme.example", "adal", "jira:j:ada", "j:ada"])
def test_a_person_is_shown_with_what_proves_each_account(provisor: RunCommand, config: Path, named: str) -> None:
    ran = provisor("people", "show", named, "-c", config, "--json")
    assert (ran.code, ran.json["person"], ran.json["email"]) == (0, "ada", "ada@acme.example")
    assert [(each["account_id"], each["proof"], each["joined"]) for each in ran.json["accounts"]] == [
        ("j:ada", "shown", True)
    ]
    assert "jira:j:ada J:Ada (active): shown; joined" in provisor("people", "show", named, "-c", config).out


def test_what_is_disputed_is_listed_and_says_why(provisor: RunCommand, config: Path) -> None:
    ran = provisor("people", "list", "--disputed", "-c", config, "--json")
    assert [(row["person"], row["accounts"], row["disputed"]) for row in ran.json] == [("bob", 0, 2)]
    assert "2 accounts have the address bob@acme.example" in provisor("people", "show", "bob", "-c", config).out


def test_a_person_is_joined_and_split_with_a_reason(provisor: RunCommand, config: Path) -> None:
    assert provisor("people", "join", "bob", "jb1", "-c", config).code == 2
    ran = provisor("people", "join", "bob", "jb1", "--reason", "he showed it", "-c", config)
    assert (ran.code, ran.out) == (0, "jira:jb1: joined to bob\n")
    accounts = provisor("people", "show", "bob", "-c", config, "--json").json["accounts"]
    assert [(each["account_id"], each["proof"], each["reason"]) for each in accounts] == [
        ("jb1", "decided", "he showed it")
    ]
    assert provisor("people", "split", "bob", "jira:jb1", "--reason", "no", "-c", config).code == 0
    assert provisor("people", "show", "bob", "-c", config, "--json").json["accounts"] == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("show nobody", "There is no person 'nobody'."),
        ("join ada j-none --reason x", "There is no account 'j-none'"),
        ("join bob j:ada --reason x", "jira:j:ada is joined to ada."),
        ("join ada jumpcloud:ada --reason x", "is the person itself"),
    ],
)
def test_what_is_not_possible_is_said(provisor: RunCommand, config: Path, command: str, said: str) -> None:
    ran = provisor("people", *command.split(), "-c", config)
    assert ran.code == 1
    assert said in ran.err


def test_nobody_has_left(provisor: RunCommand, config: Path) -> None:
    assert provisor("leavers", "list", "-c", config).out == "Nobody has left.\n"
    ran = provisor("leavers", "show", "ada", "-c", config)
    assert (ran.code, "ada has not left" in ran.err) == (1, True)


def test_everything_of_a_person_is_planned_and_shown_with_what_nobody_can_end(
    provisor: RunCommand, config: Path
) -> None:
    ran = provisor("end", "--person", "ada", "--everything", "--reason", "dismissed", "-c", config)
    assert "PL-1 takes everything when somebody approves it" in ran.out
    shown = provisor("leavers", "show", "ada", "-c", config, "--json").json
    assert (shown["state"], shown["kind"], shown["reason"], shown["plans"]) == (
        "left",
        "asked",
        "dismissed",
        ["PL-1 open"],
    )
    assert {(each["title"], each["why"]) for each in shown["stands"]} == {
        ("JumpCloud group Engineering", "Plan PL-1 waits for an approval."),
        ("Jira account", "Plan PL-1 waits for an approval."),
    }
    assert any("API tokens" in each for each in shown["cannot_be_ended"])
    words = provisor("leavers", "show", "ada", "-c", config).out
    assert "Still stands\n  JumpCloud group Engineering (jumpcloud:ada). Plan PL-1 waits for an approval." in words
    assert [row["state"] for row in provisor("leavers", "list", "-c", config, "--json").json] == ["left"]
    again = provisor("leavers", "end", "ada", "--reason", "dismissed", "-c", config)
    assert (again.code, "asked for already" in again.err) == (1, True)
    nothing = provisor("leavers", "restore", "ada", "--reason", "back", "-c", config)
    assert (nothing.code, "Nothing was taken" in nothing.err) == (1, True)


def test_accounts_that_may_be_a_leavers_are_named(provisor: RunCommand, config: Path, store: Store) -> None:
    with store.write() as work:
        more = {"state": str(LeaverState.LEFT), "left_at": NOW, "read_at": NOW, "due_at": None}
        work.leavers.notice("bob", LeaverKind.SUSPENDED, now=NOW, **more)
    stands = provisor("leavers", "show", "bob", "-c", config, "--json").json["stands"]
    assert [each["account_id"] for each in stands] == ["jb1", "jb2"]
