"""The types of fields that several sections of settings share; URLs and credentials are in ``config.urls``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from access.durations import LONGEST, parse_duration, written

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


#: Several words: a YAML list, or one text with commas (as an environment variable has it).
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


def matching(pattern: str, otherwise: str) -> AfterValidator:
    """That a text matches a pattern; ``otherwise`` is the clause that says what it is not and how to write one."""
    compiled = re.compile(pattern)

    def checked(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(otherwise)
        return text

    return AfterValidator(checked)


#: A Jira project's key.
ProjectKey = Annotated[str, matching(r"[A-Z][A-Z0-9_]{1,254}", "is not a project key; write one such as ACCESS")]


def _duration_or_seconds(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and _SECONDS.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST.total_seconds():
        return timedelta(seconds=value)
    if not isinstance(value, str):
        raise ValueError("is not a duration; write seconds, or one such as 30s, 8h or PT8H")  # noqa: TRY004 - pydantic's protocol
    return parse_duration(value)


#: A duration in settings: with a unit, or a plain number of seconds (0.2, 60).
Duration = Annotated[timedelta, BeforeValidator(_duration_or_seconds)]


def within(least: timedelta, most: timedelta = LONGEST) -> AfterValidator:
    """That a duration is neither shorter nor longer."""

    def checked(duration: timedelta) -> timedelta:
        if duration < least:
            raise ValueError(f"is too short; it must be at least {written(least)}")
        if duration > most:
            raise ValueError(f"is too long; it must be at most {written(most)}")
        return duration

    return AfterValidator(checked)
