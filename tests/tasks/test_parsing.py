import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.message import AccessRequest
from tasks.incoming_message import storable
from tasks.json_text import MAX_DEPTH, read_json
from tasks.message_parsing import EVENT_TYPE, MAX_BODY, Malformed, parse_message

GRANT: dict[str, Any] = {
    "id": "req-1",
    "action": "grant",
    "subject": {"email": "ada@example.com"},
    "entitlement": "jira:group:Engineering:member",
}
EVENT: dict[str, Any] = {"specversion": "1.0", "id": "e-1", "source": "/portal", "type": EVENT_TYPE}


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def reason(content: bytes, content_type: str | None = None) -> str:
    with pytest.raises(Malformed) as caught:
        parse_message(content, content_type)
    assert caught.value.reason == " ".join(caught.value.problems) == str(caught.value)
    assert all(problem.endswith(".") and "\n" not in problem for problem in caught.value.problems)
    return caught.value.reason


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if name not in names}


# What is read


def test_of_a_word_on_a_message_255_characters_are_kept() -> None:
    assert storable("x" * 255) == "x" * 255
    assert storable("x" * 256) == "x" * 255 + "…"


def test_numbers_are_read_as_they_are() -> None:
    assert read_json("[1, 1.5, -2e3]") == [1, 1.5, -2000.0]


@pytest.mark.parametrize("code", [0, 0xD800, 0xDBFF, 0xDFFF], ids=hex)
def test_what_no_database_stores_is_refused_at_any_depth(code: int) -> None:
    char = chr(code)
    for value in (char, [char], {char: 1}, {"a": [{"b": "x" + char}]}):
        with pytest.raises(ValueError, match="half a character"):
            read_json(json.dumps(value))


def test_what_stands_beside_them_is_read() -> None:
    assert read_json(json.dumps("\x01\ud7ff\ue000")) == "\x01\ud7ff\ue000"


def test_json_is_read_to_its_greatest_depth_and_no_deeper() -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert MAX_DEPTH == 32
    with pytest.raises(ValueError, match="at most 32 levels"):
        read_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_a_request_is_read_from_plain_json() -> None:
    assert parse_message(body(GRANT)) == AccessRequest.model_validate(GRANT)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "r1.fed"}, "id:"),
        ({"id": "r1.fed.end"}, "id:"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "starts_at:"),
        ({"subject": {"email": "é" * 130 + "@example.com"}}, "email:"),
        ({"entitlement": "jira:group:" + "é" * 500 + ":member"}, "entitlement:"),
    ],
)
def test_what_has_the_form_of_a_request_and_cannot_be_kept_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        parse_message(body(GRANT | changes))


def test_an_end_may_be_as_late_as_the_calendar_has_it() -> None:
    timed = {name: value for name, value in GRANT.items() if name != "duration"}
    parse_message(body(timed | {"ends_at": "9999-12-31T23:59:59Z"}))


def test_a_byte_order_mark_and_any_utf_8_are_read() -> None:
    request = parse_message(
        b"\xef\xbb\xbf" + json.dumps(GRANT | {"reason": "Bereitschaft für Zürich"}, ensure_ascii=False).encode()
    )
    assert request.reason == "Bereitschaft für Zürich"


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "", "application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'),
        *("text/plain", "application/octet-stream", "application/vnd.acme.request+json"),
    ],
)
def test_json_is_json_whatever_producers_call_it(content_type: str | None) -> None:
    assert parse_message(body(GRANT), content_type).id == "req-1"


def test_a_request_is_read_from_a_cloud_event() -> None:
    plain = parse_message(body(GRANT))
    extras = {
        "time": "2026-01-31T12:00:00Z",
        "subject": "ada",
        "datacontenttype": "application/json",
        "traceparent": "00-1",
    }
    encoded = base64.b64encode(body(GRANT)).decode()
    assert parse_message(body(EVENT | {"data": GRANT}), "application/cloudevents+json; charset=utf-8") == plain
    assert parse_message(body(EVENT | extras | {"data": GRANT})) == plain
    assert parse_message(body(EVENT | {"data_base64": encoded})) == plain


# What is refused, and in which words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The body is not JSON: Expecting value at line 1, column 1."),
        (b"{", "The body is not JSON: Expecting property name"),
        (b"hello", "The body is not JSON: Expecting value at line 1, column 1."),
        (b'{"id": 1} trailing', "The body is not JSON: Extra data at line 1, column 11."),
        (b"[]", "The body is not a JSON object; send one request as {...}."),
        (b"null", "The body is not a JSON object;"),
        (b'"specversion"', "The body is not a JSON object;"),
        (b"\xff\xfe{\x00}\x00", "The body is not UTF-8 (byte 1); encode it as UTF-8."),
        (b'{"id": "\xc3\x28"}', "The body is not UTF-8 (byte 9);"),
        (b'{"id": "a", "id": "b"}', "The JSON has the key 'id' twice in one object; keep one."),
        (b'{"subject": {"email": "a@b", "email": "c@d"}}', "The JSON has the key 'email' twice in one object;"),
        (b'{"duration": NaN}', "The JSON has NaN, which is not a JSON number."),
        (b'{"duration": -Infinity}', "The JSON has -Infinity, which is not a JSON number."),
        (b'{"duration": 1e999}', "The JSON has a number that is too large."),
        (b'{"duration": ' + b"9" * 10_000 + b"}", "The JSON has a number with too many digits."),
        (b'{"reason": "a\\u0000b"}', "The JSON has a text with a NUL or half a character in it,"),
        (b'{"reason": "\\ud83d"}', "The JSON has a text with a NUL or half a character in it,"),
        (b'{"\\u0000": 1}', "The JSON has a text with a NUL or half a character in it,"),
        (b'{"reason": "a\nb"}', "The body is not JSON: Invalid control character at"),
    ],
)
def test_a_body_that_two_readers_could_read_differently_is_refused(content: bytes, words: str) -> None:
    assert words in reason(content)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"fields":{"a":['])
def test_deep_nesting_is_refused_and_harms_nothing(opening: bytes) -> None:
    assert "is not JSON" in reason(opening * 40)
    assert "nested too deeply; at most 32 levels are read." in reason(opening * 15_000)
    closing = {b"[": b"]", b'{"a":': b"}"}.get(opening)
    if closing:
        assert "nested too deeply; at most 32 levels are read." in reason(opening * 100 + b"1" + closing * 100)


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    largest = body(GRANT)
    assert parse_message(largest + b" " * (MAX_BODY - len(largest))).id == "req-1"
    assert (
        reason(largest + b" " * (MAX_BODY - len(largest) + 1)) == "The body has 262145 bytes; at most 262144 are read."
    )


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("application/x-python-serialize", "The content type 'application/x-python-serialize' is not read;"),
        ("text/xml", "The content type 'text/xml' is not read; send application/json."),
        ("application/cloudevents-batch+json", "is a batch of CloudEvents; send one request a message."),
        ("application/json; charset=utf-16", "The charset 'utf-16' is not read; send UTF-8."),
    ],
)
def test_other_types_of_content_are_refused(content_type: str, words: str) -> None:
    assert words in reason(body(GRANT), content_type)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"action": "give"},
            "action: Input should be 'grant', 'extend', 'revoke', 'create_account' or 'deprovision_account'.",
        ),
        ({"subject": {"email": "ada"}}, "subject.email: String should match pattern"),
        ({"subject": {}}, "subject: name the subject by email, username or id."),
        ({"subject": {"mail": "a@b"}}, "subject.mail: there is no such field; there are email, username, id."),
        ({"ticket": 1}, "ticket: there is no such field; there are schema, id, action, "),
        ({"duration": "8h"}, "duration: write an ISO 8601 duration such as PT8H or P30D, or a number of seconds."),
        ({"fields": {"a": 1}}, "fields.a: Input should be a valid string."),
        ({"fields": {"k" * 101: "v"}}, "String should have at most 100 characters."),
        ({"products": ["jira"], "reason": 5}, "products.0: Input should be 'jira-core',"),
        ({"action": "revoke", "duration": "PT8H"}, "request: revoke takes no duration."),
        ({"entitlement": "github:team:x:member"}, "entitlement: 'github' is not a system Provisor knows. Use one of: "),
    ],
)
def test_what_is_wrong_with_a_field_is_told_with_its_path(changes: dict[str, Any], words: str) -> None:
    assert words in reason(body(GRANT | changes))


def test_a_missing_field_is_required() -> None:
    assert reason(body(without(GRANT, "id", "subject"))) == "id: it is required. subject: it is required."


def test_of_very_many_problems_the_first_ten_are_told() -> None:
    many = GRANT | {f"field{number}": 1 for number in range(500)}
    assert reason(body(many)).endswith("There are 490 more problems.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"specversion": "0.3"}, "The event's specversion is not read; send 1.0."),
        ({"specversion": 1.0}, "The event's specversion is not of the type CloudEvents requires."),
        ({"type": "com.acme.other"}, f"The event's type is 'com.acme.other'; send {EVENT_TYPE}."),
        ({"id": ""}, "The event's id is empty or not valid."),
        ({"source": 5}, "The event's source is not of the type CloudEvents requires."),
        ({"time": "yesterday"}, "The event's time is not RFC 3339, such as 2026-01-31T12:00:00Z."),
        ({"time": 5}, "The event's time is not RFC 3339,"),
        ({"time": "2026-01-31T12:00:00"}, "The event's time is empty or not valid."),
        ({"Trace-Id": "1"}, "The event has 'Trace-Id', whose name CloudEvents does not allow; use a-z and 0-9."),
        ({"datacontenttype": "application/xml"}, "The event's datacontenttype 'application/xml' is not read;"),
        ({"data_base64": "e30="}, "The event needs its request in either data or data_base64."),
        ({"data": "text"}, "The body is not a JSON object;"),
        ({"data": {}}, "id: it is required."),
    ],
)
def test_a_cloud_event_is_held_to_its_specification(changes: dict[str, Any], words: str) -> None:
    assert words in reason(body(EVENT | {"data": GRANT} | changes))


@pytest.mark.parametrize("name", ["id", "source", "type"])
def test_what_cloud_events_requires_is_never_made_up(name: str) -> None:
    assert reason(body(without(EVENT | {"data": GRANT}, name))).startswith(f"The event lacks {name}, which")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("%%", "The event's data_base64 is not base64."),
        ("é", "The event's data_base64 is not base64."),
        (5, "The event's data_base64 is not base64."),
        (base64.b64encode(b'{"id":1,"id":2}').decode(), "The JSON has the key 'id' twice"),
        (base64.b64encode(b"\xff").decode(), "The body is not UTF-8"),
    ],
)
def test_data_in_base64_is_read_as_strictly(data: Any, words: str) -> None:
    assert words in reason(body(EVENT | {"data_base64": data}))


def test_an_envelope_says_it_is_one_or_its_content_is_missed() -> None:
    assert "The event needs its request" in reason(body(EVENT))
    assert "data: there is no such field" in reason(body(without(EVENT, "specversion") | {"data": GRANT}))


# Whatever comes


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    [*AccessRequest.model_fields, "schema", "data", "specversion", "type", "data_base64", "time", "source"]
)


@given(st.dictionaries(fields, values, max_size=4), st.booleans())
@settings(deadline=None, max_examples=150)
def test_any_json_is_a_request_or_malformed_and_never_anything_else(changes: dict[str, Any], as_event: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    message = EVENT | {"data": GRANT | changes} | changes if as_event else GRANT | changes
    try:
        request = parse_message(body(message))
    except Malformed as exc:
        refused = exc
    else:
        assert AccessRequest.model_validate(json.loads(json.dumps(request.canonical()))) == request
        return
    assert refused.reason
    assert "\n" not in refused.reason


@given(st.binary(max_size=60), st.text(max_size=20) | st.none())
@settings(deadline=None, max_examples=200)
def test_any_bytes_of_any_type_are_malformed_and_never_anything_else(content: bytes, content_type: str | None) -> None:
    with pytest.raises(Malformed):
        parse_message(content, content_type)


LONG = "~".join(f"{number:04}" for number in range(1000))


def shared(reason: str, text: str) -> int:
    """The length of the longest piece of the text that the reason repeats."""
    longest = 0
    for start in range(len(reason)):
        while start + longest < len(reason) and reason[start : start + longest + 1] in text:
            longest += 1
    return longest


@pytest.mark.parametrize("name", [*AccessRequest.model_fields, LONG, "subject", "fields", "content-type", "envelope"])
def test_no_reason_repeats_more_than_a_hundred_characters_of_what_was_sent(name: str) -> None:
    messages: list[tuple[bytes, str | None]] = [
        (body(GRANT | {name: LONG}), None),
        (body(GRANT | {name: [LONG]}), None),
        (body(GRANT | {name: {LONG: LONG}}), None),
        (body(EVENT | {"data": GRANT, "type": LONG, "datacontenttype": LONG, LONG: 1}), None),
        (f'{{"{LONG}": 1, "{LONG}": 2}}'.encode(), None),
        (body(GRANT | {"entitlement": f"jira:group:{LONG}"}), None),
        (body(GRANT), LONG),
        (body(GRANT), f"application/json; charset={LONG}"),
    ]
    refused = 0
    for content, content_type in messages:
        try:
            parse_message(content, content_type)
        except Malformed as exc:
            refused += 1
            found = shared(exc.reason, LONG)
            text = exc.reason
        else:
            continue
        assert found <= 100, text
    assert refused >= 5
