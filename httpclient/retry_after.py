"""How long a service asked us to wait, read tolerantly from its answer's headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: A wait above this many seconds (a week) is a moment in another unit, not a wait.
_LONGEST = 7 * 24 * 3600.0


def retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """The wait asked for, or None when the answer names none (a gateway's 429 does not [observed]).

    Reads ``Retry-After`` in seconds (whole or fractional) or as an HTTP date, else ``X-RateLimit-Reset`` as an ISO 8601
    moment, with or without seconds [docs: Jira Cloud rate limits]. Never negative; what cannot be read counts as absent.
    """
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    if text := lowered.get("retry-after"):
        seconds = _seconds(text)
        return seconds if seconds is not None else _until(text, parsedate_to_datetime, now)
    if text := lowered.get("x-ratelimit-reset"):
        return _until(text, datetime.fromisoformat, now)
    return None


def _seconds(text: str) -> timedelta | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return timedelta(seconds=max(0.0, seconds)) if seconds < _LONGEST else None


def _until(text: str, parsed: Callable[[str], datetime], now: datetime) -> timedelta | None:
    try:
        moment = parsed(text)
    except ValueError:
        return None
    wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return max(timedelta(0), wait) if wait <= timedelta(seconds=_LONGEST) else None
