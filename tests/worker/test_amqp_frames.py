"""Who published a message, read from raw properties that hold anything at all."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.amqp_frames import Delivery


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


#: The properties before ``user-id`` in their order, each with its flag and a value that looks like something else.
BEFORE = (
    (0x8000, short(b"application/json")),
    (0x4000, short(b"gzip")),
    (0x2000, pack(">I", 10) + b"\x04rootS\x00\x00\x00\x00"),
    (0x1000, b"\x02"),
    (0x0800, b"\x09"),
    (0x0400, short(b"root")),
    (0x0200, short(b"")),
    (0x0100, short(b"60000")),
    (0x0080, short(b"\x04root")),
    (0x0040, b"\x00" * 8),
    (0x0020, short(b"request")),
)


def delivery(properties: bytes, *, exchange: bytes = b"provisor.intake") -> Delivery:
    method = pack(">HH", 60, 60) + short(b"intake") + pack(">QB", 7, 1) + short(exchange) + short(b"any key")
    found = Delivery(1, method)
    found.add_header(b"\x00" * 4 + pack(">Q", 0) + properties)
    return found


@given(st.sets(st.sampled_from(BEFORE)), st.booleans())
def test_the_user_is_found_behind_whatever_stands_before_it(others: set[tuple[int, bytes]], named: bool) -> None:  # noqa: FBT001 - an input of Hypothesis
    ordered = [each for each in BEFORE if each in others]
    flags = sum(flag for flag, _ in ordered) | (0x0010 if named else 0) | 0x0008
    body = b"".join(value for _, value in ordered) + (short(b"hr-portal") if named else b"") + short(b"app")
    assert delivery(pack(">H", flags) + body).user_id == ("hr-portal" if named else None)


@given(st.binary(max_size=60))
def test_no_bytes_in_place_of_properties_break_it(properties: bytes) -> None:
    user = delivery(properties).user_id
    assert user is None or user.isprintable()


@pytest.mark.parametrize("flags", [0x0000, 0x0001, 0x0011])
def test_without_a_user_there_is_none(flags: int) -> None:
    assert delivery(pack(">H", flags) + short(b"root")).user_id is None


def test_the_exchange_is_the_one_that_the_message_was_published_to() -> None:
    assert delivery(b"\x00\x00", exchange=b"hr").exchange == "hr"
    assert delivery(b"\x00\x00", exchange=b"").exchange == ""
    found = delivery(b"\x00\x00")
    assert (found.tag, found.redelivered, found.exchange) == (7, True, "provisor.intake")
