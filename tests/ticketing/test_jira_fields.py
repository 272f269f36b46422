from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from access.failures import Permanent
from ticketing.adf import to_adf
from ticketing.jira.fields import changed_fields, issue_fields, labels, one_line, shaped
from ticketing.jira.responses import FieldMeta
from ticketing.jira.schemas import field_of
from ticketing.ports import TicketChanges, TicketDraft
from ticketing.schema_check import fit_fields
from ticketing.schemas import SchemaField, SchemaRef, TicketSchema, ValueType

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


def meta(kind: dict[str, Any], *choices: dict[str, Any], **more: Any) -> SchemaField:
    field = {"fieldId": "customfield_1", "name": "Cost centre", "schema": kind, "allowedValues": choices, **more}
    return field_of(FieldMeta.model_validate(field))


def schema(*fields: SchemaField) -> TicketSchema:
    own = (SchemaField("labels", "Labels", ValueType.LABEL, several=True),)
    return TicketSchema(SchemaRef("OPS", "10004", type_name="Task"), (*own, *fields))


def sent(field: SchemaField, value: Any) -> Any:
    return issue_fields(draft(fields={field.id: value}), schema(field))[0].get(field.id)


CHOICES = ({"id": "100", "value": "Red"}, {"id": "200", "value": "Blue"})
PLACES = ({"id": "1", "value": "Europe", "children": [{"id": "2", "value": "Berlin"}]},)


@pytest.mark.parametrize(
    ("kind", "choices", "value", "expected"),
    [
        ({"type": "string", "custom": "x:textfield"}, (), "**a**", "**a**"),
        ({"type": "string", "custom": "x:textarea"}, (), "**a**", DOCUMENT),
        ({"type": "string", "system": "environment"}, (), "**a**", DOCUMENT),
        ({"type": "string"}, (), 4711, "4711"),
        ({"type": "number"}, (), "12", 12),
        ({"type": "number"}, (), "1.5", 1.5),
        ({"type": "date"}, (), "2026-01-01", "2026-01-01"),
        ({"type": "date"}, (), date(2026, 1, 1), "2026-01-01"),
        ({"type": "datetime"}, (), "2026-01-01T18:00:00+01:00", "2026-01-01T17:00:00.000+0000"),
        ({"type": "datetime"}, (), datetime(2026, 1, 1, 17, tzinfo=UTC), "2026-01-01T17:00:00.000+0000"),
        ({"type": "user"}, (), "557058:a", {"accountId": "557058:a"}),
        ({"type": "array", "items": "user"}, (), ["a", "b"], [{"accountId": "a"}, {"accountId": "b"}]),
        ({"type": "group"}, (), "admins", {"name": "admins"}),
        ({"type": "option"}, CHOICES, "blue", {"id": "200"}),
        ({"type": "option"}, CHOICES, "200", {"id": "200"}),
        ({"type": "array", "items": "option"}, CHOICES, ["Red", "Blue"], [{"id": "100"}, {"id": "200"}]),
        ({"type": "option-with-child"}, PLACES, "Europe > Berlin", {"id": "1", "child": {"id": "2"}}),
        ({"type": "option-with-child"}, PLACES, "europe", {"id": "1"}),
        ({"type": "array", "items": "string"}, (), "one", ["one"]),
        ({"type": "array", "items": "string", "custom": "x:labels"}, (), "one two", ["one_two"]),
        ({"type": "array", "items": "component"}, ({"id": "7", "name": "Payments"},), ["Payments"], [{"id": "7"}]),
        ({"type": "array", "items": "version"}, ({"id": "8", "name": "1.0"},), "1.0", [{"id": "8"}]),
        ({"type": "priority"}, ({"id": "2", "name": "High"},), "High", {"id": "2"}),
        ({"type": "issuelink"}, (), "OPS-1", {"key": "OPS-1"}),
        ({"type": "option"}, CHOICES, {"value": "given"}, {"value": "given"}),
        ({"type": "unheard-of"}, (), "as given", "as given"),
    ],
)
def test_a_plain_value_gets_the_shape_of_its_field(
    kind: dict[str, Any], choices: tuple[dict[str, Any], ...], value: Any, expected: Any
) -> None:
    assert sent(meta(kind, *choices), value) == expected


@pytest.mark.parametrize(
    ("kind", "choices", "value"),
    [
        ({"type": "number"}, (), "many"),
        ({"type": "number"}, (), "nan"),
        ({"type": "date"}, (), "tomorrow"),
        ({"type": "date"}, (), "20260101"),
        ({"type": "datetime"}, (), "2026-01-01T18:00:00"),
        ({"type": "option"}, CHOICES, "green"),
        ({"type": "option"}, CHOICES, ["Red", "Blue"]),
        ({"type": "option"}, (), "Red"),
        ({"type": "array", "items": "option"}, CHOICES, ["Red", "green"]),
        ({"type": "option-with-child"}, PLACES, "Europe > Paris"),
        ({"type": "array", "items": "component"}, (), "Payments"),
    ],
)
def test_a_value_that_its_field_does_not_take_is_left_out_or_keeps_the_ticket_from_being_made(
    kind: dict[str, Any], choices: tuple[dict[str, Any], ...], value: Any
) -> None:
    optional, required = meta(kind, *choices), meta(kind, *choices, required=True)
    fields, (problem,) = issue_fields(draft(fields={"Cost centre": value}), schema(optional))
    assert "customfield_1" not in fields
    assert "Cost centre (customfield_1)" in problem.what
    with pytest.raises(Permanent, match="Cost centre"):
        issue_fields(draft(fields={"Cost centre": value}), schema(required))


def test_a_required_field_without_a_value_keeps_the_ticket_from_being_made_unless_it_has_a_default() -> None:
    with pytest.raises(Permanent, match=r"requires the field Cost centre \(customfield_1\)"):
        issue_fields(draft(), schema(meta({"type": "string"}, required=True)))
    issue_fields(draft(), schema(meta({"type": "string"}, required=True, hasDefaultValue=True)))


def test_a_field_may_be_named_by_its_name() -> None:
    fields, _ = issue_fields(draft(fields={"cost CENTRE": "1"}), schema(meta({"type": "number"})))
    assert fields["customfield_1"] == 1


@pytest.mark.parametrize("written", ["Cost centre", "cost  CENTRE"])
def test_g7_a_name_that_several_fields_have_is_refused_with_their_ids(written: str) -> None:
    twins = schema(meta({"type": "string"}), meta({"type": "string"}, fieldId="customfield_2", name="Cost Centre"))
    with pytest.raises(Permanent, match="customfield_1, customfield_2"):
        issue_fields(draft(fields={written: "1"}), twins)
    assert issue_fields(draft(fields={"customfield_2": "1"}), twins)[0]["customfield_2"] == "1"


def test_a_field_that_the_kind_does_not_have_is_left_out_and_said() -> None:
    fields, (problem,) = issue_fields(draft(fields={"customfield_9": "1"}), schema())
    assert "customfield_9" not in fields
    assert problem.what == "Task in OPS has no field customfield_9 on its create screen."


def test_without_a_schema_everything_goes_as_given_for_jira_to_judge() -> None:
    assert issue_fields(draft(fields={"customfield_9": "1"}), None)[0]["customfield_9"] == "1"


@pytest.mark.parametrize(
    ("name", "expected"), [("10004", {"id": "10004"}), ("Access Request", {"name": "Access Request"})]
)
def test_an_issue_type_is_an_id_or_a_name(name: str, expected: dict[str, str]) -> None:
    assert issue_fields(draft(issue_type=name), None)[0]["issuetype"] == expected
    assert issue_fields(draft(issue_type=name), schema())[0]["issuetype"] == {"id": "10004"}


def test_the_marker_is_the_first_label_and_extra_labels_do_not_replace_it() -> None:
    fields, _ = issue_fields(draft(labels=["access request"], fields={"labels": ["x"]}), schema())
    assert fields["labels"] == ["provisor-1", "access_request", "x"]


def test_extra_fields_do_not_replace_what_a_ticket_is() -> None:
    given = {"summary": "other", "project": {"key": "X"}, "description": "y"}
    fields, _ = issue_fields(draft(fields=given), None)
    assert (fields["summary"], fields["project"], fields["description"]) == ("a b", {"key": "OPS"}, DOCUMENT)


def test_the_due_date_is_sent_only_when_there_is_one_and_the_kind_has_it() -> None:
    has_it = schema(SchemaField("duedate", "Due date", ValueType.DATE))
    assert issue_fields(draft(due=date(2026, 1, 2)), has_it)[0]["duedate"] == "2026-01-02"
    assert "duedate" not in issue_fields(draft(), has_it)[0]
    assert "duedate" not in issue_fields(draft(due=date(2026, 1, 2)), schema())[0]


def test_only_what_changes_is_sent_again() -> None:
    required = schema(meta({"type": "number"}, required=True))
    assert changed_fields(TicketChanges(), required) == ({}, ())
    fields, _ = changed_fields(TicketChanges(summary="a\nb", body="**a**", fields={"Cost centre": "2"}), required)
    assert fields == {"summary": "a b", "description": DOCUMENT, "customfield_1": 2}


def test_objects_are_not_looked_into() -> None:
    field = meta({"type": "option"}, *CHOICES)
    assert fit_fields(schema(field), {"Cost centre": {"value": "green"}}).problems == ()
    assert shaped({"value": "green"}, field) == {"value": "green"}


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("a\r\nb\u2028c\x00d\te", "a b c d e"),
        ("x" * 254, "x" * 254),
        ("x" * 255, "x" * 253 + "…"),
    ],
)
def test_a_summary_is_one_line_that_jira_takes(summary: str, expected: str) -> None:
    assert one_line(summary) == expected


def test_labels_have_no_spaces_and_come_once() -> None:
    assert labels(["a b", "a_b", " ", "c" * 300]) == ["a_b", "c" * 255]
