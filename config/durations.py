"""Durations as operators write them: ``8h``, ``1h30m``, ``45s``, ``7d``, ``2w``, or ISO 8601 (``PT8H``, ``P1D``).

Months and years are refused everywhere: nobody agrees how long they are.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

#: Nothing that Provisor waits for or grants for a time is longer; it also keeps dates within the calendar.
LONGEST = timedelta(days=3660)

_NUMBER = r"(\d{1,9}(?:\.\d{1,6})?)"
_SHORT = re.compile(rf"(?:{_NUMBER}w)?(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?", re.IGNORECASE)
_ISO = re.compile(
    rf"P(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.IGNORECASE,
)
_SECONDS = re.compile(_NUMBER)
#: In seconds: week, day, hour, minute, second.
_SIZES = (604_800, 86_400, 3_600, 60, 1)


def parse_duration(value: str) -> timedelta:
    """Read a duration with its unit.

    Raises ``ValueError`` with a clause that says how to write one; the value itself is not in it.
    """
    text = value.strip().replace(" ", "")
    found = _ISO.fullmatch(text) or _SHORT.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError("is not a duration; write one such as 30m, 8h, 7d or PT8H")
    seconds = sum(float(count) * size for count, size in zip(found.groups(), _SIZES, strict=True) if count)
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"is longer than {LONGEST.days} days; write a shorter one")
    return timedelta(seconds=seconds)


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


def written(duration: timedelta) -> str:
    """The shortest written form: ``1h30m``, ``0.2s``."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = "".join(f"{count}{unit}" for count, unit in ((duration.days, "d"), (hours, "h"), (minutes, "m")) if count)
    fraction = f".{duration.microseconds:06}".rstrip("0") if duration.microseconds else ""
    return text + (f"{seconds}{fraction}s" if seconds or fraction or not text else "")


def within(least: timedelta, most: timedelta = LONGEST) -> AfterValidator:
    """That a duration is neither shorter nor longer."""

    def checked(duration: timedelta) -> timedelta:
        if duration < least:
            raise ValueError(f"is too short; it must be at least {written(least)}")
        if duration > most:
            raise ValueError(f"is too long; it must be at most {written(most)}")
        return duration

    return AfterValidator(checked)
