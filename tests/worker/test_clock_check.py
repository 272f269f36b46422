"""A machine whose clock is off is said once; a jump of the database's clock is said, and so is its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from access.clock import MeasuredClock
from worker.clock_check import ClockCheck


class Database:
    """A database whose clock is ``ahead`` of this machine's."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def turn(check: ClockCheck) -> list[str]:
    """Measure now, whatever the time; the events that are logged."""
    check._next = 0.0
    with capture_logs() as logs:
        check.turn()
    return [str(line["event"]) for line in logs]


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_process_goes_by_the_databases_clock_and_says_once_that_its_own_is_off(minutes: int) -> None:
    database = Database(timedelta(minutes=minutes))
    clock = MeasuredClock(database.now)
    with capture_logs() as logs:
        check = ClockCheck(clock)
    assert [line["event"] for line in logs] == ["clock.off"]
    assert abs(logs[0]["seconds"] + 60 * minutes) < 1
    assert abs(clock.now() - database.now()) < timedelta(seconds=1)
    assert turn(check) == []


def test_a_clock_that_agrees_is_not_spoken_of() -> None:
    check = ClockCheck(MeasuredClock(Database(timedelta(0)).now))
    assert turn(check) == []


def test_a_jump_is_said_and_so_is_its_end() -> None:
    database = Database(timedelta(0))
    check = ClockCheck(MeasuredClock(database.now))
    database.ahead = timedelta(hours=1)
    assert turn(check) == ["clock.jumped"]
    assert turn(check) == ["clock.steady", "clock.off"]
