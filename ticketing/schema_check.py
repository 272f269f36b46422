"""What a ticket would send, beside what its kind takes. Pure.

An optional field that the kind does not have, or whose value it does not take, is left out: the ticket can do without it. A
required field that has no value, or none that is taken, and a name that several fields have, keep the ticket from being made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from access.remedies import WithRemedy
from access.ticket_routes import StatusRules
from ticketing.names import folded
from ticketing.schemas import Choice, SchemaField, TicketSchema, ValueType
from ticketing.status_words import CATEGORIES, CLOSED_CATEGORY, category_word

#: Between an option and the one below it.
BELOW = re.compile(r"\s*>\s*")

#: What to do where several fields have one name.
NAME_BY_ID = "Write the id of the field that is meant into the ticket settings."


@dataclass(frozen=True, slots=True)
class FieldProblem(WithRemedy):
    """Why a field cannot be sent as it is given. ``fatal`` says that there is no ticket without it."""

    field: str
    what: str
    remedy: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Fitted:
    """Fields that a kind of ticket takes, by their schema and with their values; and what is wrong with the others."""

    fields: Sequence[tuple[SchemaField, Any]]
    problems: Sequence[FieldProblem]


def fit_fields(schema: TicketSchema, given: Mapping[str, Any], *, filled: frozenset[str] = frozenset()) -> Fitted:
    """The fields ``given`` by id or name, as far as the kind takes them. ``filled`` are ids that get a value anyway.

    Values that are objects already are not looked into.
    """
    fields: dict[str, tuple[SchemaField, Any]] = {}
    problems: list[FieldProblem] = []
    has_value = set(filled)
    for name, value in given.items():
        meant = schema.named(name)
        has_value |= {field.id for field in meant}
        if len(meant) != 1:
            problems.append(_unnamed(schema, name, meant))
            continue
        field = meant[0]
        if why := _refusal(field, value):
            problems.append(_not_taken(schema, field, why))
        else:
            fields[field.id] = (field, value)
    problems += [_missing(schema, each) for each in schema.fields if each.must_be_given and each.id not in has_value]
    return Fitted(tuple(fields.values()), tuple(problems))


def status_problems(schema: TicketSchema, rules: StatusRules, *, through: Sequence[str] = ()) -> Iterator[FieldProblem]:
    """What is wrong with the meaning that policy gives to the statuses of a kind of ticket, and with those on the way.

    A word that is none of its statuses and none of their categories means nothing. A closed status that is left out where others
    are named counts by its category, which is also said when a ticket has it.
    """
    known = {word for each in schema.statuses for word in (each.id, folded(each.name))}
    categories = {category_word(each.category) for each in schema.statuses}
    has = ", ".join(f"{each.name} ({each.id})" for each in schema.statuses)
    named = (*rules.done, *rules.rejected, *rules.in_progress)
    for word in (*named, *through):
        if folded(word) not in known and not (word in named and word in categories):
            yield FieldProblem(
                "status", f"{schema.title} has no status {word}.", f"Correct it in the policy; it has {has}."
            )
    words = {folded(word) for word in named}
    for each in schema.statuses:
        is_named = words & {each.id, folded(each.name), category_word(each.category)}
        if each.category not in CATEGORIES or (rules.done and each.category == CLOSED_CATEGORY and not is_named):
            yield FieldProblem(
                "status",
                f"Nothing says what the status {each.name} ({each.id}) of {schema.title} means.",
                "Name it under statuses in the policy.",
            )


def chosen(choices: Sequence[Choice], text: str) -> Sequence[Choice]:
    """The choice that is meant by an id or a name, and the one below it where the text names that too. Empty for none."""
    whole = next((each for each in choices if each.is_called(text)), None)
    if whole is not None:
        return (whole,)
    above, *below = BELOW.split(text, maxsplit=1)
    found = next((each for each in choices if each.is_called(above)), None)
    if found is None or not below:
        return ()
    lower = next((each for each in found.below if each.is_called(below[0])), None)
    return () if lower is None else (found, lower)


def _refusal(field: SchemaField, value: Any) -> str | None:
    """Why the field does not take the value, as the end of a sentence; None where it does."""
    if isinstance(value, list | tuple):
        if not field.several:
            return "takes one value, not several"
        return next((why for each in value if (why := _refusal_of_one(field, each))), None)
    return _refusal_of_one(field, value)


def _refusal_of_one(field: SchemaField, value: Any) -> str | None:
    if isinstance(value, Mapping):
        return None
    if field.choices is not None and not chosen(field.choices, str(value)):
        known = ", ".join(each.name for each in field.choices[:20])
        return f"does not take {value}; it takes {known}" if known else f"does not take {value}; it has no values"
    wanted = _SHAPES.get(field.type)
    return None if wanted is None or wanted[0](value) else f"takes {wanted[1]}, and {value} is none"


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return float(value) == float(value) and abs(float(value)) != float("inf")
    except (TypeError, ValueError):
        return False


def _is_date(value: Any) -> bool:
    if isinstance(value, date):
        return not isinstance(value, datetime)
    try:
        return len(str(value)) == len("2026-01-31") and bool(date.fromisoformat(str(value)))
    except ValueError:
        return False


def _is_moment(value: Any) -> bool:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return moment.tzinfo is not None


_SHAPES = {
    ValueType.NUMBER: (_is_number, "a number"),
    ValueType.DATE: (_is_date, "a date such as 2026-01-31"),
    ValueType.MOMENT: (_is_moment, "a moment with its zone such as 2026-01-31T18:00:00+00:00"),
}


def _unnamed(schema: TicketSchema, name: str, meant: Sequence[SchemaField]) -> FieldProblem:
    if meant:
        ids = ", ".join(sorted(field.id for field in meant))
        return FieldProblem(name, f"{len(meant)} fields are called {name}: {ids}.", NAME_BY_ID, fatal=True)
    return FieldProblem(
        name,
        f"{schema.title} has no field {name} on its create screen.",
        f"Add {name} to the create screen, or take it out of the ticket settings.",
    )


def _not_taken(schema: TicketSchema, field: SchemaField, why: str) -> FieldProblem:
    return FieldProblem(
        field.id,
        f"The field {field.name} ({field.id}) of {schema.title} {why}.",
        "Correct its value in the ticket settings.",
        fatal=field.must_be_given,
    )


def _missing(schema: TicketSchema, field: SchemaField) -> FieldProblem:
    return FieldProblem(
        field.id,
        f"{schema.title} requires the field {field.name} ({field.id}), which has no value.",
        f"Give {field.id} a value in the ticket settings, or make it optional.",
        fatal=True,
    )
