"""What ``make prove-removals`` makes false, counts, and calls void; and one run of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from checks.removals.false_lists import Corruption, FalseLists
from checks.removals.trial import Outcome, trial
from checks.removals.verdict import at_most, counted, why_void, wilson
from simulator.faults import Asked

ROUTE = "/api/v2/usergroups/{group_id}/members"
TELLS = {"content-type": "application/json", "x-total-count": "4"}


def asked(group: str = "a", query: str = "limit=100&skip=0") -> Asked:
    return Asked("jumpcloud", "GET", f"/api/v2/usergroups/{group}/members", query, b"")


def made(*, page: int = 100) -> FalseLists:
    return FalseLists(Random(1), page=page)  # noqa: S311 - the same chance in every run is wanted


def members(*names: str) -> bytes:
    return json.dumps([{"to": {"id": name * 24, "type": "user"}} for name in names]).encode()


def answered(lists: FalseLists, body: bytes, group: str = "a") -> tuple[Mapping[str, str], list[Any]]:
    headers, false = lists.answer(asked(group), ROUTE, 200, TELLS, body)
    return headers, json.loads(false)


@pytest.mark.parametrize("corruption", [each for each in Corruption if each is not Corruption.SHIFTED])
def test_a_false_list_is_another_one_and_is_counted(corruption: Corruption) -> None:
    lists = made()
    answered(lists, members("1", "2"))
    answered(lists, members("7", "8", "9"), "b")
    lists.begin(corruption, share=1.0)
    true = members("1", "2", "3", "4")
    second = asked(query="limit=2&skip=2") if corruption is Corruption.REPEATED else asked()
    query = lists.query(second)
    headers, body = lists.answer(second, ROUTE, 200, TELLS, true)
    moved = query != second.query
    assert moved or json.loads(body) != json.loads(true)
    assert int(headers["x-total-count"]) in (4, len(json.loads(body)))
    assert lists.fired == {(f"jumpcloud GET {ROUTE}", corruption): 1}
    lists.end()
    assert answered(lists, true)[1] == json.loads(true)


def test_a_shifted_list_is_asked_for_from_a_later_row_on() -> None:
    lists = made(page=3)
    assert lists.query(asked()) == "limit=3&skip=0"
    lists.begin(Corruption.SHIFTED, share=1.0)
    assert lists.query(asked()) == "limit=3&skip=1"


def test_a_stale_list_is_as_it_was_when_all_was_true() -> None:
    lists = made()
    answered(lists, members("1", "2"))
    lists.begin(Corruption.STALE, share=1.0)
    assert answered(lists, members("1"))[1] == json.loads(members("1", "2"))
    lists.fired.clear()
    assert answered(lists, members("1", "2"))[1] == json.loads(members("1", "2"))
    assert not lists.fired, "a list that nobody changed is not false"


def test_what_is_read_a_second_time_is_false_in_the_same_way() -> None:
    lists = made()
    lists.begin(Corruption.TRUNCATED, share=1.0)
    assert answered(lists, members(*"123456789")) == answered(lists, members(*"123456789"))


def test_what_is_no_list_is_left_alone() -> None:
    lists = made()
    lists.begin(Corruption.EMPTY, share=1.0)
    for body in (b'{"id": 1}', b"<html>", b"{}"):
        assert lists.answer(asked(), ROUTE, 200, {}, body) == ({}, body)
    assert lists.answer(asked(), ROUTE, 404, TELLS, b"[1]") == (TELLS, b"[1]")


def test_bounds_are_those_of_wilson_and_of_three() -> None:
    assert wilson(0, 0) is None
    assert wilson(99, 100) == pytest.approx((0.9455, 0.9982), abs=1e-4)
    assert at_most(0, 500) == 0.006
    assert at_most(1, 500) == pytest.approx(0.0112, abs=1e-4)


OUTCOME = Outcome(
    1,
    fired=Counter({("list", str(each)): 40 for each in Corruption}),
    syncs=Counter({"complete": 2}),
    kept=50,
    rightful=4,
)


def test_runs_are_counted_together() -> None:
    worse = Outcome(2, wrongful=["x is gone"], left=["y"], kept=50, rightful=4)
    found = counted([OUTCOME, worse])
    assert (found["runs"], found["corrupted"], found["on_each"]) == (2, 240, {"list": 240})
    assert (found["wrongful_removals"], found["rightful_holdings"]) == (1, 100)
    assert (found["rightful_removals"], found["rightful_removals_done"]) == (8, 0.875)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, None),
        ({"runs": 499}, "499 runs"),
        ({"corrupted": 9999}, "9999 answers"),
        ({"of_each": {"stale": 299}}, "'stale' fired 299 times"),
        ({"on_each": {"jira GET /role": 19}}, "'jira GET /role' was false 19 times"),
        ({"rightful_removals": 0}, "nothing was to be taken away"),
    ],
)
def test_what_tried_too_little_proves_nothing(change: dict[str, Any], why: str | None) -> None:
    reasons = list(why_void(counted([OUTCOME] * 500) | change))
    assert len(reasons) == (why is not None)
    assert why is None or why in reasons[0]


@pytest.mark.long
def test_false_lists_cost_nobody_anything_and_the_seed_decides_them(migrated_sqlite: Path, memory: Path) -> None:
    first, again, other = (trial(seed, 4, migrated_sqlite, memory) for seed in (1, 1, 2))
    assert first == again != other
    for each in (first, other):
        assert (each.wrongful, each.left) == ([], [])
        assert each.fired
