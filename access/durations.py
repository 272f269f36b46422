"""Durations: ISO 8601 (``PT8H``, ``P1D``) as messages have them, and ``8h``, ``1h30m``, ``7d`` as operators write them too.

Months and years are refused everywhere: nobody agrees how long they are.
"""

from __future__ import annotations

import re
from datetime import timedelta

#: The longest duration of an access or of a setting; it keeps every end within the calendar.
LONGEST = timedelta(days=3660)

_NUMBER = r"[0-9]{1,9}(\.[0-9]{1,6})?"
#: Weeks alone, or days to seconds.
_ISO_PARTS = rf"({_NUMBER}W|({_NUMBER}D)?(T(?=[0-9])({_NUMBER}H)?({_NUMBER}M)?({_NUMBER}S)?)?)"
#: A duration in a message: ISO 8601, and not zero.
ISO_PATTERN = rf"^P(?=.*[1-9]){_ISO_PARTS}$"

_ISO = re.compile(f"P{_ISO_PARTS}", re.IGNORECASE)
_SHORT = re.compile("".join(rf"({_NUMBER}{unit})?" for unit in "wdhms"), re.IGNORECASE)
_PART = re.compile(r"([0-9.]+)([wdhms])", re.IGNORECASE)
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_duration(text: str) -> timedelta:
    """Read a duration that has its units.

    Raises ``ValueError`` with a clause that says how to write one; the value itself is not in the clause.
    """
    compact = text.replace(" ", "").strip()
    parts = _PART.findall(compact)
    if not parts or not (_ISO.fullmatch(compact) or _SHORT.fullmatch(compact)):
        raise ValueError("is not a duration; write one such as 30m, 8h, 7d or PT8H")
    seconds = sum(float(count) * _SECONDS[unit.lower()] for count, unit in parts)
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"is longer than {LONGEST.days} days; write a shorter one")
    return timedelta(seconds=seconds)


def written(duration: timedelta) -> str:
    """The shortest form for operators: ``1h30m``, ``0.2s``."""
    days, clock = _units(duration)
    return f"{days}{clock}".lower() or "0s"


def iso(duration: timedelta) -> str:
    """The ISO 8601 form, one text for one duration: it is part of the fingerprint of a request, so it never changes."""
    days, clock = _units(duration)
    return f"P{days}T{clock}" if clock else f"P{days}"


def _units(duration: timedelta) -> tuple[str, str]:
    """The days, and the hours to seconds, as ``1D`` and ``2H0.5S``; units that are zero are left out."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{duration.microseconds:06}".rstrip("0") if duration.microseconds else ""
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count)
    clock += f"{seconds}{fraction}S" if seconds or fraction else ""
    return f"{duration.days}D" if duration.days else "", clock
