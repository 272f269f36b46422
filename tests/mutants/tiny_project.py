"""A tiny shop with tests that notice some of its mutants. Run as a program: a campaign against it, in a process of its own,
since a campaign forks and this process has threads.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from checks.mutants.campaign import Campaign
from checks.mutants.mutation import Mutation
from checks.mutants.trial import Tried

ROOT = Path(__file__).parents[2]

PRICES = '''"""Prices."""

import structlog

_log = structlog.get_logger()

_SHELVES = 3 * 4
_STARS = 5
_MOST_STARS = _STARS


def is_cheap(price: int) -> bool:
    """Whether anybody can pay."""
    return price < 10


def is_free(price: int) -> bool:
    return not price


def has_no_test(price: int) -> int:
    return -price


def is_dear(price: int) -> bool:
    return bool(price)


def stars() -> int:
    return _MOST_STARS


def left(stock: int) -> int:
    while stock > 1:
        stock -= 1
    return stock
'''

TESTS = """
from shop.prices import is_cheap, is_dear, is_free, left, stars


def test_cheap_ends_at_ten():
    assert is_cheap(9) is True
    assert is_cheap(10) is False


def test_free_is_called_and_looked_at_by_nobody():
    is_free(0)


def test_free_is_called_once_more():
    is_free(1)


def test_that_is_wrong_itself():
    assert is_dear(0)


def test_stars_are_five():
    assert stars() == 5


def test_one_is_left():
    assert left(3) == 1
"""

PROJECT = """
[tool.pytest.ini_options]
addopts = "--import-mode=importlib"
pythonpath = ["."]
timeout = 60
"""


def plant(root: Path) -> Path:
    files = {"shop/__init__.py": "", "shop/prices.py": PRICES, "tests/test_prices.py": TESTS, "pyproject.toml": PROJECT}
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    return root


def tried(root: Path, **campaign: Any) -> tuple[dict[str, str], dict[str, Any], str]:
    """The verdict of each mutant by function and line, the report, and everything that was printed."""
    command = [sys.executable, "-m", "tests.mutants.tiny_project", str(root), json.dumps(campaign)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(line) for line in lines[:-1]), json.loads(lines[-1]), ended.stderr


def _show(each: Tried, _source: bytes) -> None:
    mutation: Mutation = each.mutation
    print(json.dumps((f"{mutation.function}: {mutation.after}", each.verdict)))  # noqa: T201 - read by ``tried``


def _main(root: Path, chosen: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"seed": 1, "count": 100, "least": 1, "minutes": 9, "seconds": 20, "jobs": 1}
    packages = ("shop",)
    report = Campaign(
        root=root,
        packages=packages,
        sampled=packages,
        tests=("tests",),
        kept=root / "equivalents.toml",
        cache=root.with_name("cache"),
        **(usual | chosen),
    ).run(_show)
    print(report.as_json())  # noqa: T201 - read by ``tried``


if __name__ == "__main__":
    _main(Path(sys.argv[1]), json.loads(sys.argv[2]))
