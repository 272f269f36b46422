from __future__ import annotations

import pytest

from simulator.jira.projects import CustomField, FieldUse
from simulator.jira.world import ADMIN_ACCOUNT
from tests.ticketing.simulated_ticketing import SimulatedTicketing, client_of
from ticketing.jira import JiraTicketProvider
from ticketing.jira.project_check import PERMISSIONS


def said(
    harness: SimulatedTicketing,
    *,
    project: str = "OPS",
    issue_type: str = "Access Request",
    fields: tuple[str, ...] = (),
) -> list[str]:
    return [str(problem) for problem in harness.provider.prove(project, issue_type, dict.fromkeys(fields, "x"))]


def test_good_settings_have_no_problems_and_nothing_is_written(harness: SimulatedTicketing) -> None:
    assert said(harness) == []
    assert said(harness, issue_type="10004") == []
    assert not [call for call in harness.calls() if not call.startswith("GET")]


def test_a_bad_credential_is_one_problem(harness: SimulatedTicketing) -> None:
    (problem,) = harness.other_provider(token="wrong").prove("OPS", "Task")
    assert problem.setting == "jira credential"
    assert "token" in problem.remedy


def test_an_unreachable_address_is_one_problem() -> None:
    url = "http://no-such-site.invalid"
    (problem,) = JiraTicketProvider(client_of(url), site_url=url).prove("OPS", "Task")
    assert problem.setting == "jira"


def test_a_project_that_is_not_there_or_not_shown_is_one_problem(harness: SimulatedTicketing) -> None:
    (problem,) = harness.provider.prove("NONE", "Task")
    assert "no Jira project NONE" in problem.what


@pytest.mark.parametrize("permission", [each for each in PERMISSIONS if each != "BROWSE_PROJECTS"])
def test_each_missing_permission_has_a_sentence_of_its_own(harness: SimulatedTicketing, permission: str) -> None:
    harness.world.permissions.denied.add((ADMIN_ACCOUNT, permission, "10000"))
    (problem,) = harness.provider.prove("OPS", "Access Request")
    assert PERMISSIONS[permission][0] in problem.what
    assert PERMISSIONS[permission][1] in problem.what


def test_several_problems_are_all_told(harness: SimulatedTicketing) -> None:
    for permission in ("EDIT_ISSUES", "ADD_COMMENTS"):
        harness.world.permissions.denied.add((ADMIN_ACCOUNT, permission, "10000"))
    assert len(said(harness, issue_type="Nonsense")) == 3


@pytest.mark.parametrize(("issue_type", "sentence"), [("Nonsense", "no issue type Nonsense"), ("Sub-task", "sub-task")])
def test_a_wrong_issue_type_is_answered_with_the_right_ones(
    harness: SimulatedTicketing, issue_type: str, sentence: str
) -> None:
    (problem,) = harness.provider.prove("OPS", issue_type)
    assert sentence in problem.what
    assert "Access Request" in problem.remedy
    assert "Sub-task" not in problem.remedy


def test_a_required_field_without_a_value_is_named(harness: SimulatedTicketing) -> None:
    harness.world.catalogue.fields["customfield_10100"] = CustomField("customfield_10100", "Cost centre")
    harness.world.projects.by_id["10000"].fields["customfield_10100"] = FieldUse(required=True)
    (problem,) = said(harness)
    assert "Cost centre (customfield_10100)" in problem
    assert said(harness, fields=("customfield_10100",)) == []
    assert said(harness, fields=("cost centre",)) == []


@pytest.mark.parametrize("name", ["labels", "description"])
def test_a_field_every_ticket_sends_has_to_be_on_the_screen(harness: SimulatedTicketing, name: str) -> None:
    harness.world.projects.by_id["10000"].off_screen.append(name)
    (problem,) = said(harness)
    assert f"does not have the field {name}" in problem


def test_an_extra_field_has_to_be_on_the_screen(harness: SimulatedTicketing) -> None:
    (problem,) = said(harness, fields=("customfield_404",))
    assert "no field customfield_404" in problem


@pytest.mark.parametrize("required", [True, False])
def test_g7_two_fields_of_one_name_are_told_with_both_ids(harness: SimulatedTicketing, *, required: bool) -> None:
    for number in (1, 2):
        field = CustomField(f"customfield_1010{number}", "Cost centre")
        harness.world.catalogue.fields[field.id] = field
        harness.world.projects.by_id["10000"].fields[field.id] = FieldUse(required=required and number == 1)
    (problem,) = said(harness, fields=("Cost centre",))
    assert "customfield_10101, customfield_10102" in problem
    assert said(harness, fields=("customfield_10101",)) == []


def test_a_failure_half_way_is_told_after_what_was_found(harness: SimulatedTicketing) -> None:
    harness.world.permissions.denied.add((ADMIN_ACCOUNT, "EDIT_ISSUES", "10000"))
    harness.fault(path="createmeta", status=500)
    assert [problem.setting for problem in harness.provider.prove("OPS", "Task")] == ["ticket project", "jira"]
