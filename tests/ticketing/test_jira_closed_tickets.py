"""Tickets that somebody else made, read from Jira: their fields as texts, when they were closed, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from access.ticket_mapping import FieldPart
from simulator.jira.world import ADMIN_ACCOUNT
from simulator.systems import act
from tests.ticketing.simulated_ticketing import SimulatedTicketing, client_of
from ticketing.jira.closed_tickets import JiraTicketArchive, closed_only, parts_of
from ticketing.ports import Phase


@pytest.fixture
def archive(harness: SimulatedTicketing) -> Iterator[JiraTicketArchive]:
    client = client_of(harness.simulators.jira_url)
    found = JiraTicketArchive(client, site_url="https://acme.atlassian.net")
    yield found
    found.close()


def make(harness: SimulatedTicketing, **fields: Any) -> str:
    made = act(harness.world, "create_issue", project="OPS", summary="Give access", labels=["access", "urgent"])
    if fields:
        act(harness.world, "edit_issue", issue=made["key"], fields=fields)
    return str(made["key"])


VALUES: list[tuple[str, Any, list[FieldPart]]] = [
    ("nothing", None, []),
    ("a text", "Engineering", [FieldPart("Engineering")]),
    ("a number", 7, [FieldPart("7")]),
    ("labels", ["a", "b"], [FieldPart("a"), FieldPart("b")]),
    ("an option", {"id": "1", "value": "Give"}, [FieldPart("Give")]),
    ("a cascading option", {"value": "PAY", "child": {"value": "Developers"}}, [FieldPart("PAY / Developers")]),
    ("a group", {"groupId": "g", "name": "team"}, [FieldPart("team")]),
    (
        "people",
        [{"accountId": "712020:ada", "displayName": "Ada", "emailAddress": "ada@acme.example"}, {"accountId": "x:bob"}],
        [FieldPart("Ada", "712020:ada", "ada@acme.example"), FieldPart("x:bob", "x:bob")],
    ),
    (
        "a document",
        {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Give it"}]}]},
        [FieldPart("Give it")],
    ),
    ("something else", {"progress": 3}, []),
]


@pytest.mark.parametrize(("value", "parts"), [row[1:] for row in VALUES], ids=[row[0] for row in VALUES])
def test_every_value_of_a_field_becomes_texts(value: Any, parts: list[FieldPart]) -> None:
    assert parts_of(value) == parts


def test_a_ticket_shows_what_was_asked_for(harness: SimulatedTicketing, archive: JiraTicketArchive) -> None:
    key = make(harness, assignee=ADMIN_ACCOUNT)
    act(harness.world, "done", issue=key)
    (page,) = archive.find("project = OPS", fields={"Who": ["assignee"], "Labels": ["labels"]})
    (ticket,) = page.tickets
    assert page.last
    assert (ticket.ref.key, ticket.phase, ticket.summary) == (key, Phase.DONE, "Give access")
    assert ticket.ref.url == f"https://acme.atlassian.net/browse/{key}"
    assert [part.account_id for part in ticket.fields["Who"]] == [ADMIN_ACCOUNT]
    assert [part.text for part in ticket.fields["Labels"]] == ["access", "urgent"]
    assert ticket.closed_at is not None
    assert ticket.created_at is not None


def test_a_ticket_that_was_reopened_is_not_found(harness: SimulatedTicketing, archive: JiraTicketArchive) -> None:
    open_one, reopened, closed = make(harness), make(harness), make(harness)
    harness.world.switches.resolution_kept_on_reopening = True
    for key in (reopened, closed):
        act(harness.world, "done", issue=key)
    act(harness.world, "reopen", issue=reopened)
    (page,) = archive.find("project = OPS", fields={})
    assert [ticket.ref.key for ticket in page.tickets] == [closed]
    assert open_one


def test_what_the_search_index_still_has_as_closed_is_seen_to_be_open(
    harness: SimulatedTicketing, archive: JiraTicketArchive
) -> None:
    key = make(harness)
    act(harness.world, "done", issue=key)
    harness.world.switches.search_lag_ms = 60_000
    act(harness.world, "reopen", issue=key)
    (page,) = archive.find("project = OPS", fields={})
    assert [(ticket.phase, ticket.closed_at) for ticket in page.tickets] == [(Phase.OPEN, None)]


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("project = OPS", "(project = OPS) AND statusCategory = Done ORDER BY updated DESC"),
        ("a = 1 OR b = 2 order  by key", "(a = 1 OR b = 2) AND statusCategory = Done order  by key"),
        ('x ~ "order by y"', '(x ~ "order by y") AND statusCategory = Done ORDER BY updated DESC'),
        ("ORDER BY key", "statusCategory = Done ORDER BY key"),
    ],
)
def test_only_closed_tickets_are_asked_for(query: str, asked: str) -> None:
    assert closed_only(query) == asked


def test_all_pages_come_once_each_and_in_the_querys_own_order(
    harness: SimulatedTicketing, archive: JiraTicketArchive
) -> None:
    keys = [make(harness) for _ in range(205)]
    for key in keys:
        act(harness.world, "done", issue=key)
    harness.forget_calls()
    pages = list(archive.find("project = OPS ORDER BY created ASC", fields={"Summary": ["summary"]}))
    assert [len(page.tickets) for page in pages] == [100, 100, 5]
    assert [page.last for page in pages] == [False, False, True]
    assert [ticket.ref.key for page in pages for ticket in page.tickets] == keys
    assert len(harness.calls()) == 3


def test_a_query_that_only_quotes_an_order_is_ordered_by_us(
    harness: SimulatedTicketing, archive: JiraTicketArchive
) -> None:
    first, second = make(harness, summary="order by nobody"), make(harness, summary="order by nobody")
    for key in (first, second):
        act(harness.world, "done", issue=key)
    act(harness.world, "comment", issue=first, text="changed last")
    (page,) = archive.find('project = OPS AND summary ~ "order by nobody"', fields={})
    assert [ticket.ref.key for ticket in page.tickets] == [first, second]


def test_histories_tell_who_closed_and_how_often_it_was_opened_again(
    harness: SimulatedTicketing, archive: JiraTicketArchive
) -> None:
    key = make(harness)
    for _ in range(2):
        act(harness.world, "done", issue=key, by=ADMIN_ACCOUNT)
        act(harness.world, "reopen", issue=key)
    act(harness.world, "done", issue=key, by=ADMIN_ACCOUNT)
    act(harness.world, "edit_labels", issue=key, add=["later"])
    issue = harness.world.issue(key).id
    closing = archive.closings([issue])[issue]
    assert (closing.by, closing.reopened) == ("Admin Person", 2)


def test_fields_are_listed_with_their_names(archive: JiraTicketArchive) -> None:
    names = {each.id: (each.name, each.type) for each in archive.field_names()}
    assert names["labels"] == ("Labels", "array of string")
