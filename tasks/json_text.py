"""Strict reading of JSON: a text that two readers could understand differently is refused.

The standard library alone takes the last of two equal keys, ``NaN``, UTF-16, and numbers that become infinite.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from access.text import shortened

#: Far above the depth of any message, far below what could exhaust a stack.
MAX_DEPTH = 32


def decode(body: bytes) -> str:
    """The body as text. Raises ``ValueError`` with a sentence when it is not UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ValueError(f"The body is not UTF-8 (byte {exc.start + 1}); encode it as UTF-8.") from exc


def read_json(text: str) -> Any:
    """The value that the text is.

    Raises ``ValueError`` with a sentence that says what is wrong and where.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_number)
    except json.JSONDecodeError as exc:
        raise ValueError(f"The body is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}.") from exc
    except RecursionError as exc:
        raise ValueError(f"The JSON is nested too deeply; at most {MAX_DEPTH} levels are read.") from exc
    except _Refused:
        raise
    except ValueError as exc:  # Python's limit on the digits of a whole number
        raise ValueError("The JSON has a number with too many digits.") from exc
    _check(value, depth=1)
    return value


class _Refused(ValueError):  # noqa: N818 - never leaves this module by its name
    """The JSON is well formed, and refused all the same."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Refused(f"The JSON has the key '{shortened(key)}' twice in one object; keep one.")
        found[key] = value
    return found


def _constant(name: str) -> NoReturn:
    raise _Refused(f"The JSON has {name}, which is not a JSON number.")


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Refused("The JSON has a number that is too large.")
    return number


def _check(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"The JSON is nested too deeply; at most {MAX_DEPTH} levels are read.")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key, depth=depth)
            _check(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth=depth + 1)
    elif isinstance(value, str) and any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(
            "The JSON has a text with a NUL or half a character in it, which no database stores; take it out."
        )
