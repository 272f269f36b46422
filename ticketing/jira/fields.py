"""The fields of a new issue, in the shapes Jira takes [spec]. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from access.failures import Permanent
from ticketing.adf import fit, to_adf
from ticketing.jira.responses import FieldKind, FieldMeta
from ticketing.ports import TicketDraft
from ticketing.status import folded

#: Longest summary. Jira documents 255; whether it takes the last character is not known.
LONGEST_SUMMARY = 254
LONGEST_LABEL = 255

#: The field of the day by which a ticket is to be done.
DUE_DATE = "duedate"


def issue_fields(draft: TicketDraft, meta: Sequence[FieldMeta]) -> dict[str, Any]:
    """All fields of the issue. ``meta`` shapes the extra ones; it may be empty when the draft has none."""
    extra = shaped(draft.fields, meta)
    by_id = draft.issue_type.isdigit()
    given_labels = extra.get("labels", ())
    fields = {
        **extra,
        "project": {"key": draft.project},
        "issuetype": {"id" if by_id else "name": draft.issue_type},
        "summary": one_line(draft.summary),
        "description": fit(to_adf(draft.body)),
        "labels": labels([draft.marker, *draft.labels, *given_labels]),
    }
    if draft.due is not None:
        fields[DUE_DATE] = draft.due.isoformat()
    return fields


def one_line(summary: str) -> str:
    """The summary without line breaks, which Jira refuses, and not too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in summary).split())
    return line if len(line) <= LONGEST_SUMMARY else line[: LONGEST_SUMMARY - 1].rstrip() + "…"


def labels(names: Sequence[str]) -> list[str]:
    """Labels as Jira takes them: without spaces, each once."""
    return list(dict.fromkeys("_".join(str(name).split())[:LONGEST_LABEL] for name in names if str(name).strip()))


def shaped(fields: Mapping[str, Any], meta: Sequence[FieldMeta]) -> dict[str, Any]:
    """Extra fields by id, their plain values in the shape of each field's type.

    A field may be named by its id, or by its name in any case. What is already an object, and what ``meta`` does not know,
    goes as given: Jira names the field when it does not take it. Raises ``Permanent`` for a name that several fields have.
    """
    found: dict[str, Any] = {}
    for name, value in fields.items():
        meant = fields_named(name, meta)
        if len(meant) > 1:
            raise Permanent(several(name, meant), remedy=NAME_BY_ID)
        field = meant[0] if meant else None
        found[field.id if field else name] = _shape(value, field) if field else value
    return found


#: What to do where several fields have one name.
NAME_BY_ID = "Write the id of the field that is meant into the ticket settings."


def fields_named(name: str, meta: Sequence[FieldMeta]) -> list[FieldMeta]:
    """The fields that are meant by an id, or else by a name: Jira lets several fields have the same name."""
    by_id = [field for field in meta if field.id == name]
    return by_id or [field for field in meta if folded(field.name) == folded(name)]


def several(name: str, meant: Sequence[FieldMeta]) -> str:
    """The sentence that a name means several fields."""
    return f"{len(meant)} fields are called {name}: {', '.join(sorted(field.id for field in meant))}."


def _shape(value: Any, field: FieldMeta) -> Any:
    if field.kind.type == "array":
        kind = field.kind.model_copy(update={"type": field.kind.items or "any"})
        several = value if isinstance(value, list | tuple) else [value]
        return [_one(each, kind, field) for each in several]
    return _one(value, field.kind, field)


def _one(value: Any, kind: FieldKind, field: FieldMeta) -> Any:
    if isinstance(value, date):
        value = value.isoformat()
    if not isinstance(value, str | int | float):
        return value
    text = str(value)
    for choice in field.choices:
        if choice.id and text.casefold() in {str(each).casefold() for each in (choice.value, choice.name, choice.id)}:
            return {"id": choice.id}
    if kind.type == "string":
        return fit(to_adf(text)) if kind.is_document else text
    make = _SHAPES.get(kind.type)
    return make(text) if make else value


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text  # Jira says which field does not take it


_SHAPES: dict[str, Callable[[str], Any]] = {
    "number": _number,
    "user": lambda text: {"accountId": text},
    "option": lambda text: {"value": text},
    "option-with-child": lambda text: {"value": text},
    "project": lambda text: {"key": text},
    "issuelink": lambda text: {"key": text},
    **dict.fromkeys(("priority", "resolution", "version", "component", "group"), lambda text: {"name": text}),
}
