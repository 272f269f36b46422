"""The fields of a new issue, in the shapes Jira takes [spec]. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from access.failures import Permanent
from ticketing.adf import fit, to_adf
from ticketing.escaping import Rendered
from ticketing.ports import TicketChanges, TicketDraft
from ticketing.schema_check import BELOW, FieldProblem, chosen, fit_fields
from ticketing.schemas import SchemaField, TicketSchema, ValueType

#: Longest summary. Jira documents 255; whether it takes the last character is not known.
LONGEST_SUMMARY = 254
LONGEST_LABEL = 255

#: The field of the day by which a ticket is to be done.
DUE_DATE = "duedate"
ASSIGNEE = "assignee"
#: The field of the issue that another one belongs below.
PARENT = "parent"

#: Fields that every issue gets from us, or from Jira [spec]: the reporter is whoever makes it.
FILLED = frozenset({"project", "issuetype", "summary", "description", "labels", "reporter"})


def issue_fields(draft: TicketDraft, schema: TicketSchema | None) -> tuple[dict[str, Any], Sequence[FieldProblem]]:
    """All fields of the issue, and what was left out with the reason.

    Without a ``schema`` everything goes as it is given, for Jira to judge. Raises ``Permanent`` where no issue could be made.
    """
    problems = draft_problems(draft, schema)
    if fatal := [each for each in problems if each.fatal]:
        raise Permanent(
            " ".join(each.what for each in fatal), remedy=" ".join(dict.fromkeys(each.remedy for each in fatal))
        )
    extra = _extra(schema, dict(draft.fields) | _days(draft.due), filled=_filled(draft))[0]
    by_id = draft.issue_type.isdigit()
    type_ = {"id": schema.ref.type} if schema else {"id" if by_id else "name": draft.issue_type}
    fields = {
        **extra,
        "project": {"key": draft.project},
        "issuetype": type_,
        "summary": one_line(draft.summary),
        "description": fit(to_adf(draft.body)),
        "labels": labels([draft.marker, *draft.labels, *extra.get("labels", ())]),
    }
    return fields, problems


def draft_problems(draft: TicketDraft, schema: TicketSchema | None) -> Sequence[FieldProblem]:
    """What would be left out of the issue, and what would keep it from being made."""
    return _extra(schema, dict(draft.fields) | _days(draft.due), filled=_filled(draft))[1]


def changed_fields(
    changes: TicketChanges, schema: TicketSchema | None
) -> tuple[dict[str, Any], Sequence[FieldProblem]]:
    """The fields of an issue that are to have other values, and what was left out with the reason."""
    extra, problems = _extra(schema, dict(changes.fields) | _days(changes.due), filled=None)
    fields = dict(extra)
    if changes.summary is not None:
        fields["summary"] = one_line(changes.summary)
    if changes.body is not None:
        fields["description"] = fit(to_adf(changes.body))
    return fields, problems


def one_line(summary: str) -> str:
    """The summary without line breaks, which Jira refuses, and not too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in summary).split())
    return line if len(line) <= LONGEST_SUMMARY else line[: LONGEST_SUMMARY - 1].rstrip() + "…"


def labels(names: Iterable[str]) -> list[str]:
    """Labels as Jira takes them: without spaces, each once."""
    return list(dict.fromkeys("_".join(str(name).split())[:LONGEST_LABEL] for name in names if str(name).strip()))


def shaped(value: Any, field: SchemaField) -> Any:
    """A plain value in the shape of the field's type; what is an object already goes as it is."""
    if field.several:
        several = value if isinstance(value, list | tuple) else [value]
        return [_one(each, field) for each in several]
    return _one(value, field)


def _filled(draft: TicketDraft) -> frozenset[str]:
    return FILLED | ({ASSIGNEE} if draft.assignees else set())


def _days(due: date | None) -> dict[str, Any]:
    return {} if due is None else {DUE_DATE: due.isoformat()}


def _extra(
    schema: TicketSchema | None, given: Mapping[str, Any], *, filled: frozenset[str] | None
) -> tuple[dict[str, Any], Sequence[FieldProblem]]:
    if schema is None:
        return dict(given), ()
    every = frozenset(field.id for field in schema.fields)
    fitted = fit_fields(schema, given, filled=every if filled is None else filled)
    return {field.id: shaped(value, field) for field, value in fitted.fields}, fitted.problems


def _one(value: Any, field: SchemaField) -> Any:
    if not isinstance(value, str | int | float | date):
        return value
    if field.type is ValueType.MOMENT:
        return _moment(value)
    if field.type is ValueType.DOCUMENT:
        return fit(to_adf(value.markdown if isinstance(value, Rendered) else str(value)))
    text = value.isoformat() if isinstance(value, date) else str(value)
    if field.choices is not None and (found := chosen(field.choices, text)):
        return _chosen(*(each.id for each in found))
    make = _SHAPES.get(field.type)
    return make(text) if make else value


def _chosen(above: str, below: str | None = None) -> dict[str, Any]:
    return {"id": above} | ({} if below is None else {"child": {"id": below}})


def _number(text: str) -> int | float:
    return int(text) if text.strip().lstrip("+-").isdigit() else float(text)


def _moment(value: Any) -> str:
    """A moment with milliseconds and a zone without a colon, as Jira writes them [docs]."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def _below(text: str) -> dict[str, Any]:
    above, *below = BELOW.split(text, maxsplit=1)
    return {"value": above} | ({"child": {"value": below[0]}} if below else {})


_SHAPES: dict[ValueType, Callable[[str], Any]] = {
    ValueType.TEXT: str,
    ValueType.LABEL: lambda text: (labels([text]) or [""])[0],
    ValueType.NUMBER: _number,
    ValueType.DATE: str,
    ValueType.USER: lambda text: {"accountId": text},
    ValueType.OPTION: lambda text: {"value": text},
    ValueType.CASCADING: _below,
    ValueType.TICKET: lambda text: {"key": text},
    **dict.fromkeys(
        (ValueType.PRIORITY, ValueType.VERSION, ValueType.COMPONENT, ValueType.GROUP), lambda text: {"name": text}
    ),
}
