"""From when and until when access lasts, and how long policy lets it last. Pure.

A claim ends after its duration, counted from when the access was seen, or at a fixed moment, whenever it began. What extends
it counts from the first start: a maximum of eight hours is eight hours, in however many requests.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from access.message import AccessRequest


def end_of(starts: datetime, *, duration: timedelta | None, fixed: datetime | None) -> datetime | None:
    """When a claim that starts then is over; None for standing access."""
    if fixed is not None:
        return fixed
    return None if duration is None else starts + duration


def extended_end(request: AccessRequest, end: datetime) -> datetime:
    """The new end of a claim that ended at ``end``: a duration follows on the old end."""
    found = end_of(end, duration=request.duration, fixed=request.ends_at)
    assert found is not None, "an extension has an end"
    return found


def against_time_of_grant(
    request: AccessRequest, *, most: timedelta | None, now: datetime, named: str, pattern: str
) -> str | None:
    """Why a grant cannot have the times that it asks for; None when it can. ``most`` is the maximum of the rule ``pattern``."""
    if request.ends_at is not None and request.ends_at <= now:
        return f"The request is for access until {_at(request.ends_at)}, which is past. Send it again with a later end."
    if most is None:
        return None
    starts = max(request.starts_at or now, now)
    end = end_of(starts, duration=request.duration, fixed=request.ends_at)
    allows = f"Policy rule '{pattern}' allows {named} for at most {most}, and the request is for"
    if end is None:
        return f"{allows} standing access. Send it again with a duration."
    if end - starts > most:
        return f"{allows} {end - starts}. Send it again with a shorter duration."
    return None


def against_extension(
    end: datetime, new_end: datetime, *, first_start: datetime, most: timedelta | None, now: datetime, pattern: str
) -> str | None:
    """Why a claim cannot last until ``new_end``; None when it can. ``most`` counts from ``first_start``."""
    if new_end <= now:
        return f"The access would end at {_at(new_end)}, which is past. Ask anew with a request to grant."
    if new_end <= end:
        return f"The access lasts until {_at(end)} already, and {_at(new_end)} is no later. To end it early, revoke it."
    if most is not None and new_end - first_start > most:
        return (
            f"Policy rule '{pattern}' allows at most {most} from the first start at {_at(first_start)}, which is until "
            f"{_at(first_start + most)}, and the extension is until {_at(new_end)}. Ask for less, or ask anew afterwards."
        )
    return None


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
