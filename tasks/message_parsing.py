"""Parsing of messages: the access request that a body holds, or sentences that say why it holds none.

A body is the request's JSON itself, or a CloudEvents 1.0 envelope around it. Nothing here quotes more than a few words
of what was sent: the sentences end up in logs, headers of dead letters and answers.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cloudevents.core.exceptions import (
    CloudEventValidationError,
    CustomExtensionAttributeError,
    InvalidAttributeTypeError,
)
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from access.message import AccessRequest, beyond_limits
from access.text import shortened
from tasks.json_text import decode, read_json

#: A request is a few hundred bytes; this is room for the longest texts the model allows.
MAX_BODY = 256 * 1024
#: The ``type`` of a CloudEvent that carries a request.
EVENT_TYPE = "provisor.access-request.v1"

#: What producers and brokers call JSON, or leave unsaid; anything else is not tried.
_JSON_TYPES = frozenset(
    {"", "application/json", "text/json", "text/plain", "application/octet-stream", "application/data"}
)
_MOST_PROBLEMS = 10
_MOST_CHARACTERS = 300


class Malformed(Exception):  # noqa: N818 - a word of the domain, like the failure words
    """The message is no access request. ``problems`` has a sentence for each, ``reason`` all of them."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        self.reason = " ".join(problems)
        super().__init__(self.reason)


def parse_message(body: bytes, content_type: str | None = None) -> AccessRequest:
    """The request that a message carries.

    Raises ``Malformed``; a message that was refused once is refused for ever.
    """
    _check_content_type(content_type)
    if len(body) > MAX_BODY:
        raise Malformed(f"The body has {len(body)} bytes; at most {MAX_BODY} are read.")
    content = _json(body)
    if isinstance(content, dict) and "specversion" in content:
        content = _unwrap(content)
    if not isinstance(content, dict):
        raise Malformed("The body is not a JSON object; send one request as {...}.")
    try:
        request = AccessRequest.model_validate(content)
    except ValidationError as exc:
        raise Malformed(*_sentences(exc)) from exc
    if problems := list(beyond_limits(request)):
        raise Malformed(*problems)
    return request


def _json(body: bytes) -> Any:
    try:
        return read_json(decode(body))
    except ValueError as exc:
        raise Malformed(str(exc)) from exc


def _is_json(media_type: str) -> bool:
    return media_type in _JSON_TYPES or (media_type.startswith("application/") and media_type.endswith("+json"))


def _check_content_type(content_type: str | None) -> None:
    media_type, *parameters = (part.strip().lower() for part in (content_type or "").split(";"))
    if media_type.endswith("-batch+json"):
        raise Malformed("The message is a batch of CloudEvents; send one request a message.")
    if not _is_json(media_type):
        raise Malformed(f"The content type '{shortened(media_type)}' is not read; send application/json.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8", "us-ascii"):
            raise Malformed(f"The charset '{shortened(value)}' is not read; send UTF-8.")


def _unwrap(envelope: dict[str, Any]) -> Any:
    """The content of a CloudEvent whose attributes are valid."""
    attributes = {name: value for name, value in envelope.items() if name not in ("data", "data_base64")}
    problems = list(_attribute_problems(attributes))
    if not problems and attributes["type"] != EVENT_TYPE:
        problems.append(f"The event's type is '{shortened(attributes['type'])}'; send {EVENT_TYPE}.")
    media_type = str(attributes.get("datacontenttype", "")).partition(";")[0].strip().lower()
    if not _is_json(media_type):
        problems.append(f"The event's datacontenttype '{shortened(media_type)}' is not read; send application/json.")
    if ("data" in envelope) == ("data_base64" in envelope):
        problems.append("The event needs its request in either data or data_base64.")
    if problems:
        raise Malformed(*problems)
    if "data" in envelope:
        return envelope["data"]
    try:
        return _json(base64.b64decode(envelope["data_base64"], validate=True))
    except (TypeError, ValueError) as exc:
        raise Malformed("The event's data_base64 is not base64.") from exc


def _attribute_problems(attributes: dict[str, Any]) -> Iterable[str]:
    """The problems that the CloudEvents library reports, and the two that it mends in silence: no id, and a time as text."""
    if missing := [name for name in ("id", "source", "type") if name not in attributes]:
        yield f"The event lacks {', '.join(missing)}, which CloudEvents requires."
        return
    read = dict(attributes)
    if "time" in read:
        try:
            read["time"] = datetime.fromisoformat(read["time"])
        except (TypeError, ValueError):
            yield "The event's time is not RFC 3339, such as 2026-01-31T12:00:00Z."
            del read["time"]
    try:
        CloudEvent(read)
    except CloudEventValidationError as exc:
        for name, found in exc.errors.items():
            yield _attribute_sentence(name, found[0])


def _attribute_sentence(name: str, error: Exception) -> str:
    match error:
        case CustomExtensionAttributeError():
            return f"The event has '{shortened(name)}', whose name CloudEvents does not allow; use a-z and 0-9."
        case InvalidAttributeTypeError():
            return f"The event's {name} is not of the type CloudEvents requires."
        case _ if name == "specversion":
            return "The event's specversion is not read; send 1.0."
        case _:
            return f"The event's {name} is empty or not valid."


def _sentences(exc: ValidationError) -> list[str]:
    errors = exc.errors(include_url=False)
    sentences = [_sentence(error) for error in errors[:_MOST_PROBLEMS]]
    if len(errors) > _MOST_PROBLEMS:
        sentences.append(f"There are {len(errors) - _MOST_PROBLEMS} more problems.")
    return sentences


def _sentence(error: ErrorDetails) -> str:
    where = shortened(".".join(str(part) for part in error["loc"] if part != "[key]")) or "request"
    match error["type"]:
        case "missing":
            return f"{where}: it is required."
        case "extra_forbidden":
            known = ", ".join(_names_beside(error["loc"]))
            return f"{where}: there is no such field; there are {known}."
        case "value_error":
            words = str(error["ctx"]["error"])
        case _:
            words = error["msg"]
    words = words if len(words) <= _MOST_CHARACTERS else f"{words[:_MOST_CHARACTERS]}…"
    return f"{where}: {words.rstrip('.')}."


def _names_beside(loc: tuple[int | str, ...]) -> list[str]:
    """The known fields at the place of an unknown one."""
    model: Any = AccessRequest
    for part in loc[:-1]:
        model = model.model_fields[part].annotation
    return [field.alias or name for name, field in model.model_fields.items()]
