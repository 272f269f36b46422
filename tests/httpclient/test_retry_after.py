from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httpclient.retry_after import retry_after

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "Sun, 22 Nov 2026 12:01:00 GMT"}, 60),
        ({"Retry-After": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        ({"X-RateLimit-Reset": "2026-11-22T12:00:30Z"}, 30),
        ({"X-RateLimit-Reset": "2026-11-22T12:01Z"}, 60),
        ({"X-RateLimit-Reset": "2026-11-22T12:00:30"}, 30),
        ({"Retry-After": "604799"}, 604_799),
        ({"X-RateLimit-Reset": "2026-11-29T12:00:00Z"}, 604_800),
        ({"Retry-After": "5", "X-RateLimit-Reset": "2026-11-22T13:00Z"}, 5),
    ],
)
def test_the_wait_asked_for_is_understood(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Retry-After": ""},
        {"Retry-After": "soon"},
        {"Retry-After": "1763812800"},
        {"Retry-After": "604800"},
        {"X-RateLimit-Reset": "2026-11-29T12:00:01Z"},
        {"X-RateLimit-Reset": "later"},
        {"X-RateLimit-Reset": "2099-01-01T00:00Z"},
        {"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"},
    ],
)
def test_what_cannot_be_read_counts_as_absent(headers: dict[str, str]) -> None:
    assert retry_after(headers, now=NOW) is None


@given(st.sampled_from(["Retry-After", "X-RateLimit-Reset"]), st.text(max_size=40) | st.floats().map(str))
@settings(deadline=None, max_examples=200)
def test_no_header_makes_it_fail_or_wait_a_negative_time(name: str, value: str) -> None:
    wait = retry_after({name: value}, now=NOW)
    assert wait is None or wait >= timedelta(0)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e308", "0001-01-01T00:00:00+23:59"])
@pytest.mark.parametrize("name", ["Retry-After", "X-RateLimit-Reset"])
def test_numbers_that_are_no_waits_count_as_none_or_nothing(name: str, value: str) -> None:
    assert retry_after({name: value}, now=NOW) in (None, timedelta(0))
