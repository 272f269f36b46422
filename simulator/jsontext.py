"""JSON as the simulated systems read and write it: any Unicode text, also halves of surrogate pairs, and no NaN."""

import json
import math
from typing import Any

from starlette.responses import JSONResponse


def json_bytes(document: Any) -> bytes:
    """Return JSON in UTF-8 without blanks; text that UTF-8 cannot hold is escaped."""
    try:
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(document, separators=(",", ":")).encode()


def json_document(raw: bytes) -> Any:
    """Return what JSON says; raises ValueError for what is no JSON, a number without end among it."""
    try:
        return json.loads(raw, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as exc:
        raise ValueError("The JSON is nested too deeply.") from exc


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number.")
    return number


class JsonResponse(JSONResponse):
    """A JSON answer that may hold any text."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json_bytes(content)
