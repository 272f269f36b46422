"""From when and until when access lasts, and how long policy lets it last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.message import AccessRequest
from access.timing import against_extension, against_time_of_grant, end_of, extended_end

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def grant(**times: Any) -> AccessRequest:
    about = {"id": "r1", "action": "grant", "subject": {"id": "a1"}, "entitlement": "jira:group:Admins:member"}
    return AccessRequest.model_validate(about | times)


def test_a_fixed_end_holds_whenever_access_began() -> None:
    assert end_of(NOW, duration=None, fixed=NOW + HOUR) == NOW + HOUR
    assert end_of(NOW, duration=HOUR, fixed=None) == NOW + HOUR
    assert end_of(NOW, duration=None, fixed=None) is None


@pytest.mark.parametrize(
    ("times", "most", "outcome"),
    [
        ({}, None, "allowed"),
        ({}, HOUR, "refused"),
        ({"duration": 3600}, HOUR, "allowed"),
        ({"duration": 3601}, HOUR, "refused"),
        ({"ends_at": NOW}, None, "refused"),
        ({"ends_at": NOW + HOUR}, HOUR, "allowed"),
        ({"ends_at": NOW + 2 * HOUR}, HOUR, "refused"),
        ({"ends_at": NOW + 3 * HOUR, "starts_at": NOW + 2 * HOUR}, HOUR, "allowed"),
        ({"ends_at": NOW + 2 * HOUR, "starts_at": NOW - HOUR}, 2 * HOUR, "allowed"),
        ({"duration": 3600, "starts_at": NOW + 9 * HOUR}, HOUR, "allowed"),
    ],
)
def test_the_times_of_a_grant_are_to_come_and_within_the_maximum(
    times: dict[str, Any], most: timedelta | None, outcome: str
) -> None:
    against = against_time_of_grant(grant(**times), most=most, now=NOW, named="the group", pattern="*")
    assert ("allowed" if against is None else "refused") == outcome


@pytest.mark.parametrize(
    ("new_end", "most", "said"),
    [
        (2 * HOUR, None, None),
        (2 * HOUR, 3 * HOUR, None),
        (2 * HOUR, 2 * HOUR, "allows at most 2:00:00 from the first start"),
        (HOUR, None, "lasts until 2026-11-30 13:00:00 UTC already"),
        (HOUR / 2, None, "To end it early, revoke it."),
        (timedelta(0), None, "which is past. Ask anew"),
    ],
)
def test_an_extension_is_later_to_come_and_within_the_maximum_from_the_first_start(
    new_end: timedelta, most: timedelta | None, said: str | None
) -> None:
    against = against_extension(NOW + HOUR, NOW + new_end, first_start=NOW - HOUR, most=most, now=NOW, pattern="*")
    assert (against is None) if said is None else (against is not None and said in against)


durations = st.integers(1, 100_000)


@given(st.lists(durations, min_size=1, max_size=8))
def test_extensions_add_up_however_late_each_comes(seconds: list[int]) -> None:
    end = NOW
    for each in seconds:
        end = extended_end(grant(action="extend", duration=each), end)
    assert end == NOW + timedelta(seconds=sum(seconds))


@given(st.lists(durations, min_size=1, max_size=8), durations)
def test_no_line_of_extensions_lasts_longer_than_the_maximum(seconds: list[int], most: int) -> None:
    end = NOW
    for each in seconds:
        longer = extended_end(grant(action="extend", duration=each), end)
        allowed = against_extension(end, longer, first_start=NOW, most=timedelta(seconds=most), now=NOW, pattern="*")
        end = end if allowed is not None else longer
    assert end - NOW <= timedelta(seconds=most)
