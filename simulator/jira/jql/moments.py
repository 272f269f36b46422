from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from simulator.jira.jql.syntax import Function, JqlError, Operand, Value

RELATIVE = re.compile(r"^([+-]?)(\d+)\s*([wdhm]?)$", re.IGNORECASE)
UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "": 60}
"""Seconds; a bare number is minutes."""
FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


def moment(operand: Operand, *, field: str, now: float, zone: tzinfo) -> float:
    """Return the time an operand means, in seconds since 1970; raises JqlError.

    Absolute times are read in the time zone of the account and in minutes, as the contract says (5.5).
    """
    if isinstance(operand, Function):
        return _from_function(operand, now, zone)
    text = operand.text.strip() if isinstance(operand, Value) else ""
    relative = RELATIVE.match(text)
    if relative:
        sign = -1 if relative[1] == "-" else 1
        return now + sign * int(relative[2]) * UNITS[relative[3].lower()]
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone).timestamp()
        except ValueError:
            continue
    raise JqlError(
        f"Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _from_function(function: Function, now: float, zone: tzinfo) -> float:
    here = datetime.fromtimestamp(now, zone)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    match function.name.lower():
        case "now":
            return now
        case "startofday":
            base = midnight
        case "endofday":
            base = midnight + timedelta(days=1)
        case "startofweek":
            base = midnight - timedelta(days=(midnight.weekday() + 1) % 7)
        case "startofmonth":
            base = midnight.replace(day=1)
        case _:
            raise JqlError(f"Unable to find JQL function '{function.name}({', '.join(function.arguments)})'.")
    shift = RELATIVE.match(function.arguments[0]) if function.arguments else None
    if shift is None:
        return base.timestamp()
    sign = -1 if shift[1] == "-" else 1
    return base.timestamp() + sign * int(shift[2]) * UNITS[shift[3].lower() or "d"]
