"""One clock for all processes: what a source shows, and the monotonic time since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.clock import MeasuredClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Source:
    """A source of time, and ticks that run beside; each question takes ``takes`` ticks."""

    def __init__(self) -> None:
        self.offset = timedelta(0)
        self.takes = 0.0
        self.tick = 1_000.0
        self.clock = MeasuredClock(self.ask, ticks=lambda: self.tick)

    def ask(self) -> datetime:
        self.tick += self.takes / 2
        shown = self.truth
        self.tick += self.takes / 2
        return shown

    @property
    def truth(self) -> datetime:
        return START + self.offset + timedelta(seconds=self.tick - 1_000)


@pytest.fixture
def source() -> Source:
    return Source()


def test_time_goes_on_between_two_measures(source: Source) -> None:
    source.tick += 7.5
    assert source.clock.now() == source.truth == START + 7.5 * SECOND


def test_the_way_of_the_question_does_not_count(source: Source) -> None:
    source.takes = 0.8
    source.clock.measure()
    assert abs(source.clock.now() - source.truth) < timedelta(milliseconds=1)


def test_a_small_difference_counts_at_once(source: Source) -> None:
    source.offset = 5 * SECOND
    assert source.clock.measure() == 5 * SECOND
    assert source.clock.now() == source.truth
    assert source.clock.steady


@pytest.mark.parametrize("jump", [600 * SECOND, -600 * SECOND])
def test_a_jump_counts_when_a_second_measure_agrees(source: Source, jump: timedelta) -> None:
    source.offset = jump
    source.clock.measure()
    assert not source.clock.steady
    assert source.clock.now() == source.truth - jump
    source.tick += 1
    source.clock.measure()
    assert source.clock.steady
    assert source.clock.now() == source.truth


@pytest.mark.parametrize(("apart", "agrees"), [(1.0, True), (-1.0, True), (1.001, False), (-1.001, False)])
def test_two_measures_of_a_jump_agree_within_a_second(source: Source, apart: float, *, agrees: bool) -> None:
    source.offset = 600 * SECOND
    source.clock.measure()
    source.offset += apart * SECOND
    source.clock.measure()
    assert source.clock.steady is agrees


def test_more_than_five_seconds_are_a_jump(source: Source) -> None:
    source.offset = 5.001 * SECOND
    source.clock.measure()
    assert not source.clock.steady


def test_a_jump_that_is_over_at_the_second_measure_never_counts(source: Source) -> None:
    source.offset = 600 * SECOND
    source.clock.measure()
    source.offset = timedelta(0)
    source.clock.measure()
    assert source.clock.steady
    assert source.clock.now() == source.truth


@given(offsets=st.lists(st.integers(-100_000, 100_000), max_size=20))
def test_a_steady_clock_shows_what_it_was_last_told(offsets: list[int]) -> None:
    source = Source()
    for offset in offsets:
        source.offset = offset * SECOND
        source.tick += 1
        source.clock.measure()
        if source.clock.steady:
            assert source.clock.now() == source.truth


def test_a_source_that_cannot_be_asked_leaves_the_clock_as_it_was(source: Source) -> None:
    def away() -> datetime:
        raise ConnectionError

    source.clock._ask = away
    with pytest.raises(ConnectionError):
        source.clock.measure()
    assert source.clock.now() == source.truth
