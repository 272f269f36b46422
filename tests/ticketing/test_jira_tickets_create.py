from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from structlog.testing import capture_logs

from access.failures import Permanent, Transient, Unknown
from simulator.jira.projects import CustomField, FieldUse
from simulator.switches import change_switches
from tests.ticketing.simulated_ticketing import MARKER, SimulatedTicketing
from ticketing.adf import plain_text

CREATE = {"method": "POST", "path": "/rest/api/3/issue$"}


def test_a_ticket_is_one_call_with_label_property_and_document(harness: SimulatedTicketing) -> None:
    ref = harness.make(labels=["access request"], due=date(2026, 12, 1))
    issue = harness.issue(ref)
    types = "GET /rest/api/3/issue/createmeta/{project}/issuetypes"
    assert harness.calls() == [types, f"{types}/{{type}}", "POST /rest/api/3/issue"]
    harness.forget_calls()
    harness.make(marker="other")
    assert harness.calls() == ["POST /rest/api/3/issue"]
    assert (issue.key, issue.summary, issue.type_id) == (ref.key, "Give Ada access", "10004")
    assert issue.labels == [MARKER, "access_request"]
    assert issue.properties == {"provisor": {"operation": "op-1", "marker": MARKER}}
    assert plain_text(issue.values["description"]) == "Who: Ada"
    assert issue.values["duedate"] == "2026-12-01"
    assert ref.url == f"{harness.simulators.jira_url}/browse/{ref.key}"


def test_a_summary_of_many_lines_and_a_body_of_a_book_are_made_to_fit(harness: SimulatedTicketing) -> None:
    issue = harness.issue(harness.make(summary="line\n" * 200, body="a **book** \U0001f4d6\n\n" * 10_000))
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
        *({"status": status, "applied": True} for status in (408, 504)),
        {"status": 200, "applied": True, "body": {"surprise": 1}},
        {"status": 201, "applied": True, "body": "<html>proxy</html>"},
    ],
    ids=str,
)
def test_a_lost_answer_on_create_is_unknown_and_probe_tells_at_once_even_while_search_lags(
    harness: SimulatedTicketing, lost: dict[str, Any]
) -> None:
    before = harness.make(marker="other")
    change_switches(harness.world.switches, search_lag_ms=600_000)
    harness.fault(**CREATE, **lost)
    with pytest.raises(Unknown):
        harness.make()
    made = [issue.key for issue in harness.issues() if issue.key != before.key]
    assert len(made) == (0 if lost.get("drop") == "before" else 1)
    assert harness.provider.find(MARKER, project="OPS") == []
    assert [ref.key for ref in harness.provider.probe(MARKER, project="OPS", after_key=before.key)] == made
    assert [ref.key for ref in harness.provider.probe(MARKER, project="OPS", after_key=None)] == made


def test_a_limited_create_made_nothing_and_may_be_repeated(harness: SimulatedTicketing) -> None:
    harness.fault(**CREATE, status=429)
    with pytest.raises(Transient):
        harness.make()
    assert harness.issues() == []
    assert harness.make().key == "OPS-1"


def test_a_required_field_without_a_value_is_named_in_the_remedy(harness: SimulatedTicketing) -> None:
    require_cost_centre(harness)
    with pytest.raises(Permanent, match="customfield_10100") as caught:
        harness.make()
    assert "Give customfield_10100 a value" in caught.value.remedy


def test_a_field_that_is_not_on_the_screen_is_named_in_the_remedy(harness: SimulatedTicketing) -> None:
    harness.world.projects.by_id["10000"].off_screen.append("labels")
    with pytest.raises(Permanent, match="labels") as caught:
        harness.make()
    assert "create screen" in caught.value.remedy


def test_a_due_date_that_is_not_on_the_screen_is_left_out_and_said(harness: SimulatedTicketing) -> None:
    """C6."""
    harness.world.projects.by_id["10000"].off_screen.append("duedate")
    with capture_logs() as logs:
        issue = harness.issue(harness.make(due=date(2026, 12, 1)))
    assert issue.values.get("duedate") is None
    assert [(log["event"], log["field"]) for log in logs if log["log_level"] == "warning"] == [
        ("ticket.field_left_out", "duedate")
    ]


def test_extra_fields_may_be_named_as_people_name_them_and_get_the_shape_of_their_type(
    harness: SimulatedTicketing,
) -> None:
    require_cost_centre(harness)
    issue = harness.issue(harness.make(fields={"Cost centre": "Blue", "priority": "High"}))
    assert issue.values["priority"] == "2"
    assert "200" in str(issue.values["customfield_10100"])


def require_cost_centre(harness: SimulatedTicketing) -> None:
    options = [{"id": "100", "value": "Red"}, {"id": "200", "value": "Blue"}]
    field = CustomField("customfield_10100", "Cost centre", "option", custom="x:select", options=options)
    harness.world.catalogue.fields[field.id] = field
    harness.world.projects.by_id["10000"].fields[field.id] = FieldUse(required=True)
