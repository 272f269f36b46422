"""What ``make prove-simulation`` rests on: turns, points, a seed that decides all, and bugs that can still be planted."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest

from checks.simulation.__main__ import lived, summed, why_void
from checks.simulation.judgement import judge
from checks.simulation.life import Life
from checks.simulation.planted import PLANTED, Planted
from checks.simulation.points import Side
from checks.simulation.turns import RUNNING, Running, Turn
from tests.fakes.local_stack import START

ROOT = Path(__file__).resolve().parents[2]


def turn_saying(words: list[str], name: str, process: Running) -> Turn:
    """Work that says its name before and after it hands its turn back."""

    def work() -> None:
        words.append(f"{name} begins")
        turn = RUNNING.get()
        assert turn is not None
        turn.hand_back(START)
        words.append(f"{name} ends")

    return Turn(work, process, START)


def test_a_turn_runs_only_when_it_is_let_run() -> None:
    words: list[str] = []
    first, second = (turn_saying(words, name, Running()) for name in ("first", "second"))
    for turn in (first, second, second, first):
        turn.run()
    assert words == ["first begins", "second begins", "second ends", "first ends"]
    assert first.over
    assert second.over


def test_of_a_killed_process_nothing_goes_on() -> None:
    words: list[str] = []
    process = Running()
    turn = turn_saying(words, "it", process)
    turn.run()
    process.killed = True
    turn.run()
    assert words == ["it begins"]
    assert turn.over
    assert turn.raised is None


@pytest.fixture
def life(memory: Path, migrated_sqlite: Path) -> Iterator[Life]:
    folder = memory / "life"
    folder.mkdir()
    found = Life(5, folder, migrated_sqlite, days=1, requests=6)
    yield found
    found.close()


def test_a_life_in_hard_weather_ends_well_and_its_truth_judges(life: Life) -> None:
    life.run()
    assert judge(life).clean
    assert {side for _, side in life.points.crashed} == set(Side)
    story = next(each for each in life.stories if not each.lost_a_part)
    system = life.system_of(story)
    system.change(story.account, story.ref, present=not system.has(story.account, story.ref))
    assert not judge(life).clean


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_each_planted_bug_changes_one_place_of_the_product(bug: Planted) -> None:
    assert (ROOT / bug.path).read_text("utf-8").count(bug.old) == 1
    compile((ROOT / bug.path).read_text("utf-8").replace(bug.old, bug.new), bug.path, "exec")


def test_a_planted_bug_is_taken_out_again(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("one = 1\n", "utf-8")
    with Planted("two", "module.py", "1", "2").within(tmp_path):
        assert (tmp_path / "module.py").read_text("utf-8") == "one = 2\n"
    assert (tmp_path / "module.py").read_text("utf-8") == "one = 1\n"


LIVED: dict[str, Any] = {
    "seed": 1,
    "days": 3,
    "requests": 300,
    "reached": [["a", "before"], ["a", "after"]],
    "crashed": [["a", "before"]],
    "counts": {"kills": 1, "outages": 1, "restores": 1, "snapshots": 1, "tickets": 1},
    "sentences": {"wrongful": [], "lost": [], "doubled": [], "overdue": []},
}


def test_lives_are_summed_and_a_point_counts_once() -> None:
    other = LIVED | {"seed": 2, "crashed": [["a", "after"]], "sentences": LIVED["sentences"] | {"lost": ["it is gone"]}}
    found = summed([LIVED, other], seed=1, planted=0, found=0, seconds=3600)
    assert (found["days"], found["days_an_hour"], found["requests"]) == (6, 6, 600)
    assert (found["crash_points"], found["covered"], found["failed"], found["lost"]) == (2, 2, [2], 1)


@pytest.mark.parametrize(
    ("other", "why"),
    [({}, "1 of 2 crash points"), ({"counts": {}, "crashed": LIVED["reached"]}, "no kills"), (None, None)],
)
def test_a_run_that_met_too_little_is_void(other: dict[str, Any] | None, why: str | None) -> None:
    told = LIVED | ({"crashed": LIVED["reached"]} if other is None else other)
    reasons = list(why_void(summed([told], seed=1, planted=0, found=0, seconds=1)))
    assert (why is None) is (not reasons)
    assert why is None or why in reasons[0]


@pytest.mark.long
def test_the_seed_decides_everything() -> None:
    first, second = (lived(7, 1, 30, until=inf) for _ in range(2))
    assert first == second
    assert first["days"] == 1
