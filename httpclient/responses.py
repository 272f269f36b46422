from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from access.failures import Failure, Transient
from httpclient.retry_after import retry_after

T = TypeVar("T")
F = TypeVar("F", bound=Failure)

#: Longest part of a service's own error text that is repeated in ours, in characters.
_LONGEST_TEXT = 256

#: Where the services put their own id of an exchange [observed: both], first one wins.
_TRACE_HEADERS = ("x-arequestid", "atl-traceid", "x-request-id", "atl-request-id")

#: Some servers and gateways put it before their JSON.
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"

#: What no database of ours stores in a text: NUL (PostgreSQL), and halves of surrogate pairs (no UTF-8 for them).
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: the status, headers by lower-case name, and the body.

    ``body`` is the parsed JSON, else the text, else None when empty. All texts in it can be stored. Services answer HTML or
    text where they document JSON [observed], so nothing is known of its shape until ``read_as`` has looked.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    #: Called when the body turns out to be no answer of the service.
    on_misread: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)

    @property
    def trace_id(self) -> str | None:
        """The service's own id of this exchange, for its support desk."""
        return next((self.headers[name][:_LONGEST_TEXT] for name in _TRACE_HEADERS if self.headers.get(name)), None)

    @property
    def said(self) -> str:
        """The service's own error text, shortened; empty unless the body has a known error schema.

        A body of another schema may hold anything, so it is never repeated.
        """
        return " ".join("; ".join(_error_texts(self.body)).split())[:_LONGEST_TEXT].rstrip(".")

    @property
    def quoted(self) -> str:
        """The service's own error text after a colon, for the end of a clause; empty when there is none."""
        return f": {self.said}" if self.said else ""

    def failure(self, kind: type[F], what: str, *, remedy: str = "") -> F:
        """A failure of this kind, with the status and the trace id of this exchange."""
        return kind(what, remedy=remedy, status=self.status, trace_id=self.trace_id)

    def member(self, name: str) -> Any:
        """A member of a JSON object; None when the body is none or lacks it."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    def asked_wait(self, now: datetime) -> timedelta | None:
        """The wait the service asked for, when it did."""
        return retry_after(self.headers, now=now)

    @property
    def shows_room(self) -> bool:
        """Whether the service's budget for us is not nearly used up, as far as it tells.

        Jira says ``X-RateLimit-NearLimit: true`` when less than a fifth is left [docs]; who says nothing shows room.
        """
        return self.headers.get("x-ratelimit-nearlimit", "").strip().lower() != "true"

    def read_as(self, shape: type[T], *, what: str) -> T:
        """The body in the shape the caller understands; ``what`` names it for the error.

        Raises ``Transient`` for anything else: a page of a gateway, or JSON that is no answer of this service. Such a body
        says nothing about what was asked for.
        """
        if not isinstance(self.body, (dict, list)):
            self.on_misread()
            raise self.failure(
                Transient,
                f"The answer with {what} was not JSON.",
                remedy="A gateway or proxy in between may have answered; check the base URL if it persists.",
            )
        try:
            adapter: TypeAdapter[T] = _adapter(shape)  # type: ignore[arg-type] # types are hashable, which mypy doubts
            return adapter.validate_python(self.body)
        except ValidationError as exc:
            self.on_misread()
            fields = ", ".join(
                sorted({".".join(str(part) for part in error["loc"]) or "top" for error in exc.errors()})[:5]
            )
            # The validation error repeats the input, which may hold personal data: it is not chained.
            raise self.failure(
                Transient,
                f"The answer with {what} has a shape Provisor does not know (at {fields}).",
                remedy="Report it if it persists: the service may have changed its interface.",
            ) from None


@cache
def _adapter(shape: type[Any]) -> TypeAdapter[Any]:
    # To make an adapter costs more than to read an answer with it.
    return TypeAdapter(shape)


def parse_body(text: str) -> Any:
    """JSON when it is JSON whatever the content type claims, else text, else None when there is nothing."""
    text = text.strip().removeprefix(_BOM)
    if not text:
        return None
    try:
        parsed = json.loads(text, parse_constant=_no_number, parse_float=_number)
        # Only an escape can bring such a character into JSON; few bodies have one, and walking them all would cost more.
        return storable(parsed) if "\\u0000" in text or "\\ud" in text.lower() else parsed
    except (ValueError, RecursionError):
        return storable(text)


def _no_number(name: str) -> NoReturn:
    """Raise ``ValueError`` for the words that Python reads as numbers, and JSON does not have."""
    raise ValueError(f"{name} is no JSON number")


def _number(digits: str) -> float | None:
    """A number with a fraction or an exponent; one that is too large for any database counts as absent."""
    number = float(digits)
    return number if math.isfinite(number) else None


def storable(value: Any) -> Any:
    """The same JSON value with a replacement character in place of each character that no database stores."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    return value


def _error_texts(body: Any) -> list[str]:
    """The texts of the error schemas that are known.

    ``{"errorMessages", "errors"}`` [spec: Jira], ``{"errorMessage"}`` [observed: an Atlassian site that is away],
    ``{"errors": [{"title", "detail"}]}`` [spec: Atlassian organizations], ``{"message"}`` [spec: JumpCloud; observed:
    gateways], ``{"detail"}`` of problem+json [observed: Jira], ``{"error": text, "error_description"}`` [observed: Connect;
    RFC 6749].
    """
    if not isinstance(body, dict):
        return []
    texts: list[Any] = []
    messages, fields = body.get("errorMessages"), body.get("errors")
    if isinstance(messages, list):
        texts += messages
    if isinstance(fields, dict):
        texts += [f"{name}: {text}" for name, text in fields.items() if isinstance(text, str)]
    if isinstance(fields, list):
        texts += [error.get("detail") or error.get("title") for error in fields if isinstance(error, dict)]
    texts += [body.get(name) for name in ("errorMessage", "message", "detail", "error", "error_description")]
    return [text for text in texts if isinstance(text, str) and text]
