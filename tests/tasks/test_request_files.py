import json
from typing import Any

import pytest

from access.message import AccessRequest
from tasks.message_parsing import Malformed, parse_message
from tasks.request_files import COLUMNS, Entry, FileFormat, parse_file, sniff


def message(number: int, **changes: Any) -> dict[str, Any]:
    subject = {"email": f"user{number}@example.com"}
    return {
        "id": f"req-{number}",
        "action": "grant",
        "subject": subject,
        "entitlement": "jira:group:Eng:member",
    } | changes


def read(text: str, file_format: FileFormat | None = None) -> list[Entry]:
    entries = list(parse_file(text, file_format))
    for entry in entries:
        if isinstance(entry.outcome, AccessRequest):
            assert parse_message(entry.body) == entry.outcome
    return entries


def told(entries: list[Entry]) -> list[tuple[str, str]]:
    """Position and id of what was read, or position and reason of what was not."""
    return [
        (entry.position, entry.outcome.reason if isinstance(entry.outcome, Malformed) else entry.outcome.id)
        for entry in entries
    ]


ONE, TWO, THREE = (json.dumps(message(number)) for number in (1, 2, 3))
BAD = json.dumps(message(2, action="give"))


@pytest.mark.parametrize(
    ("text", "file_format"),
    [
        (ONE, FileFormat.JSON),
        (f"[{ONE},{TWO}]", FileFormat.JSON),
        (json.dumps(message(1), indent=2), FileFormat.JSON),
        (f"\n\n{ONE}\n{TWO}\n", FileFormat.JSON_LINES),
        (f"{ONE}\n\n{TWO[:-5]}", FileFormat.JSON_LINES),
        ("id,action,email,entitlement\n", FileFormat.CSV),
        ("", FileFormat.CSV),
    ],
)
def test_the_format_is_found_out(text: str, file_format: FileFormat) -> None:
    assert sniff(text) is file_format


@pytest.mark.parametrize("text", ["", "\n", " \r\n\r\n", "\ufeff", "[]", "[ ]", "id,action\n"])
def test_a_file_with_nothing_in_it_has_no_entries(text: str) -> None:
    assert read(text) == []


# JSON


@pytest.mark.parametrize(
    "text",
    [
        f"[{ONE},{TWO},{THREE}]",
        f" [ {ONE} ,\n{TWO}\n,{THREE} ] \n",
        f"\ufeff[{ONE},{TWO},{THREE}]",
        f"{ONE}{TWO}\n \n{THREE}",
    ],
)
def test_objects_are_read_from_an_array_or_one_after_the_other(text: str) -> None:
    assert told(read(text, FileFormat.JSON)) == [("request 1", "req-1"), ("request 2", "req-2"), ("request 3", "req-3")]


def test_the_body_to_send_is_the_text_of_the_file() -> None:
    text = (
        '{ "id" : "a",  "action":"grant","subject":{"id":"ü"},"entitlement":"jira:group:x:member", "duration": 3600.0 }'
    )
    (entry,) = read(f"[ {text} ]")
    assert entry.body == text.encode()


def test_a_wrong_entry_does_not_keep_the_others_from_being_read() -> None:
    twice = '{"id": "x", "id": "y"}'
    entries = told(read(f"[{ONE},{BAD},5,{twice},{THREE}]"))
    assert [entries[0], entries[4]] == [("request 1", "req-1"), ("request 5", "req-3")]
    assert entries[1][1].startswith("action: Input should be 'grant'")
    assert entries[2] == ("request 3", "The body is not a JSON object; send one request as {...}.")
    assert entries[3] == ("request 4", "The JSON has the key 'id' twice in one object; keep one.")


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (f"[{ONE},\n {{oops}}, {THREE}]", ("request 2", "line 2, column 3")),
        (f"[{ONE} {TWO}]", ("after request 1", "without a comma")),
        (f"[{ONE},", ("the end", "not closed")),
        (f"[{ONE}", ("after request 1", "without a comma")),
        (f"[{ONE}] {TWO}", ("the end", "more after it")),
        (f"[{ONE},{'[' * 100_000}", ("request 2", "nested too deeply")),
        (f"[{ONE},{'9' * 10_000}]", ("request 2", "too long a number")),
    ],
)
def test_where_the_file_is_broken_reading_ends_and_says_so(text: str, last: tuple[str, str]) -> None:
    entries = read(text, FileFormat.JSON)
    assert told(entries)[0] == ("request 1", "req-1")
    assert len(entries) == 2
    position, reason = told(entries)[-1]
    assert position == last[0]
    assert last[1] in reason
    assert entries[-1].body == b""


# JSON lines


def test_lines_are_read_one_by_one_and_a_broken_one_is_only_itself() -> None:
    entries = told(read(f"{ONE}\r\n\n{{broken\n{THREE}", FileFormat.JSON_LINES))
    assert [entries[0], entries[2]] == [("line 1", "req-1"), ("line 4", "req-3")]
    assert entries[1][0] == "line 3"
    assert "is not JSON" in entries[1][1]


def test_a_line_may_be_a_cloud_event() -> None:
    event = {"specversion": "1.0", "id": "e", "source": "/x", "type": "provisor.access-request.v1", "data": message(7)}
    assert told(read(f"{ONE}\n{json.dumps(event)}\n")) == [("line 1", "req-1"), ("line 2", "req-7")]


# CSV

HEAD = "id,action,email,entitlement"


def test_a_table_says_all_that_a_message_can() -> None:
    head = ",".join([*COLUMNS, "field:change", "field:cost centre"])
    times = "PT8H,2026-02-01T08:00:00Z,,PAY-7"
    grant = f"a,grant,ada@b.c,ada,5b1,jira:group:x:member,,,{times},,on call,bo,cy,2026-01-31T12:00:00Z,CHG-1,"
    make = "b,create_account,ada@b.c,,,,jira,jira-core jira-software,3600,,,,,,,,,,7"
    revoke = "c,revoke,ada@b.c,,,jira:group:x:member,,,,,,,a,,,,,,"
    first, second, third = (entry.outcome for entry in read(f"{head}\n{grant}\n{make}\n{revoke}\n"))
    assert isinstance(first, AccessRequest)
    assert isinstance(second, AccessRequest)
    assert isinstance(third, AccessRequest)
    assert first.canonical() == {
        "schema": "provisor.access-request/1",
        "id": "a",
        "action": "grant",
        "subject": {"email": "ada@b.c", "username": "ada", "id": "5b1"},
        "entitlement": "jira:group:x:member",
        "duration": "PT8H",
        "starts_at": "2026-02-01T08:00:00Z",
        "until_issue": "PAY-7",
        "reason": "on call",
        "requested_by": "bo",
        "approved_by": "cy",
        "requested_at": "2026-01-31T12:00:00Z",
        "fields": {"change": "CHG-1"},
    }
    assert second.products == ("jira-core", "jira-software")
    assert second.canonical()["duration"] == "PT1H"
    assert second.fields == {"cost centre": "7"}
    assert third.claim_of == "a"


def test_the_body_of_a_row_is_the_message_it_stands_for() -> None:
    (entry,) = read(f"{HEAD}\nreq-1,grant,user1@example.com,jira:group:Eng:member\n")
    assert json.loads(entry.body) == message(1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_usual_delimiter_and_line_end_will_do(delimiter: str) -> None:
    row = "req-1,grant,user1@example.com,jira:group:Eng:member"
    text = f"\ufeff{HEAD}\r\n\r\n{row}\r\n".replace(",", delimiter)
    assert told(read(text)) == [("line 3", "req-1")]


def test_a_cell_may_hold_delimiters_quotes_and_lines() -> None:
    row = "grant,a@b.c,jira:group:Eng:member"
    text = f'{HEAD},reason\nreq-1,{row},"one, ""two""\nthree"\nreq-2,{row},\n'
    first, second = read(text)
    assert isinstance(first.outcome, AccessRequest)
    assert first.outcome.reason == 'one, "two"\nthree'
    assert (first.position, second.position) == ("line 2", "line 4")


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (
            "id,action,mail",
            "The table has unknown columns ('mail'); there are id, action, email, username, subject_id, ",
        ),
        ("id,action,field:", "The table has unknown columns ('field:');"),
        ("id,action,id", "The table has the same column twice; keep one of each."),
        ("id,email", "The table lacks the column action; its first line names the columns."),
        ("hello", "The table has unknown columns ('hello');"),
    ],
)
def test_a_table_with_wrong_columns_is_refused_as_a_whole(head: str, reason: str) -> None:
    ((position, said),) = told(read(f"{head}\n1,2,3\n4,5,6\n"))
    assert position == "line 1"
    assert said.startswith(reason)


def test_a_wrong_row_does_not_keep_the_others_from_being_read() -> None:
    good = "grant,a@b.c,jira:group:Eng:member"
    entries = told(read(f"{HEAD}\na,{good}\nb,give,a@b.c,jira:group:Eng:member\nc,grant\nd,{good},\ne,{good}\n"))
    assert [entries[0], entries[4]] == [("line 2", "a"), ("line 6", "e")]
    assert entries[1][1].startswith("action: ")
    assert entries[2] == ("line 4", "The row has 2 cells and the first line 4 columns; make them equal.")
    assert entries[3][1].startswith("The row has 5 cells")


@pytest.mark.parametrize("text", ['a,grant,"a@b.c', 'a,grant,"a"b,c', "a," + "x" * 200_000])
def test_where_a_table_is_broken_reading_ends_and_says_so(text: str) -> None:
    ((position, reason),) = told(read(f"{HEAD}\n{text}\nb,grant,a@b.c,jira:group:Eng:member\n"))
    assert position == "line 2"
    assert "cannot be read on from here" in reason


def test_a_number_of_seconds_that_is_no_duration_is_refused() -> None:
    ((_, reason),) = told(read(f"{HEAD},duration\na,grant,a@b.c,jira:group:Eng:member,{'9' * 5000}\n"))
    assert reason.startswith("duration: ")
