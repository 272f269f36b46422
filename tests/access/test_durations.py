from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.durations import LONGEST, parse_duration, written


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("8h", timedelta(hours=8)),
        ("30m", timedelta(minutes=30)),
        ("1h30m", timedelta(minutes=90)),
        ("1d 12h", timedelta(hours=36)),
        ("2w", timedelta(days=14)),
        ("0.2s", timedelta(milliseconds=200)),
        ("1.5H", timedelta(minutes=90)),
        ("P1D", timedelta(days=1)),
        ("PT4H", timedelta(hours=4)),
        ("P1DT12H", timedelta(hours=36)),
        ("pt90m", timedelta(minutes=90)),
    ],
)
def test_a_duration_has_units(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", " ", "8", "h", "8 hours", "30m8h", "-8h", "P", "PT", "P1Y", "P1M", "1y", "8h!", "1e3s", "8:00"]
)
def test_what_has_no_clear_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write one such as 30m, 8h, 7d or PT8H"):
        parse_duration(text)


def test_nothing_lasts_longer_than_ten_years() -> None:
    assert parse_duration("3660d") == LONGEST
    with pytest.raises(ValueError, match="is longer than 3660 days"):
        parse_duration("999999999w")


@given(st.timedeltas(timedelta(0), LONGEST))
@settings(deadline=None, max_examples=100)
def test_what_is_written_reads_back(duration: timedelta) -> None:
    assert parse_duration(written(duration)) == duration
