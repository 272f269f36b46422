from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@cache
def zone(name: str) -> tzinfo:
    """Return the time zone of a profile, UTC when it names none that exists."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def stamp(seconds: float, where: tzinfo = UTC) -> str:
    """Return a time as Jira writes it: `2026-01-17T12:34:00.000+0000`, in the account's time zone."""
    at = datetime.fromtimestamp(seconds, where)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}{at:%z}"


def parsed(text: str) -> float | None:
    """Read an ISO 8601 time, or None when it is none; without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
