"""Frames of AMQP 0-9-1, read so that no message can break the connection.

py-amqp parses every property of a message, and kombu unpacks the body by a header, before anybody sees the message. Text that is
no UTF-8, a moment that no calendar has, or a small body that unpacks to gigabytes then ends the process. py-amqp takes another
reader of frames as an argument of its connection: ``raw_deliveries`` parses nothing, and ``lenient_frames`` forgives.

The layout of frames, methods and properties is that of the AMQP 0-9-1 specification, sections 2.3.5 and 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import error as StructError  # noqa: N812 - an exception
from struct import unpack_from
from typing import Any

import amqp
from amqp.spec import Basic

from tasks.incoming_message import Body, BodyReader, storable

_METHOD, _HEADER, _BODY = 1, 2, 3

#: Flag of the first property, and where properties begin in a header: after class, weight and the body's length.
_HAS_CONTENT_TYPE = 0x8000
_SHORTEST_WITH_TYPE = 3
_PROPERTIES_AT = 12

#: The property flags of a header, and how wide those before ``user-id`` are in bytes.
_MORE_FLAGS, _HAS_USER_ID = 0x0001, 0x0010
_SHORT_TEXT, _LONG_TABLE = -1, -2
_BEFORE_USER_ID = (
    (0x8000, _SHORT_TEXT),  # content-type
    (0x4000, _SHORT_TEXT),  # content-encoding
    (0x2000, _LONG_TABLE),  # headers
    (0x1000, 1),  # delivery-mode
    (0x0800, 1),  # priority
    (0x0400, _SHORT_TEXT),  # correlation-id
    (0x0200, _SHORT_TEXT),  # reply-to
    (0x0100, _SHORT_TEXT),  # expiration
    (0x0080, _SHORT_TEXT),  # message-id
    (0x0040, 8),  # timestamp
    (0x0020, _SHORT_TEXT),  # type
)

#: RabbitMQ writes how often it delivered a message of a quorum queue in vain as this header, a signed number of 64 bits.
_DELIVERY_COUNT = b"\x10x-delivery-countl"

#: Wake-ups have a few hundred bytes.
_LONGEST_WAKE_UP = 64 * 1024

#: A frame: its type, its channel, its payload.
Frame = tuple[int, int, bytes]
OnFrame = Callable[[Frame], bool]
#: Called with the channel, the method's number, its frame, and its content.
OnMethod = Callable[[int, Any, bytes, Any], None]


class Delivery:
    """One delivered message. Of a long body only what is kept is held, from its first frame on."""

    def __init__(self, channel: int, method: bytes) -> None:
        self.channel = channel
        self.tag, self.redelivered, self.exchange = _delivered(method)
        self.properties = b""
        self._reader = BodyReader(0)

    def add_header(self, payload: bytes) -> None:
        """Take the header frame: properties, and the length of the body."""
        self._reader = BodyReader(unpack_from(">Q", payload, 4)[0])
        self.properties = payload[_PROPERTIES_AT:]

    def add_body(self, payload: bytes) -> None:
        """Take the next body frame."""
        self._reader.add(payload)

    @property
    def complete(self) -> bool:
        """Whether the whole body has come."""
        return self._reader.complete

    @property
    def held_bytes(self) -> int:
        """Bytes in memory."""
        return self._reader.held + len(self.properties)

    def body(self) -> Body:
        """The body, once it is complete."""
        return self._reader.body()

    @property
    def content_type(self) -> str | None:
        """The content type as a storable text."""
        if len(self.properties) < _SHORTEST_WITH_TYPE or not unpack_from(">H", self.properties)[0] & _HAS_CONTENT_TYPE:
            return None
        return storable(self.properties[3 : 3 + self.properties[2]])

    @property
    def user_id(self) -> str | None:
        """The user who published the message, as RabbitMQ has checked; None where the message names none."""
        return _user_id(self.properties)

    @property
    def delivered_in_vain(self) -> int:
        """How often RabbitMQ says that it delivered this message before, since it lies in its queue."""
        at = self.properties.find(_DELIVERY_COUNT)
        number = self.properties[at + len(_DELIVERY_COUNT) :][:8]
        return int.from_bytes(number, "big", signed=True) if at >= 0 else 0


def _delivered(method: bytes) -> tuple[int, bool, str]:
    """Delivery tag, "redelivered" and the exchange of ``basic.deliver``; the consumer's tag before them is ours."""
    at = 5 + method[4]
    tag, redelivered, length = unpack_from(">QBB", method, at)
    return tag, bool(redelivered & 1), storable(method[at + 10 : at + 10 + length])


def _user_id(properties: bytes) -> str | None:
    """The property ``user-id``, which RabbitMQ lets through only as the user who publishes; None where there is none.

    The others before it are passed over by their lengths, whatever they hold.
    """
    try:
        flags, at = unpack_from(">H", properties)[0], 2
        if flags & _MORE_FLAGS or not flags & _HAS_USER_ID:
            return None
        for flag, width in _BEFORE_USER_ID:
            if not flags & flag:
                continue
            if width == _SHORT_TEXT:
                at += 1 + properties[at]
            elif width == _LONG_TABLE:
                at += 4 + unpack_from(">I", properties, at)[0]
            else:
                at += width
        user = properties[at + 1 : at + 1 + properties[at]]
    except (IndexError, StructError):
        return None
    return storable(user) or None


def raw_deliveries(deliver: Callable[[Delivery], None]) -> Callable[[Any, OnMethod], OnFrame]:
    """A reader of frames that hands each delivered message on unparsed."""

    def frame_handler(connection: Any, on_method: OnMethod) -> OnFrame:
        unfinished: dict[int, Delivery] = {}

        def on_frame(frame: Frame) -> bool:
            kind, channel, payload = frame
            connection.bytes_recv += 1
            if kind == _METHOD:
                number = unpack_from(">HH", payload)
                if number == Basic.Deliver:
                    unfinished[channel] = Delivery(channel, payload)
                    return False
                on_method(channel, number, payload, None)
                return True
            if kind not in (_HEADER, _BODY):
                return False  # A heartbeat.
            delivery = unfinished[channel]
            (delivery.add_header if kind == _HEADER else delivery.add_body)(payload)
            if not delivery.complete:
                return False
            deliver(unfinished.pop(channel))
            return True

        return on_frame

    return frame_handler


_Message: Any = amqp.Message  # the stubs know little of it


class _WakeUp(_Message):  # type: ignore[misc] # the same
    """A message for Celery: without what cannot be parsed, without compression, and empty when it is too long."""

    def _load_properties(self, class_id: int, buf: bytes, offset: int) -> int:
        try:
            offset = super()._load_properties(class_id, buf, offset)
        except Exception:  # noqa: BLE001 - whatever it is, Celery then finds no task in the message, and drops it
            self.properties: dict[str, Any] = {}
        headers = self.properties.get("application_headers")
        if isinstance(headers, dict):
            headers.pop("compression", None)
        return offset

    def inbound_body(self, buf: bytes) -> None:
        if self.body_size <= _LONGEST_WAKE_UP:
            super().inbound_body(buf)
            return
        self.body_received += len(buf)
        self.ready = self.body_received >= self.body_size


def lenient_frames(connection: Any, on_method: OnMethod) -> OnFrame:
    """A reader of frames for Celery's own connection."""
    unfinished: dict[int, tuple[Any, bytes, _WakeUp]] = {}

    def on_frame(frame: Frame) -> bool:
        kind, channel, payload = frame
        connection.bytes_recv += 1
        if kind == _METHOD:
            number = unpack_from(">HH", payload)
            if number in (Basic.Deliver, Basic.Return, Basic.GetOk):
                method = _readable(payload) if number == Basic.Deliver else payload
                unfinished[channel] = (number, method, _WakeUp())
                return False
            on_method(channel, number, payload, None)
            return True
        if kind not in (_HEADER, _BODY):
            return False  # A heartbeat.
        number, method, message = unfinished[channel]
        (message.inbound_header if kind == _HEADER else message.inbound_body)(payload)
        if not message.ready:
            return False
        del unfinished[channel]
        on_method(channel, number, method, message)
        return True

    return on_frame


def _readable(method: bytes) -> bytes:
    """``basic.deliver`` with a routing key that is text: producers may use any bytes."""
    try:
        exchange_at = 5 + method[4] + 9
        key_at = exchange_at + 1 + method[exchange_at]
        key = method[key_at + 1 : key_at + 1 + method[key_at]]
    except (IndexError, StructError):
        return method
    text = key.decode("ascii", "replace").encode("ascii", "replace")
    return method[:key_at] + bytes([len(text)]) + text
