"""Faults that are nobody's work's: when they hold others, when a person has to know, and how often they are tested."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from access.faults import Fault, Pauses, Phase, Scope, is_alarming, is_shared, turn_pause

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: To plan a request and carry it out.
CALLS_OF_A_TEST = 5
FAULT = Fault(1, "jira", Scope.SYSTEM, "read", "It is away.", "Wait.", since=NOW, met_at=NOW)


@pytest.mark.parametrize("scope", list(Scope))
def test_three_subjects_make_a_fault_everybodys_but_never_one_of_our_own(scope: Scope) -> None:
    assert is_shared(scope, Phase.WRITE, subjects=3, answered=False) is (scope is not Scope.OWN)
    assert is_shared(scope, Phase.READ, subjects=2, answered=False) is (scope is Scope.CREDENTIAL)


@pytest.mark.parametrize("scope", list(Scope))
def test_what_is_answered_to_others_is_not_everybodys_fault(scope: Scope) -> None:
    assert not is_shared(scope, Phase.READ, subjects=2, answered=True)
    assert is_shared(scope, Phase.READ, subjects=3, answered=True) is (scope is Scope.CREDENTIAL)


def test_a_credential_that_is_refused_for_a_change_only_may_lack_a_scope() -> None:
    assert not is_shared(Scope.CREDENTIAL, Phase.WRITE, subjects=2, answered=False)


def test_a_person_knows_at_once_what_a_person_has_to_mend_and_after_a_minute_what_may_pass() -> None:
    assert not is_alarming(FAULT, now=NOW)
    assert is_alarming(FAULT, now=NOW + MINUTE)
    assert is_alarming(replace(FAULT, shared_at=NOW), now=NOW)
    for scope in (Scope.CREDENTIAL, Scope.PERMISSION, Scope.PROJECT, Scope.OWN):
        assert is_alarming(replace(FAULT, scope=scope), now=NOW)


@pytest.mark.parametrize(("tests", "seconds"), [(0, 2), (1, 4), (4, 32), (5, 60), (1000, 60)])
def test_a_fault_is_tested_soon_and_then_each_minute(tests: int, seconds: int) -> None:
    pause = Pauses().before_next(replace(FAULT, tests=tests), shared=1, rate=None)
    assert pause == timedelta(seconds=seconds)


def test_a_refused_credential_is_tested_no_more_often_than_it_may_be() -> None:
    fault = replace(FAULT, scope=Scope.CREDENTIAL)
    assert Pauses(credential=2 * MINUTE).before_next(fault, shared=1, rate=None) == 2 * MINUTE


@pytest.mark.parametrize("shared", [1, 7, 200])
@pytest.mark.parametrize("rate", [0.2, 1.0, 10.0])
def test_all_tests_of_a_system_take_a_tenth_of_its_rate_at_most(shared: int, rate: float) -> None:
    pause = Pauses().before_next(replace(FAULT, tests=9), shared=shared, rate=rate)
    assert shared * CALLS_OF_A_TEST / pause.total_seconds() <= rate / 10 + 1e-9


def test_after_a_fault_work_goes_on_at_the_pace_of_the_budget() -> None:
    assert turn_pause(10.0) == timedelta(seconds=CALLS_OF_A_TEST / 10)
    assert turn_pause(None) == timedelta(0)
