"""The mapping between rows and the dataclasses of the domain, for all tables in one place.

A column has the name of its field, except where ``_COLUMNS`` says otherwise. Text columns become the type that the
field's annotation names: an enumeration, an entitlement, a tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from access.entitlements import EntitlementRef
from access.message import AccessRequest, StoredRequest
from access.operations import Claim, Request

T = TypeVar("T")

#: The columns whose name is not that of their field.
_COLUMNS = {(Request, "message"): "body", (Claim, "duration"): "duration_seconds"}


def from_row(kind: Callable[..., T], row: Mapping[Any, Any]) -> T:
    """The dataclass ``kind`` with the values of a row; columns without a field are left out."""
    values = {}
    for name, column, read in _fields(kind):
        value = row[column]
        values[name] = value if read is None or value is None else read(value)
    return kind(**values)


def to_row(record: Any) -> dict[str, Any]:
    """The columns of a dataclass, for an insert."""
    kind: Any = type(record)
    return {column: _stored(getattr(record, name)) for name, column, _ in _fields(kind)}


@cache
def _fields(kind: Any) -> tuple[tuple[str, str, Callable[[Any], Any] | None], ...]:
    """Each field of a dataclass with its column and what reads the stored value; None where it is read as it is."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    return tuple((name, _COLUMNS.get((kind, name), name), _reader(hints[name])) for name in names)


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    """What turns a stored value into the annotated type."""
    if get_origin(hint) is UnionType:
        hint = next(option for option in get_args(hint) if option is not type(None))
    if get_origin(hint) is tuple:
        return tuple
    if hint is timedelta:
        return lambda seconds: timedelta(seconds=seconds)
    if hint is EntitlementRef:
        return EntitlementRef.parse
    if hint is AccessRequest:
        return StoredRequest.model_validate
    return hint if isinstance(hint, type) and issubclass(hint, StrEnum) else None


def _stored(value: Any) -> Any:
    match value:
        case StrEnum() | EntitlementRef():
            return str(value)
        case timedelta():
            return value.total_seconds()
        case tuple():
            return list(value)
    return value
