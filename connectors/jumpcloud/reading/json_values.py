"""Single values out of other people's JSON: what is not of the expected kind counts as not there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Record = Mapping[str, Any]


def text(record: Record, name: str) -> str | None:
    """A text, None when it is unset (``""`` and null both mean that [observed])."""
    value = record.get(name)
    return value.strip() or None if isinstance(value, str) else None


def record(of: Record, name: str) -> Record:
    """An object, empty when there is none."""
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def records(of: Record, name: str) -> list[Record]:
    """The objects of an array."""
    value = of.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts(of: Record, name: str) -> list[str]:
    """The texts of an array."""
    value = of.get(name)
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []


def moment(of: Record, name: str) -> datetime | None:
    """A time in ISO 8601 [observed], in UTC."""
    value = of.get(name)
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def ident(of: Record) -> str | None:
    """The id: ``_id`` in v1, where ``id`` mostly comes too, ``id`` in v2 [observed]."""
    return text(of, "_id") or text(of, "id")
