"""Typed fields of raw JSON rows: a value of another type counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Record = Mapping[str, Any]


def text(record: Record, name: str) -> str | None:
    """A text, None when the field is unset: ``""``, null or absent [observed]."""
    value = record.get(name)
    return value.strip() or None if isinstance(value, str) else None


def record(of: Record, name: str) -> Record:
    """An object, empty when the field has none."""
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


def timestamp(of: Record, name: str) -> datetime | None:
    """A time in ISO 8601 [observed], in UTC."""
    value = of.get(name)
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def object_id(of: Record) -> str | None:
    """The id of a row: ``_id`` in v1, ``id`` in v2 [observed]."""
    return text(of, "_id") or text(of, "id")
