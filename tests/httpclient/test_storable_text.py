"""Text from outside can be stored, whatever a service sends: on every database the same."""

from __future__ import annotations

import json

import pytest

from httpclient.responses import parse_body
from tests.httpclient.stub import READ, Reply, Stub, client_of

UNSTORABLE = ["\x00", "\ud800", "\udfff", "\udc00\ud800"]
STORABLE = ["", "Ada", "\\u0000", "\\ud800", "\x01\x1f\x7f", "\U0001f600", "\ufffd\ufffe\uffff", "é", "\u202e"]


@pytest.mark.parametrize("text", UNSTORABLE)
def test_what_no_database_stores_is_replaced_wherever_it_stands(text: str) -> None:
    body = json.dumps({f"name{text}": [f"Ada {text}", {"deep": text}], "number": 1, "none": None})
    mark = "\ufffd" * len(text)
    parsed = parse_body(body)
    assert parsed == {f"name{mark}": [f"Ada {mark}", {"deep": mark}], "number": 1, "none": None}
    assert json.dumps(parsed, ensure_ascii=False).encode()


@pytest.mark.parametrize("text", STORABLE)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_everything_else_stays_as_it_is(text: str, *, ascii_only: bool) -> None:
    assert parse_body(json.dumps([text], ensure_ascii=ascii_only)) == [text]


def test_plain_text_and_errors_are_storable_too(stub: Stub) -> None:
    client = client_of(stub.url)
    stub.will(Reply(200, b"a\x00b\xff"))
    assert client.send(READ).body == "a\ufffdb\ufffd"
    stub.will(Reply(200, {"message": "no\x00 \ud800"}))
    assert client.send(READ).said == "no\ufffd \ufffd"
