"""Messages as no library would send them: any bytes in the body, in the properties, and as the routing key."""

from __future__ import annotations

import bz2
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack
from typing import Any

import amqp

from tests.machine import Amqp
from worker.queues import INTAKE_EXCHANGE

_Message: Any = amqp.Message

_CONTENT_TYPE, _CONTENT_ENCODING, _HEADERS = 0x8000, 0x4000, 0x2000
_CORRELATION_ID, _TIMESTAMP = 0x0400, 0x0040

#: A header whose value is a moment that no calendar has.
NO_MOMENT = b"T" + pack(">Q", 2**63)


@dataclass(frozen=True, repr=False)
class RawMessage:
    """One message. Headers are names with values in AMQP's own form."""

    body: bytes
    content_type: bytes | None = None
    content_encoding: bytes | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    correlation_id: bytes | None = None
    timestamp: int | None = None
    routing_key: bytes = b""

    def __repr__(self) -> str:
        return f"<{len(self.body)} bytes {self.body[:40]!r}, properties {self.properties()[:400]!r}>"

    def properties(self) -> bytes:
        flags, parts = 0, []
        for flag, text in ((_CONTENT_TYPE, self.content_type), (_CONTENT_ENCODING, self.content_encoding)):
            if text is not None:
                flags |= flag
                parts.append(_short(text))
        if self.headers:
            flags |= _HEADERS
            parts.append(_long(b"".join(_short(name) + value for name, value in self.headers)))
        if self.correlation_id is not None:
            flags |= _CORRELATION_ID
            parts.append(_short(self.correlation_id))
        if self.timestamp is not None:
            flags |= _TIMESTAMP
            parts.append(pack(">Q", self.timestamp))
        return pack(">H", flags) + b"".join(parts)


def text_header(name: str, value: bytes) -> tuple[bytes, bytes]:
    return name.encode(), b"S" + _long(value)


def _short(value: bytes) -> bytes:
    return bytes([len(value)]) + value


def _long(value: bytes) -> bytes:
    return pack(">I", len(value)) + value


class _Raw(_Message):  # type: ignore[misc] # the stubs know little of it
    def __init__(self, message: RawMessage) -> None:
        super().__init__(message.body)
        self._raw = message.properties()

    def _serialize_properties(self) -> bytes:
        return self._raw


def publish_raw(
    rabbitmq: Amqp, messages: Sequence[RawMessage], *, exchange: str = INTAKE_EXCHANGE, queue: str | None = None
) -> None:
    """Publish to the intake's exchange, or straight to a queue; RabbitMQ has confirmed each."""
    with contextlib.closing(rabbitmq.connect()) as connection:
        channel: Any = connection.channel()
        for message in messages:
            if queue is None:
                where = {"exchange": rabbitmq.prefix + exchange, "routing_key": message.routing_key}
            else:
                where = {"exchange": "", "routing_key": rabbitmq.prefix + queue}
            channel.basic_publish_confirm(_Raw(message), mandatory=True, **where)


def wanted(request_id: str, **more: Any) -> bytes:
    """A request that waits for ever for nothing: the group is unknown, so it is refused once it is planned."""
    plain = {
        "id": request_id,
        "action": "grant",
        "subject": {"id": "nobody"},
        "entitlement": "jumpcloud:group:no:member",
    }
    return json.dumps(plain | more).encode()


#: 81 bytes that would unpack to fifty million.
BOMB = bz2.compress(bytes(50_000_000))

PROPERTIES: dict[str, dict[str, Any]] = {
    "compression: none": {"headers": (text_header("compression", b"none"),)},
    "compression: gzip on a plain body": {"headers": (text_header("compression", b"gzip"),)},
    "compression with a number": {"headers": ((b"compression", b"l" + bytes(8)),)},
    "a content type with NUL": {"content_type": b"application/json\x00"},
    "a content type with half a character": {"content_type": b"\xed\xa0\x80"},
    "content_encoding: utf-7": {"content_encoding": b"utf-7"},
    "content_encoding: unicode_escape": {"content_encoding": b"unicode_escape"},
    "content_encoding of no text": {"content_encoding": b"\xff\xfe"},
    "a moment that no calendar has": {"headers": ((b"at", NO_MOMENT),)},
    "a header's name of no text": {"headers": ((b"\xff\xfe", b"V"),)},
    "a correlation id of no text": {"correlation_id": b"\xff\xfe"},
    "a routing key of no text": {"routing_key": b"\xff\xfe"},
    "a timestamp in no calendar": {"timestamp": 2**63},
}
