"""The truth audit over HTTP: what each ticket is said to be, what cannot be said, and that nothing is written."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from access.entitlements import System
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World
from simulator.jumpcloud.world import READ_ONLY_KEY
from simulator.server import Simulators
from simulator.switches import change_switches
from tests.cli.command_result import RunCommand
from tests.cli.truth_harness import MAPPING, PERSON, THING, TruthSite
from tests.conftest import quiet_logs

ADA, BOB = "ada@acme.example", "bob@acme.example"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """The command decides about the logs of its process, which here is everybody's."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    quiet_logs()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def site(provisor: RunCommand, tmp_path: Path) -> Iterator[TruthSite]:
    jumpcloud, jira = World(), JiraWorld()
    with Simulators(jumpcloud=jumpcloud, jira=jira) as simulators:
        yield TruthSite(simulators, jumpcloud, jira, provisor, tmp_path)


def day(ago: float) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()


def said(report: dict[str, Any], key: str) -> tuple[str, str]:
    line = report["by_key"][key]
    return line["verdict"], line["reason"]


def test_each_kind_of_ticket_is_found_to_be_what_it_is(site: TruthSite) -> None:
    site.holds("Engineering", "ada")
    there = site.ticket(ADA, "Engineering")
    away = site.ticket(BOB, "Finance", "Remove access")
    never = site.ticket(ADA, "Finance")
    still = site.ticket(ADA, "Engineering", "Remove access", closed=30)
    site.logged("add", "Old group", "bob", days=21)
    site.logged("remove", "Old group", "bob", days=5)
    undone = site.ticket(BOB, "Old group")
    site.logged("add", "Old group", "ada", days=21)
    site.logged("remove", "Old group", "ada", days=4)
    ended = site.ticket(ADA, "Old group", until=day(4))
    report = site.audit()
    assert {key: said(report, key) for key in (there, away, never, still, undone, ended)} == {
        there: ("true", "as_said"),
        away: ("true", "as_said"),
        never: ("not_true", "never_done"),
        still: ("not_true", "never_done"),
        undone: ("no_longer_true", "changed_since"),
        ended: ("ended_as_agreed", "agreed_end"),
    }
    assert report["totals"] == {
        "true": 2, "not_true": 2, "ended_as_agreed": 1, "no_longer_true": 1, "cannot_be_said": 0,
    }  # fmt: skip
    line = report["by_key"][undone]
    assert (line["since"][:10], line["by"], line["as_said_now"]) == (day(5), "owner@acme.example", False)
    assert report["by_key"][never]["closed_by"], "who closed it is said where it is not so"


def test_roles_are_followed_by_jiras_own_log(site: TruthSite) -> None:
    given = {"project": "PAY", "role": "Developers"}
    site.at(21, lambda: site.act_in_jira("add_role_actor", user=ADA, **given))
    site.at(20.5, lambda: site.act_in_jira("add_role_actor", user=BOB, **given))
    site.at(6, lambda: site.act_in_jira("remove_role_actor", user=BOB, **given))
    true, undone = site.ticket(ADA, "PAY: Developers"), site.ticket(BOB, "Payments - Developers")
    never = site.ticket(BOB, "PAY Administrators")
    report = site.audit()
    assert [said(report, key)[0] for key in (true, undone, never)] == ["true", "no_longer_true", "not_true"]


def test_a_suspended_account_makes_a_given_access_untrue(site: TruthSite) -> None:
    site.holds("Engineering", "ada")
    site.act("suspend_user", user=ADA)
    since = site.ticket(ADA, "Engineering")
    report = site.audit()
    assert said(report, since) == ("no_longer_true", "suspended_since")


def test_nothing_is_written_and_no_store_is_made(site: TruthSite, tmp_path: Path) -> None:
    site.ticket(ADA, "Engineering")
    before = {path.name for path in tmp_path.iterdir()}
    site.audit()
    assert site.writes() == []
    assert {path.name for path in tmp_path.iterdir()} - before <= {"provisor.yaml"}


def test_it_reads_only_what_the_tickets_name(site: TruthSite) -> None:
    for number in range(40):
        site.act("add_group", name=f"team-{number}")
    key = site.ticket(ADA, "Engineering")
    site.simulators.calls.reset()
    report = site.audit()
    assert said(report, key)[0] == "not_true"
    assert site.calls(System.JUMPCLOUD) < 20
    assert {line["list"].partition("/")[0] for line in report["certificate"]["lists"] if line["system"] == "jumpcloud"} == {
        "users", "admins", "groups", "applications", "members",
    }  # fmt: skip


@pytest.mark.parametrize("method", ["search", "listing"])
def test_memberships_are_read_by_search_or_group_by_group_and_never_by_a_report(site: TruthSite, method: str) -> None:
    change_switches(site.jumpcloud.switches, search_returns_memberof=method == "search")
    for number in range(60):
        site.act("add_group", name=f"team-{number}")
    site.holds("Engineering", "ada")
    true, never = site.ticket(ADA, "Engineering"), site.ticket(BOB, "Engineering")
    report = site.audit()
    assert [said(report, key)[0] for key in (true, never)] == ["true", "not_true"]
    (read,) = [each for each in report["certificate"]["systems"] if each["system"] == "jumpcloud"]
    assert (read["method"], site.writes()) == (method, [])


def test_declined_and_reopened_tickets_say_nothing(site: TruthSite) -> None:
    declined = site.ticket(ADA, "Engineering", how="Declined")
    reopened, late = site.ticket(ADA, "Engineering"), site.ticket(ADA, "Engineering")
    site.at(3, lambda: site.act_in_jira("reopen", issue=reopened))
    change_switches(site.jira.switches, search_lag_ms=60_000)
    site.act_in_jira("reopen", issue=late)
    report = site.audit()
    assert report["lines"] == []
    assert {each["ticket"]: each["why"].split(":")[0] for each in report["left_out"]} == {
        declined: "It was closed as declined",
        late: "It is not closed, or was opened again",
    }


def test_a_ticket_that_was_closed_again_counts_from_its_last_closing(site: TruthSite) -> None:
    key = site.ticket(ADA, "Engineering", closed=30)
    site.logged("add", "Engineering", "ada", days=29)
    site.logged("remove", "Engineering", "ada", days=25)
    site.at(10, lambda: site.act_in_jira("reopen", issue=key))
    site.at(5, lambda: site.act_in_jira("done", issue=key))
    line = site.audit()["by_key"][key]
    assert (line["verdict"], line["reason"], line["closed_at"][:10]) == ("not_true", "undone_before", day(5))
    assert line["reopened"] == 1


def test_several_people_and_things_in_one_ticket_are_each_looked_at(site: TruthSite) -> None:
    site.holds("Engineering", "ada")
    key = site.ticket(f"{ADA}, {BOB}", "Engineering; Finance")
    report = site.audit()
    lines = [(line["person"], line["thing"], line["verdict"]) for line in report["lines"]]
    assert sorted(lines) == [
        (ADA, "Engineering", "true"),
        (ADA, "Finance", "not_true"),
        (BOB, "Engineering", "not_true"),
        (BOB, "Finance", "not_true"),
    ]
    assert report["totals"]["not_true"] == 1, "totals count tickets"
    assert report["by_key"][key]


def test_an_ambiguous_name_names_its_candidates(site: TruthSite) -> None:
    site.act("add_user", email="other.ada@acme.example", displayname="Ada Person")
    key = site.ticket("Ada Person", "Engineering")
    line = site.audit()["by_key"][key]
    assert (line["verdict"], line["reason"]) == ("cannot_be_said", "person_ambiguous")
    assert ADA in line["because"]
    assert "other.ada@acme.example" in line["because"]


def test_a_name_proves_nobody_unless_the_mapping_says_that_names_are_unique(site: TruthSite) -> None:
    site.holds("Engineering", "ada")
    key = site.ticket("Ada Person", "Engineering")
    assert said(site.audit(), key) == ("cannot_be_said", "person_ambiguous")
    site.mapping.write_text(MAPPING.replace("{field: Requested for}", "{field: Requested for, names: unique}"))
    assert said(site.audit(), key) == ("true", "as_said")


def test_a_hidden_address_proves_nothing(site: TruthSite) -> None:
    site.at(21, lambda: site.act_in_jira("add_role_actor", project="PAY", role="Developers", user=ADA))
    site.act_in_jira("change_profile", account=ADA, hidden=True)
    key = site.ticket(ADA, "PAY:Developers")
    line = site.audit()["by_key"][key]
    assert (line["verdict"], line["reason"]) == ("cannot_be_said", "address_hidden")
    assert "Ada Person" in line["because"]


def test_a_renamed_group_is_not_guessed(site: TruthSite) -> None:
    site.holds("Engineering", "ada")
    key = site.ticket(ADA, "Engineering")
    site.act("change_group", group="Engineering", name="Engineering team")
    line = site.audit()["by_key"][key]
    assert (line["verdict"], line["reason"]) == ("cannot_be_said", "resource_unknown")
    assert "Engineering team" in line["because"]
    site.mapping.write_text(
        MAPPING.replace(
            "thing: {field: Access,",
            "thing: {field: Access, called: {Engineering: 'jumpcloud:group:Engineering team:member'},",
        )
    )
    assert said(site.audit(), key) == ("true", "as_said")


def test_a_name_that_a_group_has_only_since_proves_no_lie(site: TruthSite) -> None:
    made, renamed = site.ticket(ADA, "New group"), site.ticket(ADA, "Money")
    site.act("add_group", name="New group")
    site.act("change_group", group="Finance", name="Money")
    site.act("change_group", group="Old group", description="renamed it is not")
    other = site.ticket(ADA, "Old group")
    report = site.audit()
    assert said(report, made) == said(report, renamed) == ("cannot_be_said", "resource_renamed")
    assert said(report, other) == ("not_true", "never_done")


def test_a_deleted_project_is_said_to_be_unknown(site: TruthSite) -> None:
    key = site.ticket(ADA, "PAY:Developers")
    site.act_in_jira("delete_project", project="PAY")
    assert said(site.audit(), key) == ("cannot_be_said", "resource_unknown")


def test_a_group_that_follows_a_rule_has_no_history(site: TruthSite) -> None:
    site.act("change_group", group="Finance", membershipMethod="DYNAMIC_AUTOMATED")
    key = site.ticket(ADA, "Finance")
    line = site.audit()["by_key"][key]
    assert (line["verdict"], line["reason"], line["as_said_now"]) == ("cannot_be_said", "log_unreadable", False)


def test_a_ticket_from_before_the_log_cannot_be_said_and_is_counted_apart(site: TruthSite) -> None:
    key = site.ticket(ADA, "Engineering", closed=200)
    report = site.audit()
    assert said(report, key) == ("cannot_be_said", "before_the_log")
    assert report["not_so_now_and_unsaid"] == 1
    assert report["unsaid_because"] == {"before_the_log": 1}


def test_without_the_right_to_see_everybody_it_cannot_be_said_and_the_right_is_named(site: TruthSite) -> None:
    role, group = site.ticket(ADA, "PAY:Developers"), site.ticket(ADA, "jumpcloud:group:Engineering:member")
    site.act_in_jira("deny", account="admin@example.com", permission="ADMINISTER")
    ran = site.run("--json")
    lines = {line["ticket"]: line for line in ran.json["lines"]}
    assert ran.code == 1
    assert lines[role]["reason"] == "system_unreadable"
    assert "'Administer Jira'" in lines[role]["because"]
    assert lines[group]["verdict"] == "not_true", "what JumpCloud shows is said all the same"


def test_without_the_right_to_read_the_log_it_cannot_be_said(site: TruthSite) -> None:
    true, never = site.ticket(ADA, "Old group", "Remove access"), site.ticket(ADA, "Old group")
    site.simulators.faults.add(
        system="jumpcloud", path="/insights/", times=None, status=403, body={"message": "Forbidden"}
    )
    report = site.audit()
    assert said(report, true) == ("true", "as_said")
    assert said(report, never) == ("cannot_be_said", "log_unreadable")
    assert "Directory Insights" in report["by_key"][never]["because"]


def test_a_list_that_comes_short_keeps_from_saying_what_hangs_on_it(site: TruthSite) -> None:
    engineering, finance = site.ticket(ADA, "Engineering"), site.ticket(ADA, "Finance", "Remove access")
    group = site.jumpcloud.group_ids["engineering"]
    site.simulators.faults.add(system="jumpcloud", path=f"/api/v2/usergroups/{group}/members", times=None, status=500)
    report = site.audit()
    assert said(report, engineering) == ("cannot_be_said", "system_unreadable")
    assert said(report, finance) == ("true", "as_said")
    assert [each["list"] for each in report["certificate"]["lists"] if each["gap"]] == [f"members/{group}"]


def test_a_system_without_a_credential_is_named(site: TruthSite) -> None:
    site.mapping.write_text(MAPPING.replace("[jumpcloud:group, jira:project-role]", "jumpcloud:group"))
    key = site.ticket(ADA, "Engineering")
    report = site.audit(jumpcloud=None)
    assert said(report, key) == ("cannot_be_said", "system_unreadable")
    assert "not connected" in report["by_key"][key]["because"]


def test_a_read_only_key_is_enough(site: TruthSite) -> None:
    site.holds("Engineering", "ada")
    true, never = site.ticket(ADA, "Engineering"), site.ticket(BOB, "Engineering")
    url = site.simulators.jumpcloud_url
    read_only = {"api_url": url, "insights_url": url, "api_key": READ_ONLY_KEY, "rate": 1000, "burst": 1000}
    report = site.audit(jumpcloud=read_only)
    assert [said(report, key)[0] for key in (true, never)] == ["true", "not_true"]


def test_the_last_tickets_are_read_in_pages_of_a_hundred(site: TruthSite) -> None:
    for _ in range(120):
        site.ticket(ADA, "Old group", "Remove access")
    site.simulators.calls.reset()
    report = site.audit("--last", "110")
    assert (report["certificate"]["tickets"]["count"], report["certificate"]["tickets"]["more"]) == (110, True)
    assert site.simulators.calls.count(method="POST", route="/rest/api/3/search/jql") == 2


#: Tables as spreadsheets and Jira write them; DAY stands for a day.
TABLES = {
    "semicolons and a BOM": (
        "\ufeffIssue key;Status;Resolved;Custom field (Requested for);Access;Request;Access until\r\n"
        'A-1;Done;DAY;ada@acme.example;"Engineering";Give;\r\n'
    ),
    "Excel's quoting": (
        "sep=,\r\nIssue key,Status,Resolved,Requested for,Access,Request,Access until\r\n"
        'A-1,Done,DAY,"=""ada@acme.example""",Engineering,Give,never\r\n'
    ),
    "tabs, and a column twice": (
        "Issue key\tStatus\tResolved\tRequested for\tAccess\tAccess\tRequest\tAccess until\n"
        "A-1\tClosed\tDAY\tada@acme.example\tEngineering\t\tGive\t\n"
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("table", TABLES)
def test_tickets_come_from_any_table(site: TruthSite, tmp_path: Path, table: str, encoding: str) -> None:
    site.holds("Engineering", "ada")
    file = tmp_path / "tickets.csv"
    file.write_bytes(
        TABLES[table].replace("DAY", day(20)).removeprefix("" if encoding == "utf-8" else "\ufeff").encode(encoding)
    )
    report = site.audit("--csv", file)
    assert said(report, "A-1") == ("true", "as_said")
    assert "tickets" not in report["certificate"]["calls"], "no ticketing system is asked"


def test_a_table_leaves_out_what_was_declined_or_is_open(site: TruthSite, tmp_path: Path) -> None:
    file = tmp_path / "tickets.csv"
    rows = [("A-1", "Done"), ("A-2", "Rejected"), ("A-3", "In Progress"), ("A-4", "Done")]
    lines = [f"{key},{status},{day(20)},{ADA},Engineering,Give," for key, status in rows]
    lines[3] = f"A-4,Done,20/11/26 10 am,{ADA},Engineering,Give,"
    file.write_text("\n".join(["Key,Status,Closed,Requested for,Access,Request,Access until", *lines]))
    report = site.audit("--csv", file)
    assert {each["ticket"] for each in report["left_out"]} == {"A-2", "A-3"}
    assert said(report, "A-1")[0] == "not_true"
    assert said(report, "A-4") == ("cannot_be_said", "ticket_unreadable")


def test_a_table_without_a_column_is_refused_with_those_that_there_are(site: TruthSite, tmp_path: Path) -> None:
    file = tmp_path / "tickets.csv"
    file.write_text("Key,Closed,Who\nA-1,2026-11-01,ada\n")
    ran = site.run("--csv", file)
    assert (ran.code, ran.out) == (1, "")
    assert "no column 'Requested for' that the mapping names; it has Key, Closed, Who." in ran.err


def test_the_reports_to_hand_on_are_whole_and_safe(site: TruthSite, tmp_path: Path) -> None:
    evil = '=HYPERLINK("x")<script>alert(1)</script>'
    site.ticket(evil, "Engineering")
    page, table = tmp_path / "truth.html", tmp_path / "truth.csv"
    ran = site.run("--html", page, "-o", table)
    assert ran.code == 0
    html = page.read_text()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http://" not in html.replace(site.simulators.jira_url, "")
    (row,) = csv.DictReader(io.StringIO(table.read_text()))
    assert row["person"].startswith("'=HYPERLINK")
    assert row["verdict"] == "cannot_be_said"
    assert "Certificate: " in ran.out
    assert (page.stat().st_mode & 0o777, table.stat().st_mode & 0o777) == (0o600, 0o600)


def test_the_certificate_is_the_same_for_the_same_lists_and_another_when_one_row_differs(site: TruthSite) -> None:
    site.ticket(ADA, "Engineering")
    first, second = (site.audit()["certificate"]["sha256"] for _ in range(2))
    site.act("add_member", group="Engineering", user="grace@acme.example")
    assert first == second != site.audit()["certificate"]["sha256"]


def test_accounts_themselves_are_audited_too(site: TruthSite) -> None:
    site.mapping.write_text(MAPPING.replace("[jumpcloud:group, jira:project-role]", "jumpcloud:account"))
    gone, still = site.ticket(ADA, "Leaver", "Remove"), site.ticket(BOB, "Leaver", "Remove")
    site.act("suspend_user", user=ADA)
    report = site.audit()
    assert said(report, gone) == ("true", "as_said")
    assert said(report, still) == ("not_true", "never_done")


def test_what_jira_says_of_a_query_is_passed_on(site: TruthSite) -> None:
    ran = site.run("--jql", "nonsense ~~ 1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("provisor: The tickets cannot be read: jira answered 400")


def test_a_day_of_closing_is_a_whole_day(site: TruthSite, tmp_path: Path) -> None:
    site.logged("add", "Engineering", "ada", days=25)
    site.logged("remove", "Engineering", "ada", days=20)
    file = tmp_path / "tickets.csv"
    head = "Key,Closed,Requested for,Access,Request,Access until"
    rows = [f"A-{number},{day(ago)},{ADA},Engineering,Give," for number, ago in ((1, 22), (2, 20), (3, 18))]
    file.write_text("\n".join([head, *rows]))
    report = site.audit("--csv", file)
    assert [said(report, f"A-{number}") for number in (1, 2, 3)] == [
        ("no_longer_true", "changed_since"),
        ("cannot_be_said", "too_close"),
        ("not_true", "undone_before"),
    ]


def test_an_unknown_field_is_refused_before_anything_is_read(site: TruthSite) -> None:
    site.mapping.write_text(MAPPING.replace("Requested for", "Nobody's field"))
    ran = site.run()
    assert ran.code == 1
    assert "no field 'Nobody's field' that the mapping names" in ran.err
    assert site.calls(System.JUMPCLOUD) == 0


def test_exactly_one_source_of_tickets_is_named(site: TruthSite, tmp_path: Path) -> None:
    assert site.run("--jql", "project = ACCESS", "--csv", tmp_path / "x.csv").code == 2
    site.mapping.write_text(MAPPING.replace("jql: project = ACCESS\n", ""))
    assert site.run().code == 2


def test_the_assistant_proposes_a_mapping_that_audits_the_tickets(site: TruthSite) -> None:
    site.holds("Engineering", "ada")
    key = site.ticket(ADA, "Engineering", until=day(-30))
    site.ticket(BOB, "Finance", "Remove access")
    proposed = site.mapping.with_name("proposed.yaml")
    ran = site.suggest("--jql", "project = ACCESS", "--write", proposed)
    assert ran.code == 0, ran.err
    assert ran.err.startswith("provisor: This reads the names of Jira's fields, and 50 tickets of project = ACCESS")
    assert f"{key}: give {ADA}: Engineering until {day(-31)}" in ran.out
    assert site.writes() == []
    assert site.calls(System.JUMPCLOUD) == 0, "the systems are not read yet"
    site.mapping.write_text(proposed.read_text())
    assert said(site.audit(), key) == ("true", "as_said")


def test_the_assistant_reads_summaries_where_no_field_says_it(site: TruthSite, tmp_path: Path) -> None:
    file = tmp_path / "tickets.csv"
    file.write_text(
        f"Key,Summary,Closed\nA-1,Give Engineering to {ADA},{day(20)}\nA-2,Remove Finance from {BOB},{day(20)}\n"
    )
    ran = site.suggest("--csv", file)
    assert ran.code == 0, ran.err
    assert f"A-2: take {BOB}: Finance" in ran.out
    assert "pattern:" in ran.out


def test_the_assistant_does_not_overwrite_a_mapping(site: TruthSite) -> None:
    site.ticket(ADA, "Engineering")
    ran = site.suggest("--jql", "project = ACCESS", "--write", site.mapping)
    assert ran.code == 1
    assert site.mapping.read_text() == MAPPING


def test_field_ids_work_as_well_as_names(site: TruthSite) -> None:
    site.holds("Engineering", "ada")
    key = site.ticket(ADA, "Engineering")
    site.mapping.write_text(MAPPING.replace("Requested for", PERSON).replace("field: Access,", f"field: {THING},"))
    assert said(site.audit(), key) == ("true", "as_said")
