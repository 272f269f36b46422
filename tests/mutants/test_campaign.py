from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.mutants.equivalents import read_equivalents
from checks.mutants.operators import mutations
from checks.mutants.report import Report
from checks.mutants.trial import Tried, Verdict
from tests.mutants.tiny_project import PRICES, plant, tried

#: The list of equivalents of this project.
KEPT = Path(__file__).parents[2] / "checks" / "mutants" / "equivalents.toml"

EQUIVALENTS = """
[[equivalent]]
file = "shop/prices.py"
function = "is_free"
before = "return not price"
after = "return  price"
reason = "Nobody looks at it."

[[equivalent]]
file = "shop/prices.py"
function = "is_free"
before = "return price == 0"
after = "return price != 0"
reason = "Written before the function was."

[[tuning]]
file = "shop/prices.py"
name = "_SHELVES"
reason = "Shelves may be short or long."

[[tuning]]
file = "shop/prices.py"
name = "_GONE"
reason = "There were such once."
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("tiny") / "project")


@pytest.fixture(scope="module")
def campaign(root: Path) -> tuple[dict[str, str], dict[str, Any], str]:
    (root / "equivalents.toml").write_text(EQUIVALENTS, encoding="utf-8")
    before = {path: path.read_bytes() for path in root.rglob("*.py")}
    result = tried(root)
    assert {path: path.read_bytes() for path in root.rglob("*.py")} == before, "the working tree was mutated"
    return result


Verdicts = tuple[dict[str, str], dict[str, Any], str]


@pytest.mark.parametrize(
    ("mutant", "verdict"),
    [
        ("is_cheap: return price <= 10", "killed"),
        ("is_cheap: return price >= 10", "killed"),
        ("is_free: return None", "survived"),
        ("has_no_test: return None", "not covered"),
        ("is_dear: return None", "not covered"),  # its test fails without any mutation
        ("left: while False:", "killed"),
        ("<module>: _STARS = 6", "killed"),
        ("left: stock += 1", "timed out"),
    ],
)
def test_a_mutant_is_judged_by_the_tests_that_run_it(campaign: Verdicts, mutant: str, verdict: str) -> None:
    verdicts, _, _ = campaign
    assert verdicts[mutant] == verdict


def test_equivalents_are_passed_over_and_stale_ones_counted(campaign: Verdicts) -> None:
    verdicts, report, _ = campaign
    assert "is_free: return  price" not in verdicts
    assert {name for name in verdicts if "_SHELVES" in name} == {"<module>: _SHELVES = 3 // 4"}
    assert report["equivalent"] == 1 + 4
    assert report["stale_equivalents"] == 2


def test_uncovered_mutants_count_as_survivors_and_timeouts_as_killed(campaign: Verdicts) -> None:
    _, report, _ = campaign
    assert report["mutants"] == report["killed"] + report["survived"]
    assert report["share"] == round(report["killed"] / report["mutants"], 4)
    assert 0 < report["not_covered"] < report["survived"]
    assert 0 < report["timeouts"] < report["killed"]
    assert report["ok"] is False


@pytest.mark.long
def test_a_mutant_that_only_some_of_its_tests_have_tried_is_undecided(campaign: Verdicts, root: Path) -> None:
    verdicts, report, _ = tried(root, seconds=0, count=5)
    expected = {mutant: campaign[0][mutant] for mutant in verdicts}
    alone = "left: stock -= 2"  # one test runs it, and that was tried
    undecided = {mutant for mutant, verdict in expected.items() if verdict == "survived" and mutant != alone}
    assert verdicts == expected | dict.fromkeys(undecided, "undecided")
    assert report["mutants"] == report["killed"] + report["survived"] == 5 - len(undecided) < 5


def test_undecided_mutants_count_neither_way() -> None:
    mutation = mutations("shop/prices.py", PRICES.encode())[0]
    verdicts = [Verdict.KILLED] * 59 + [Verdict.SURVIVED] + [Verdict.UNDECIDED] * 40
    report = Report(1, 60, 100, tuple(Tried(mutation, each) for each in verdicts), 0, ())
    assert report.share == 59 / 60
    assert report.ok
    assert not Report(1, 61, 100, report.tried, 0, ()).ok


def test_too_few_mutants_are_never_ok() -> None:
    mutation = mutations("shop/prices.py", PRICES.encode())[0]
    tried_ones = tuple(Tried(mutation, Verdict.KILLED) for _ in range(59))
    assert Report(1, 59, 100, tried_ones, 0, ()).ok
    assert not Report(1, 60, 100, tried_ones, 0, ()).ok
    assert not Report(1, 0, 0, (), 0, ()).ok


@pytest.mark.parametrize(("survivors", "ok"), [(15, True), (16, False)])
def test_enough_is_killed_from_a_share_of_85_percent(survivors: int, *, ok: bool) -> None:
    mutation = mutations("shop/prices.py", PRICES.encode())[0]
    verdicts = [Verdict.KILLED] * (100 - survivors) + [Verdict.SURVIVED] * survivors
    assert Report(1, 60, 100, tuple(Tried(mutation, each) for each in verdicts), 0, ()).ok is ok


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "equivalents.toml"
    kept.write_text(EQUIVALENTS.replace("Nobody looks at it.", ""), encoding="utf-8")
    with pytest.raises(ValueError, match="Entry 1 of equivalent"):
        read_equivalents(kept)


def test_an_entry_of_another_kind_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "equivalents.toml"
    kept.write_text("[[excuse]]\nreason = 'none'\n", encoding="utf-8")
    with pytest.raises(ValueError, match="excuse"):
        read_equivalents(kept)


def test_the_list_of_this_project_can_be_read_and_each_entry_names_a_file() -> None:
    entries = read_equivalents(KEPT)
    assert entries
    assert all((KEPT.parents[2] / entry.file).is_file() for entry in entries)
