"""A credential that ends is foreseen two weeks before at least, by whoever tells its end, and forgotten when it is renewed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.clock import ManualClock
from access.credential_ends import CredentialEnd, Teller, beginning_of
from access.failures import Transient
from store.alarms import AlarmKind
from store.queries.figures import figures
from store.unit_of_work import Store
from tasks.credential_ends import CredentialEnds
from tests.fakes.local_stack import START

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Watched:
    """Ends of credentials that a test sets, looked at in an hour that a test lets pass."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = ManualClock(START)
        self.days: dict[str, date | None] = {"jumpcloud": None, "jira": None}
        self.told: datetime | None = None
        self.failing = False
        self.asked = 0
        self.looks = self.another_process()

    def another_process(self) -> CredentialEnds:
        return CredentialEnds(self.store, self.clock, lambda: self.days, {"jumpcloud": self.ask})

    def ask(self) -> datetime | None:
        self.asked += 1
        if self.failing:
            raise Transient("JumpCloud is away.")
        return self.told

    def alarms(self) -> list[str]:
        with self.store.write() as work:
            work.alarms.close_ended(now=self.clock.now())
            return [alarm.what for alarm in work.alarms.lasting() if alarm.kind is AlarmKind.CREDENTIAL]

    def seconds_left(self) -> dict[tuple[str, ...], float]:
        with self.store.database.read() as connection:
            found = figures(connection, now=self.clock.now())
            return {each.labels: each.value for each in found if each.name == "credential_ends_seconds"}

    def an_hour_later(self) -> None:
        self.clock.advance(HOUR)
        self.looks.turn()


@pytest.fixture
def watched(store: Store) -> Watched:
    return Watched(store)


@given(left=st.timedeltas(min_value=-30 * DAY, max_value=400 * DAY))
def test_an_end_is_near_two_weeks_before_at_least_and_not_months_before(left: timedelta) -> None:
    near = CredentialEnd("jira", START + left, Teller.SETTINGS).is_near(START)
    assert near or left > 14 * DAY
    assert not near or left < 31 * DAY


def test_an_end_in_the_settings_is_an_alarm_and_a_figure_until_the_credential_is_renewed(watched: Watched) -> None:
    watched.days["jira"] = (START + 10 * DAY).date()
    watched.looks.turn()
    assert watched.alarms() == ["The credential for jira ends on 2026-12-02, in 9 days, as the settings say."]
    assert watched.seconds_left() == {("jira", "settings"): (beginning_of(date(2026, 12, 2)) - START).total_seconds()}
    watched.days["jira"] = (START + 300 * DAY).date()
    watched.an_hour_later()
    assert watched.alarms() == []


def test_what_the_service_tells_counts_before_the_settings(watched: Watched) -> None:
    watched.days["jumpcloud"] = (START + 300 * DAY).date()
    watched.told = START + 5 * DAY
    watched.looks.turn()
    assert watched.seconds_left() == {("jumpcloud", "service"): 5 * 86400}
    assert watched.alarms() == ["The credential for jumpcloud ends on 2026-11-27, in 5 days, as the service says."]


def test_a_service_that_is_away_leaves_what_was_known_as_it_was(watched: Watched) -> None:
    watched.told = START + 5 * DAY
    watched.looks.turn()
    watched.failing = True
    watched.an_hour_later()
    assert watched.alarms() != []
    assert watched.asked == 2


def test_an_ended_credential_is_said_to_have_ended(watched: Watched) -> None:
    watched.days["jira"] = (START - DAY).date()
    watched.looks.turn()
    assert watched.alarms() == ["The credential for jira ended on 2026-11-21, as the settings say."]


def test_any_number_of_processes_look_once_an_hour_together(watched: Watched) -> None:
    others = [watched.another_process() for _ in range(3)]
    for each in (watched.looks, *others):
        each.turn()
    assert watched.asked == 1
    watched.clock.advance(HOUR)
    for each in (watched.looks, *others):
        each.turn()
    assert watched.asked == 2


def test_a_place_without_a_credential_any_more_has_no_end(watched: Watched) -> None:
    watched.days["jira"] = (START + DAY).date()
    watched.looks.turn()
    del watched.days["jira"]
    watched.an_hour_later()
    assert watched.alarms() == []
    assert watched.seconds_left() == {}


def test_settings_that_cannot_be_read_leave_everything_as_it_was(store: Store) -> None:
    CredentialEnds(store, ManualClock(START), lambda: {"jira": (START + DAY).date()}, {}).turn()
    CredentialEnds(store, ManualClock(START + HOUR), lambda: None, {}).turn()
    with store.read() as work:
        assert [end.place for end in work.credential_ends.all()] == ["jira"]
