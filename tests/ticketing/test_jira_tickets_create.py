from __future__ import annotations

import socket
from datetime import date, timedelta
from typing import Any

import pytest

from access.clock import ManualClock
from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from simulator.jira.projects import CustomField, FieldUse
from simulator.switches import change_switches
from tests.ticketing.desk import MARKER, NOW, Desk, draft
from ticketing.adf import plain_text
from ticketing.jira import JiraSite, JiraTicketProvider

CREATE = {"method": "POST", "path": "/rest/api/3/issue$"}


def test_a_ticket_is_one_call_with_label_property_and_document(desk: Desk) -> None:
    ref = desk.make(labels=["access request"], due=date(2026, 12, 1))
    issue = desk.issue(ref)
    assert desk.calls() == ["POST /rest/api/3/issue"]
    assert (issue.key, issue.summary, issue.type_id) == (ref.key, "Give Ada access", "10004")
    assert issue.labels == [MARKER, "access_request"]
    assert issue.properties == {"provisor": {"operation": "op-1", "marker": MARKER}}
    assert plain_text(issue.values["description"]) == "Who: Ada"
    assert issue.values["duedate"] == "2026-12-01"
    assert ref.url == f"{desk.simulators.jira_url}/browse/{ref.key}"


def test_a_summary_of_many_lines_and_a_body_of_a_book_are_made_to_fit(desk: Desk) -> None:
    issue = desk.issue(desk.make(summary="line\n" * 200, body="a **book** \U0001f4d6\n\n" * 10_000))
    assert issue.summary.startswith("line line")
    assert "Shortened" in plain_text(issue.values["description"])


@pytest.mark.parametrize(
    "lost",
    [
        {"drop": "after"},
        {"drop": "after", "reset": True},
        {"drop": "before"},
        {"break_after": 5},
        {"truncate_to": 5},
        *({"status": status, "applied": True} for status in (408, 500, 502, 503, 504)),
        {"status": 200, "applied": True, "body": {"surprise": 1}},
        {"status": 201, "applied": True, "body": "<html>proxy</html>"},
    ],
    ids=str,
)
def test_a_lost_answer_on_create_is_unknown_and_probe_tells_at_once_even_while_search_lags(
    desk: Desk, lost: dict[str, Any]
) -> None:
    before = desk.make(marker="other")
    change_switches(desk.world.switches, search_lag_ms=600_000)
    desk.fault(**CREATE, **lost)
    with pytest.raises(Unknown):
        desk.make()
    made = [issue.key for issue in desk.issues() if issue.key != before.key]
    assert len(made) == (0 if lost.get("drop") == "before" else 1)
    assert desk.provider.find(MARKER, project="OPS") == []
    assert [ref.key for ref in desk.provider.probe(MARKER, project="OPS", after_key=before.key)] == made
    assert [ref.key for ref in desk.provider.probe(MARKER, project="OPS", after_key=None)] == made


def test_an_answer_that_takes_too_long_is_unknown_on_create_and_transient_on_reading(desk: Desk) -> None:
    impatient = desk.other_provider(timeouts=(1.0, 0.2))
    held = desk.fault(**CREATE, hold="after")
    with pytest.raises(Unknown, match="in time"):
        impatient.create(draft())
    desk.simulators.faults.release(held)
    held = desk.fault(path="bulkfetch", hold="after")
    with pytest.raises(Transient, match="in time"):
        impatient.read(["1"])
    desk.simulators.faults.release(held)
    impatient.close_connections()


def test_a_jira_that_cannot_be_reached_has_done_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    site = JiraSite(site_url=f"http://127.0.0.1:{port}", email="a@b.c", token="t")
    with pytest.raises(Transient, match="could not be reached"):
        JiraTicketProvider(site, clock=ManualClock(NOW)).create(draft())


def test_a_name_that_does_not_resolve_has_done_nothing() -> None:
    site = JiraSite(site_url="http://no-such-site.invalid", email="a@b.c", token="t")
    with pytest.raises(Transient, match="could not be reached"):
        JiraTicketProvider(site, clock=ManualClock(NOW)).create(draft())


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "9"}, timedelta(seconds=9)),
        ({"Retry-After": "Sun, 22 Nov 2026 03:00:30 GMT"}, timedelta(seconds=30)),
        ({"X-Failure-Category": "FAILURE CLIENT RATE LIMITED"}, None),
    ],
)
def test_a_limited_create_made_nothing_and_may_be_repeated(
    desk: Desk, headers: dict[str, str], wait: timedelta | None
) -> None:
    desk.fault(**CREATE, status=429, headers=headers)
    with pytest.raises(Transient) as caught:
        desk.make()
    assert caught.value.retry_after == wait
    assert desk.issues() == []
    assert desk.make().key == "OPS-1"


@pytest.mark.parametrize(
    ("status", "word"),
    [(400, Permanent), (401, CredentialRefused), (403, Permanent), (404, Permanent), (422, Permanent)],
)
def test_a_refused_create_says_so_at_once(desk: Desk, status: int, word: type[Failure]) -> None:
    desk.fault(**CREATE, status=status)
    with pytest.raises(word) as caught:
        desk.make()
    assert type(caught.value) is word
    assert desk.calls() == ["POST /rest/api/3/issue"]


def test_a_required_field_without_a_value_is_named_in_the_remedy(desk: Desk) -> None:
    require_cost_centre(desk)
    with pytest.raises(Permanent, match="customfield_10100") as caught:
        desk.make()
    assert "Give the field customfield_10100 a value" in caught.value.remedy


def test_a_field_that_is_not_on_the_screen_is_named_in_the_remedy(desk: Desk) -> None:
    desk.world.projects.by_id["10000"].off_screen.append("labels")
    with pytest.raises(Permanent, match="labels") as caught:
        desk.make()
    assert "create screen" in caught.value.remedy


def test_extra_fields_may_be_named_as_people_name_them_and_get_the_shape_of_their_type(desk: Desk) -> None:
    require_cost_centre(desk)
    issue = desk.issue(desk.make(fields={"Cost centre": "Blue", "priority": "High"}))
    assert issue.values["priority"] == "2"
    assert "200" in str(issue.values["customfield_10100"])


def require_cost_centre(desk: Desk) -> None:
    options = [{"id": "100", "value": "Red"}, {"id": "200", "value": "Blue"}]
    field = CustomField("customfield_10100", "Cost centre", "option", custom="x:select", options=options)
    desk.world.catalogue.fields[field.id] = field
    desk.world.projects.by_id["10000"].fields[field.id] = FieldUse(required=True)
