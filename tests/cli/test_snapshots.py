from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from store.unit_of_work import Store
from tests.cli.command_result import CommandResult, RunCommand
from tests.store.snapshot_rows import SnapshotRows, account, jira, jumpcloud, store_snapshot

JUST_NOW = timedelta(minutes=1)


@pytest.fixture
def world(store: Store) -> None:
    store_snapshot(store, jumpcloud(), jira(), at=datetime.now(UTC) - JUST_NOW)


def column(ran: CommandResult, name: str) -> list[Any]:
    return [row[name] for row in ran.json]


def test_listings_are_json_arrays_with_a_row_in_each_line(provisor: RunCommand, config: Path, world: None) -> None:
    ran = provisor("accounts", "list", "-c", config, "--json")
    assert column(ran, "id") == ["j-ada", "j-eve", "j-root", "ada", "root", "bob"]
    assert len(ran.out.splitlines()) == len(ran.json) + 2
    assert ran.err == ""


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("accounts list --system jira --text acme", ["j-ada", "j-root"]),
        ("accounts list --status suspended", ["bob"]),
        ("accounts list --kind admin", ["root"]),
        ("resources list --kind project", ["10000"]),
        ("resources list --text engin", ["eng"]),
        ("resources list --system jira --kind group", ["g-devs"]),
    ],
)
def test_listings_are_narrowed_by_their_options(
    provisor: RunCommand, config: Path, world: None, command: str, found: list[str]
) -> None:
    assert column(provisor(*command.split(), "-c", config, "--json"), "id") == found


def test_entitlements_are_listed_by_ids_and_by_names_and_projects_are_none(
    provisor: RunCommand, config: Path, world: None
) -> None:
    ran = provisor("entitlements", "list", "-c", config, "--json", "--system", "jira")
    assert {(row["entitlement"], row["named"]) for row in ran.json} == {
        ("jira:group:g-devs:member", "jira:group:devs:member"),
        ("jira:project-role:10000:10002:assigned", "jira:project-role:PAY:Administrators:assigned"),
    }


def test_a_table_in_a_pipe_is_plain_and_hostile_names_do_nothing_to_the_terminal(
    provisor: RunCommand, config: Path, store: Store
) -> None:
    rows = jumpcloud()
    rows.rows = [*rows.rows, account("evil", title="\x1b[2Jgone\nnew line")]
    store_snapshot(store, rows, at=datetime.now(UTC) - JUST_NOW)
    ran = provisor("accounts", "list", "-c", config)
    assert ran.out.splitlines()[0].split()[:3] == ["SYSTEM", "KIND", "NAME"]
    assert "\x1b" not in ran.out
    assert len(ran.out.splitlines()) == 5


def test_a_listing_that_was_cut_short_says_so(provisor: RunCommand, config: Path, world: None) -> None:
    ran = provisor("accounts", "list", "-c", config, "--json", "-n", "2")
    assert column(ran, "id") == ["j-ada", "j-eve"]
    assert ran.err == "provisor: There are 4 more. Narrow the listing down, or show all with -n 0.\n"
    assert provisor("accounts", "list", "-c", config, "--json", "-n", "6").err == ""
    assert len(provisor("accounts", "list", "-c", config, "--json", "-n", "0").json) == 6


def test_grants_that_were_cut_short_are_not_counted_since_there_may_be_a_million(
    provisor: RunCommand, config: Path, world: None
) -> None:
    ran = provisor("grants", "list", "-c", config, "--json", "-n", "2")
    assert len(ran.json) == 2
    assert ran.err == "provisor: There are more than 2. Narrow the listing down, or show all with -n 0.\n"


def test_a_long_table_is_printed_as_it_comes(provisor: RunCommand, config: Path, store: Store) -> None:
    many = SnapshotRows(jumpcloud().system, [account(f"u{number}") for number in range(1000)])
    store_snapshot(store, many, at=datetime.now(UTC) - JUST_NOW)
    ran = provisor("accounts", "list", "-c", config, "-n", "0")
    assert len(ran.out.splitlines()) == 1001


def test_without_a_snapshot_there_is_nothing_to_list(provisor: RunCommand, config: Path) -> None:
    for group in ("accounts", "resources", "entitlements", "grants"):
        ran = provisor(group, "list", "-c", config)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err == (
            "provisor: There is no complete snapshot yet. Run 'provisor sync', or wait for 'provisor up' to.\n"
        )


def test_an_old_snapshot_is_said_with_its_age(provisor: RunCommand, config: Path, store: Store) -> None:
    taken = datetime.now(UTC) - timedelta(days=3, minutes=5)
    store_snapshot(store, jumpcloud(), at=taken)
    ran = provisor("accounts", "list", "-c", config, "--json")
    assert (ran.code, len(ran.json)) == (0, 3)
    assert ran.err == (
        f"provisor: The snapshot of jumpcloud is 3 days old ({taken:%Y-%m-%d %H:%M} UTC). "
        "Run 'provisor sync' for a new one.\n"
    )


def test_a_missing_snapshot_of_a_connected_system_is_said(
    provisor: RunCommand, configure: Callable[..., Path], world: None, store: Store
) -> None:
    config = configure(jira={"site_url": "http://127.0.0.1", "email": "a@b.example", "api_token": "token-token"})
    with store.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM snapshots WHERE system = 'jira'")
    ran = provisor("accounts", "list", "-c", config, "--json")
    assert set(column(ran, "system")) == {"jumpcloud"}
    assert "There is no complete snapshot of jira yet" in ran.err
    assert provisor("accounts", "list", "-c", config, "--system", "jira").code == 1


def test_an_account_is_shown_by_address_in_every_system_with_all_it_holds(
    provisor: RunCommand, config: Path, world: None
) -> None:
    found = provisor("accounts", "show", "ADA@acme.example", "-c", config, "--json").json
    assert [(row["system"], row["id"]) for row in found] == [("jira", "j-ada"), ("jumpcloud", "ada")]
    assert {(row["resource"], row["through"]) for row in found[1]["grants"]} == {
        ("eng", None),
        ("odd:50%", None),
        ("aws", "eng"),
    }
    told = provisor("accounts", "show", "ada", "-c", config).out
    assert "  department: Research\n" in told
    assert "  AWS (application), through Engineering, first seen " in told


def test_a_resource_is_shown_by_name_with_who_holds_it(provisor: RunCommand, config: Path, world: None) -> None:
    facts = provisor("resources", "show", "pay:administrators", "-c", config, "--json").json
    assert (facts["id"], facts["parent_key"]) == ("10000/10002", "PAY")
    assert [(row["account"], row["through_name"]) for row in facts["held_by"]] == [("j-ada", None), ("j-root", "devs")]
    assert (
        "  Röot 根, through devs, first seen " in provisor("resources", "show", "PAY:Administrators", "-c", config).out
    )


def test_an_entitlement_is_shown_with_the_rule_that_decides(
    provisor: RunCommand, configure: Callable[..., Path], world: None, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    rule = {"pattern": "jira:project-role:PAY:*:assigned", "max_duration": "1h", "required": ["reason"]}
    policy.write_text(
        yaml.safe_dump({"ticket": {"project": "ACC"}, "rules": [{"pattern": "jumpcloud:group:Nothing:member"}, rule]})
    )
    config = configure(policy=str(policy))
    written = "jira:project-role:PAY:Administrators:assigned"
    facts = provisor("entitlements", "show", written, "-c", config, "--json").json
    assert facts["entitlement"] == "jira:project-role:10000:10002:assigned"
    assert (facts["policy"]["rule"], facts["policy"]["max_duration"]) == (2, "1:00:00")
    assert len(facts["held_by"]) == 2
    same = provisor("entitlements", "show", facts["entitlement"], "-c", config)
    assert "policy: rule 2 (jira:project-role:PAY:*:assigned): give by connector" in same.out
    other = provisor("entitlements", "show", "jumpcloud:group:eng:member", "-c", config)
    assert "policy: no rule matches, so requests for it are refused" in other.out


def test_a_grant_is_shown_with_each_way_it_is_held(provisor: RunCommand, config: Path, world: None) -> None:
    ways = provisor("grants", "show", "bob", "AWS", "-c", config, "--json").json
    assert [(way["held"], way["since"] is not None) for way in ways] == [("direct", True), ("group", False)]
    assert "Bob holds AWS (application), directly, since " in provisor("grants", "show", "bob", "AWS", "-c", config).out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("accounts", "show", "nobody"), "There is no account 'nobody' in the last snapshot."),
        (("resources", "show", "nothing"), "There is no resource 'nothing' in the last snapshot."),
        (("entitlements", "show", "Payments"), "'Payments' is a project, which carries no entitlement itself."),
        (("entitlements", "show", "jira:account:exists"), "jira:account:exists is held by every account of jira."),
        (("grants", "show", "j-eve", "AWS"), "'j-eve' does not hold AWS in the last snapshot."),
    ],
)
def test_what_is_not_there_is_said_with_what_to_do(
    provisor: RunCommand, config: Path, world: None, command: tuple[str, ...], said: str
) -> None:
    ran = provisor(*command, "-c", config)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"provisor: {said} ")


def test_a_name_that_several_have_must_be_told_apart(provisor: RunCommand, config: Path, store: Store) -> None:
    twice = jira()
    twice.rows = [*twice.rows, *(row for row in jumpcloud().rows if getattr(row, "name", "") == "Engineering")]
    store_snapshot(store, jumpcloud(), twice, at=datetime.now(UTC) - JUST_NOW)
    ran = provisor("resources", "show", "Engineering", "-c", config)
    assert ran.code == 1
    assert "names 2 resources: jira:group:eng:member, jumpcloud:group:eng:member." in ran.err
    assert provisor("resources", "show", "jumpcloud:group:Engineering:member", "-c", config).code == 0
    assert provisor("resources", "show", "Engineering", "--system", "jira", "-c", config).code == 0
