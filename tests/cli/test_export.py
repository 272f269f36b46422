from __future__ import annotations

import csv
import hashlib
import io
import json
import stat
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from access.clock import SystemClock
from access.entitlements import System
from access.people import AccountRef
from cli import export_records
from cli.export import COLUMNS
from cli.export_files import Sink, write_rows
from store.unit_of_work import Store
from tasks.people import People
from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import BY_HAND, GROUP, LocalStack
from tests.fakes.reconciled_stack import reconcile
from tests.store.snapshot_rows import SnapshotRows, account, group, jira, jumpcloud, store_snapshot

JUST_NOW = timedelta(minutes=1)


@pytest.fixture
def taken(store: Store) -> str:
    """Both snapshots; when they began."""
    at = datetime.now(UTC) - JUST_NOW
    store_snapshot(store, jumpcloud(), jira(), at=at)
    people = People(store, SystemClock(), domains=())
    people.refresh()
    people.join("ada", AccountRef(System.JIRA, "j-root"), by="grace", reason="she showed me her profile")
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_access_review_file_has_a_row_for_each_way_of_holding(
    provisor: RunCommand, config: Path, taken: str
) -> None:
    ran = provisor("export", "grants", "-c", config)
    rows = table(ran.out)
    assert ran.code == 0
    assert tuple(rows[0]) == COLUMNS["grants"]
    assert [(row["system"], row["resource"], row["account"], row["held"], row["through"]) for row in rows] == [
        ("jira", "g-devs", "j-root", "direct", ""),
        ("jira", "10000/10002", "j-ada", "direct", ""),
        ("jira", "10000/10002", "j-root", "group", "g-devs"),
        ("jumpcloud", "r1", "root", "direct", ""),
        ("jumpcloud", "aws", "ada", "group", "eng"),
        ("jumpcloud", "aws", "bob", "direct", ""),
        ("jumpcloud", "aws", "bob", "group", "eng"),
        ("jumpcloud", "eng", "ada", "direct", ""),
        ("jumpcloud", "eng", "bob", "direct", ""),
        ("jumpcloud", "odd:50%", "ada", "direct", ""),
    ]
    assert {row["snapshot_began_at"] for row in rows} == {taken}
    assert "provisor: 10 grants exported: jira as of " in ran.err


def test_a_row_says_all_that_a_reviewer_asks(provisor: RunCommand, config: Path, taken: str) -> None:
    role = next(row for row in table(provisor("export", "grants", "-c", config).out) if row["through"] == "g-devs")
    assert role == {
        "system": "jira",
        "account": "j-root",
        "account_kind": "atlassian",
        "account_title": "Röot 根",
        "account_status": "active",
        "username": "",
        "email": "root@acme.example",
        "person": "ada@acme.example",
        "kind": "project-role",
        "resource": "10000/10002",
        "resource_name": "Administrators",
        "project": "PAY",
        "project_name": "Payments",
        "entitlement": "jira:project-role:10000:10002:assigned",
        "held": "group",
        "through": "g-devs",
        "through_name": "devs",
        "since": "",
        "first_seen_at": taken,
        "last_active": "",
        "claim": "",
        "request": "",
        "claim_ends_at": "",
        "snapshot_began_at": taken,
    }


def test_two_exports_of_one_snapshot_are_the_same_bytes(provisor: RunCommand, config: Path, taken: str) -> None:
    assert provisor("export", "grants", "-c", config).out == provisor("export", "grants", "-c", config).out


def test_json_lines_have_the_same_members_in_the_same_order(provisor: RunCommand, config: Path, taken: str) -> None:
    ran = provisor("export", "accounts", "-c", config, "--format", "jsonl")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [tuple(row) for row in rows] == [COLUMNS["accounts"]] * 6
    by_id = {row["account"]: row for row in rows}
    assert (by_id["ada"]["person"], by_id["ada"]["department"]) == ("ada@acme.example", "Research")
    assert (by_id["bob"]["person"], by_id["bob"]["status"]) == (None, "suspended")


def test_entitlements_are_exported_by_ids_and_names(provisor: RunCommand, config: Path, taken: str) -> None:
    rows = table(provisor("export", "entitlements", "-c", config, "--system", "jira").out)
    assert [(row["entitlement"], row["named"], row["holders"], row["holder_groups"]) for row in rows] == [
        ("jira:group:g-devs:member", "jira:group:devs:member", "1", "0"),
        (
            "jira:project-role:10000:10002:assigned",
            "jira:project-role:PAY:Administrators:assigned",
            "1",
            "1",
        ),
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_spreadsheet_calculates_nothing(name: str) -> None:
    stream = io.BytesIO()
    write_rows(Sink(stream), [{"name": name, "number": -1}], ("name", "number"), form="csv")
    header, row = csv.reader(io.StringIO(stream.getvalue().decode(), newline=""))
    assert row == [f"'{name}", "-1"]
    assert header == ["name", "number"]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_spreadsheet_that_splits_lines_at_another_separator_calculates_nothing_either(separator: str) -> None:
    stream = io.BytesIO()
    write_rows(Sink(stream), [{"name": f"x{separator}=1+1"}, {"name": f"x{separator} y-z"}], ("name",), form="csv")
    _, hostile, harmless = csv.reader(io.StringIO(stream.getvalue().decode(), newline=""), delimiter=separator)
    assert hostile == ["x", "'=1+1"]
    assert harmless == ["x", " y-z"]


def test_json_lines_are_not_touched_for_spreadsheets(provisor: RunCommand, config: Path, taken: str) -> None:
    lines = provisor("export", "grants", "-c", config, "--format", "jsonl").out.splitlines()
    assert "=cmd|' /C calc'!A0" in {json.loads(line)["resource_name"] for line in lines}
    assert "'=cmd|' /C calc'!A0" in {
        row["resource_name"] for row in table(provisor("export", "grants", "-c", config).out)
    }


def test_any_text_survives_the_round_trip_through_csv() -> None:
    rows = [{"text": text} for text in ('a "quote"', "a,b", "two\nlines", "two\r\nlines", "Röot 根 🜁", "", " x ")]
    stream = io.BytesIO()
    assert write_rows(Sink(stream), rows, ("text",), form="csv") == len(rows)
    assert table(stream.getvalue().decode()) == rows
    assert stream.getvalue().startswith(b'text\r\n"a ""quote"""\r\n"a,b"\r\n')


def test_an_export_of_nothing_is_a_header(provisor: RunCommand, config: Path, store: Store) -> None:
    store_snapshot(store, SnapshotRows(jumpcloud().system, [account("a")]), at=datetime.now(UTC) - JUST_NOW)
    assert provisor("export", "grants", "-c", config).out == ",".join(COLUMNS["grants"]) + "\r\n"
    assert provisor("export", "grants", "-c", config, "--format", "jsonl").out == ""


def test_a_file_is_there_only_when_it_is_whole_and_for_its_owner_alone(
    provisor: RunCommand, config: Path, taken: str, tmp_path: Path
) -> None:
    file, manifest = tmp_path / "out" / "grants.csv", tmp_path / "out" / "grants.json"
    ran = provisor("export", "grants", "-c", config, "-o", file)
    assert ran.code == 1
    assert ran.err.startswith(f"provisor: {file} cannot be written (No such file or directory). Check the folder")
    file.parent.mkdir()
    ran = provisor("export", "grants", "-c", config, "-o", file, "--manifest", manifest)
    assert (ran.code, ran.out) == (0, "")
    assert len(table(file.read_text(encoding="utf-8"))) == 10
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(each.name for each in file.parent.iterdir()) == ["grants.csv", "grants.json"]


def test_a_manifest_proves_what_was_exported_and_as_of_when(
    provisor: RunCommand, config: Path, taken: str, tmp_path: Path
) -> None:
    file, manifest = tmp_path / "accounts.jsonl", tmp_path / "manifest.json"
    provisor("export", "accounts", "-c", config, "--format", "jsonl", "-o", file, "--manifest", manifest)
    facts = json.loads(manifest.read_text())
    assert facts["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (facts["rows"], facts["bytes"], facts["file"]) == (6, file.stat().st_size, "accounts.jsonl")
    exactly = facts["snapshots"][0]["began_at"]
    assert exactly.startswith(taken.removesuffix("Z"))
    assert [(each["system"], each["began_at"], each["method"]) for each in facts["snapshots"]] == [
        ("jira", exactly, "rows"),
        ("jumpcloud", exactly, "rows"),
    ]
    assert facts["columns"] == list(COLUMNS["accounts"])


def test_nothing_is_exported_from_no_snapshot(provisor: RunCommand, config: Path, tmp_path: Path) -> None:
    ran = provisor("export", "grants", "-c", config, "-o", tmp_path / "grants.csv")
    assert (ran.code, ran.out) == (1, "")
    assert "There is no complete snapshot yet." in ran.err
    assert not (tmp_path / "grants.csv").exists()


def test_an_export_never_leaves_out_a_connected_system_unsaid(
    provisor: RunCommand, configure: Callable[..., Path], store: Store
) -> None:
    store_snapshot(store, jumpcloud(), at=datetime.now(UTC) - JUST_NOW)
    config = configure(jira={"site_url": "http://127.0.0.1", "email": "a@b.example", "api_token": "token-token"})
    ran = provisor("export", "grants", "-c", config)
    assert (ran.code, ran.out) == (1, "")
    assert "There is no complete snapshot of jira yet, so an export would leave it out." in ran.err
    assert provisor("export", "grants", "-c", config, "--system", "jumpcloud").code == 0


def test_help_names_the_columns_in_their_order(provisor: RunCommand) -> None:
    shown = " ".join(provisor("export", "grants", "--help").out.split())
    assert f"Columns, in this order: {', '.join(COLUMNS['grants'])}." in shown


@pytest.mark.long
def test_a_large_export_is_never_held(provisor: RunCommand, config: Path, store: Store, tmp_path: Path) -> None:
    people = [account(f"u{number}", f"u{number}@acme.example") for number in range(8000)]
    rows = [*people, *group("all", "All", *(each.id for each in people))]
    store_snapshot(store, SnapshotRows(jumpcloud().system, rows, page=4000), at=datetime.now(UTC) - JUST_NOW)
    provisor("export", "entitlements", "-c", config, "-o", tmp_path / "small.csv")
    tracemalloc.start()
    provisor("export", "grants", "-c", config, "-o", tmp_path / "grants.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    written = (tmp_path / "grants.csv").stat().st_size
    assert written > 1_000_000
    assert peak < 6_000_000, "8000 rows of 24 values take four times as much"


# Provisor's own records, and the review file


@pytest.fixture
def worked(stack: LocalStack) -> LocalStack:
    """A request that gave access, one that a person works on, and a finding that is over."""
    said = {"reason": "=on call", "requested_by": "grace@example.com", "approved_by": "linus@example.com"}
    stack.grant("r1", seconds=600, **said)
    stack.grant("r2", group=BY_HAND)
    stack.run()
    for present in (False, True, False):
        stack.system.change("u2", GROUP, present=present)
        reconcile(stack, [GROUP])
    return stack


@pytest.mark.parametrize("what", export_records.COLUMNS)
def test_records_are_exported_whole_and_in_their_columns(
    provisor: RunCommand, config: Path, worked: LocalStack, what: str, tmp_path: Path
) -> None:
    ran = provisor("export", what, "-c", config)
    rows = table(ran.out)
    assert ran.code == 0
    assert tuple(rows[0]) == tuple(export_records.COLUMNS[what])
    file = tmp_path / f"{what}.jsonl"
    provisor("export", what, "-c", config, "--format", "jsonl", "-o", file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == len(rows)
    assert json.loads((tmp_path / f"{what}.jsonl.certificate.json").read_text())["rows"] == len(rows)


def test_a_request_is_exported_with_who_asked_who_approved_and_how_that_is_known(
    provisor: RunCommand, config: Path, worked: LocalStack
) -> None:
    first, second = table(provisor("export", "requests", "-c", config).out)
    assert (first["id"], first["asked_for"], first["asked_by"]) == ("r1", "'=on call", "grace@example.com")
    assert (first["approved_by"], first["approved_known"]) == ("linus@example.com", "as the sender said")
    assert (first["state"], first["source"]) == ("done", "test")
    assert (second["approved_by"], second["approved_known"]) == ("", "not told")
    [claim, _] = table(provisor("export", "claims", "-c", config).out)
    assert (claim["request_id"], claim["pre_existing"], claim["approved_by"]) == ("r1", "false", "linus@example.com")
    [ticket] = table(provisor("export", "tickets", "-c", config).out)
    assert (ticket["request_id"], ticket["state"]) == ("r2", "open")
    [done, asked] = table(provisor("export", "operations", "-c", config).out)
    assert (done["before"], done["state"], done["evidence"]) == ("absent", "done", "the list shows it")
    assert (asked["via"], asked["state"]) == ("ticket", "with_person")


def test_findings_are_exported_the_closed_ones_too(provisor: RunCommand, config: Path, worked: LocalStack) -> None:
    [found] = table(provisor("export", "findings", "-c", config).out)
    assert (found["kind"], found["account_id"], found["entitlement"]) == ("unexpected", "u2", GROUP)
    assert found["closed_why"] == "The snapshot shows it no more."


def test_the_audit_trail_is_exported_by_either_name(provisor: RunCommand, config: Path, worked: LocalStack) -> None:
    exported = provisor("audit", "export", "-c", config).out
    assert exported == provisor("export", "audit", "-c", config).out
    first = table(exported)[0]
    assert (first["actor"], first["event"], first["seal"]) == ("producer:test", "request.received", "")
    assert json.loads(first["detail"])["requested_by"] == "grace@example.com"


def test_the_review_file_says_why_and_how_each_is_known(
    provisor: RunCommand, config: Path, worked: LocalStack, store: Store
) -> None:
    claim = worked.claim("r1")
    name = claim.entitlement.path[0]
    rows = SnapshotRows(jumpcloud().system, [account("u1"), account("u2"), *group(name, "API", "u1", "u2")])
    store_snapshot(store, rows, at=datetime.now(UTC) - JUST_NOW)
    by_account = {row["account"]: row for row in table(provisor("export", "review", "-c", config).out)}
    assert tuple(by_account["u1"]) == COLUMNS["review"]
    explained, unexplained = by_account["u1"], by_account["u2"]
    assert (explained["why"], explained["why_known"]) == ("'=on call", "as the sender said")
    assert (explained["until"], explained["until_known"]) == ("2026-11-22T09:10:00Z", "Provisor's own record")
    assert (explained["approved_by"], explained["approved_by_known"]) == ("linus@example.com", "as the sender said")
    assert (explained["since_known"], explained["held_known"]) == ("first seen in a snapshot", "read in jumpcloud")
    assert (unexplained["why"], unexplained["why_known"]) == ("", "no request of Provisor's")
    assert (unexplained["approved_by_known"], unexplained["until_known"]) == ("not known", "not known")
    assert explained["was_there_before"] == "false"


@pytest.mark.long
def test_many_records_are_never_held(provisor: RunCommand, config: Path, store: Store, tmp_path: Path) -> None:
    with store.write() as work:
        for number in range(20_000):
            at = datetime(2026, 11, 22, tzinfo=UTC)
            work.audit.record("request.received", "request", f"r{number}", now=at, request_id=f"r{number}")
    provisor("export", "audit", "-c", config, "-o", tmp_path / "warm.csv")
    tracemalloc.start()
    provisor("export", "audit", "-c", config, "-o", tmp_path / "audit.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "audit.csv").stat().st_size > 1_500_000
    assert peak < 6_000_000
