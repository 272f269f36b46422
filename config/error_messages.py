"""Pydantic's errors as sentences for operators. None quotes a value: any may be a secret in the wrong place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.setting_keys import all_keys, nearest, section_of, word

_PROBLEMS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is not set; set it",
    "literal_error": lambda ctx: f"is none of the words it can be; write {ctx['expected'].replace(chr(39), '')}",
    "enum": lambda ctx: f"is none of the words it can be; write {ctx['expected'].replace(chr(39), '')}",
    "greater_than": lambda ctx: f"is too small; it must be more than {ctx['gt']}",
    "greater_than_equal": lambda ctx: f"is too small; it must be at least {ctx['ge']}",
    "less_than": lambda ctx: f"is too large; it must be less than {ctx['lt']}",
    "less_than_equal": lambda ctx: f"is too large; it must be at most {ctx['le']}",
    "string_too_short": lambda _: "is empty; write it, or leave the key out",
    "string_too_long": lambda ctx: f"is too long; it can have {ctx['max_length']} characters at most",
    "too_long": lambda ctx: f"has too many entries; it can have {ctx['max_length']} at most",
    "string_type": lambda _: "is not text; put it in quotes",
    "tuple_type": lambda _: "is not a list; write one such as [first, second]",
    "path_type": lambda _: "is not a path; write one such as ./policy.yaml",
    "value_error": lambda ctx: str(ctx["error"]),
}
_BY_BEGINNING = (
    ("int_", "is not a whole number; write one such as 8"),
    ("float_", "is not a number; write one such as 2.5"),
    ("finite_number", "is not a number; write one such as 2.5"),
    ("date_", "is not a day; write one such as 2027-06-30"),
    ("bool_", "is neither true nor false; write one of the two"),
    ("model_", "is a heading, not a value; write its keys below it, indented"),
    ("dict_", "is a heading, not a value; write its keys below it, indented"),
)


def _problem(error: ErrorDetails) -> str:
    if teller := _PROBLEMS.get(error["type"]):
        return teller(error.get("ctx", {}))
    for beginning, words in _BY_BEGINNING:
        if error["type"].startswith(beginning):
            return words
    return f"is not valid ({error['type']}); compare it with the example in config/examples"


def _known_beside(model: type[BaseModel], parts: tuple[int | str, ...]) -> list[str]:
    """The dotted keys of the section in which a wrong key was written."""
    section, above = model, ""
    for part in parts[:-1]:
        if isinstance(part, int):
            continue
        field = section.model_fields.get(str(part))
        inner = section_of(field.annotation) if field else None
        if inner is None:
            return []
        section, above = inner, f"{above}{part}."
    return [f"{above}{name}" for name in section.model_fields]


def _stray(error: ErrorDetails, model: type[BaseModel]) -> str:
    key = ".".join(map(str, error["loc"]))
    beside = _known_beside(model, error["loc"])
    near = nearest(key, beside) or nearest(key, all_keys(model))
    return f"is not a setting; did you mean {near}?" if near else f"is not a setting; there are {', '.join(beside)}."


def dotted(parts: tuple[int | str, ...]) -> str:
    """A place as people write it: ``jira.protected_groups.2`` (lists count from 1)."""
    return ".".join(str(part + 1) if isinstance(part, int) else word(part) for part in parts)


def error_messages(
    exc: ValidationError, model: type[BaseModel], *, origin: Callable[[str], str | None] = lambda _: None
) -> list[str]:
    """One sentence for each error; ``origin`` tells where a key was written."""
    told = []
    for error in exc.errors(include_url=False, include_input=False):
        names = takewhile(lambda part: not part.isdigit(), map(str, error["loc"]))
        written_in = origin(".".join(names))
        subject = dotted(error["loc"]) + (f" ({written_in})" if written_in else "")
        problem = _stray(error, model) if error["type"] == "extra_forbidden" else f"{_problem(error)}."
        told.append(f"{subject} {problem}".strip())
    return told
