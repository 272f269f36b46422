from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from access.failures import Permanent
from ticketing.adf import to_adf
from ticketing.jira.fields import issue_fields, labels, one_line, shaped
from ticketing.jira.responses import FieldMeta
from ticketing.ports import TicketDraft

DOCUMENT = to_adf("**a**")


def draft(
    *,
    issue_type: str = "Task",
    labels: Sequence[str] = (),
    fields: Mapping[str, Any] | None = None,
    due: date | None = None,
) -> TicketDraft:
    return TicketDraft(
        marker="provisor-1",
        project="OPS",
        issue_type=issue_type,
        summary="a\nb",
        body="**a**",
        data={},
        labels=labels,
        fields=fields or {},
        due=due,
    )


def meta(kind: dict[str, Any], *choices: dict[str, Any]) -> list[FieldMeta]:
    field = {"fieldId": "customfield_1", "name": "Cost centre", "schema": kind, "allowedValues": choices}
    return [FieldMeta.model_validate(field)]


CHOICES = ({"id": "100", "value": "Red"}, {"id": "200", "value": "Blue"})


@pytest.mark.parametrize(
    ("kind", "choices", "value", "sent"),
    [
        ({"type": "string", "custom": "x:textfield"}, (), "**a**", "**a**"),
        ({"type": "string", "custom": "x:textarea"}, (), "**a**", DOCUMENT),
        ({"type": "string", "system": "environment"}, (), "**a**", DOCUMENT),
        ({"type": "string"}, (), 4711, "4711"),
        ({"type": "number"}, (), "12", 12),
        ({"type": "number"}, (), "1.5", 1.5),
        ({"type": "number"}, (), "many", "many"),
        ({"type": "date"}, (), "2026-01-01", "2026-01-01"),
        ({"type": "date"}, (), date(2026, 1, 1), "2026-01-01"),
        ({"type": "user"}, (), "557058:a", {"accountId": "557058:a"}),
        ({"type": "option"}, CHOICES, "blue", {"id": "200"}),
        ({"type": "option"}, CHOICES, "200", {"id": "200"}),
        ({"type": "option"}, (), "Blue", {"value": "Blue"}),
        ({"type": "array", "items": "option"}, CHOICES, ["Red", "Blue"], [{"id": "100"}, {"id": "200"}]),
        ({"type": "array", "items": "string"}, (), "one", ["one"]),
        ({"type": "array", "items": "component"}, (), ["Payments"], [{"name": "Payments"}]),
        ({"type": "priority"}, (), "High", {"name": "High"}),
        ({"type": "issuelink"}, (), "OPS-1", {"key": "OPS-1"}),
        ({"type": "option"}, CHOICES, {"value": "given"}, {"value": "given"}),
        ({"type": "unheard-of"}, (), "as given", "as given"),
    ],
)
def test_a_plain_value_gets_the_shape_of_its_field(
    kind: dict[str, Any], choices: tuple[dict[str, Any], ...], value: Any, sent: Any
) -> None:
    assert shaped({"customfield_1": value}, meta(kind, *choices)) == {"customfield_1": sent}


def test_a_field_may_be_named_by_its_name() -> None:
    assert shaped({"cost CENTRE": "1"}, meta({"type": "number"})) == {"customfield_1": 1}


@pytest.mark.parametrize("written", ["Cost centre", "cost  CENTRE"])
def test_g7_a_name_that_several_fields_have_is_refused_with_their_ids(written: str) -> None:
    twins = [*meta({"type": "string"}), FieldMeta.model_validate({"fieldId": "customfield_2", "name": "Cost Centre"})]
    with pytest.raises(Permanent, match="customfield_1, customfield_2"):
        shaped({written: "1"}, twins)
    assert shaped({"customfield_2": "1"}, twins) == {"customfield_2": "1"}


def test_a_field_that_is_not_known_goes_as_given_for_jira_to_name() -> None:
    assert shaped({"customfield_9": "1"}, meta({"type": "number"})) == {"customfield_9": "1"}


@pytest.mark.parametrize(("name", "sent"), [("10004", {"id": "10004"}), ("Access Request", {"name": "Access Request"})])
def test_an_issue_type_is_an_id_or_a_name(name: str, sent: dict[str, str]) -> None:
    assert issue_fields(draft(issue_type=name), ())["issuetype"] == sent


def test_the_marker_is_the_first_label_and_extra_labels_do_not_replace_it() -> None:
    kind = {"type": "array", "items": "string", "system": "labels"}
    known = [FieldMeta.model_validate({"fieldId": "labels", "name": "Labels", "schema": kind})]
    fields = issue_fields(draft(labels=["access request"], fields={"labels": ["x"]}), known)
    assert fields["labels"] == ["provisor-1", "access_request", "x"]


def test_extra_fields_do_not_replace_what_a_ticket_is() -> None:
    fields = issue_fields(draft(fields={"summary": "other", "project": {"key": "X"}, "description": "y"}), ())
    assert (fields["summary"], fields["project"], fields["description"]) == ("a b", {"key": "OPS"}, DOCUMENT)


def test_the_due_date_is_sent_only_when_there_is_one() -> None:
    assert issue_fields(draft(due=date(2026, 1, 2)), ())["duedate"] == "2026-01-02"
    assert "duedate" not in issue_fields(draft(), ())


@pytest.mark.parametrize(
    ("summary", "sent"),
    [
        ("a\r\nb\u2028c\x00d\te", "a b c d e"),
        ("x" * 254, "x" * 254),
        ("x" * 255, "x" * 253 + "…"),
    ],
)
def test_a_summary_is_one_line_of_at_most_254(summary: str, sent: str) -> None:
    assert one_line(summary) == sent


def test_labels_have_no_spaces_no_doubles_and_no_empties() -> None:
    assert labels(["a b", "a_b", " ", "c" * 300]) == ["a_b", "c" * 255]
