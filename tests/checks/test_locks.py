"""A lock file that no longer fits the project is found before somebody installs from it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checks.rules import locks
from checks.tree import Tree

Plant = Callable[..., Tree]

PROJECT = """
[project]
dependencies = ["jira>=3.10", "kombu[redis]>=5"]
[project.optional-dependencies]
simulator = ["starlette>=1"]
[dependency-groups]
build = ["hatchling>=1"]
dev = [{ include-group = "build" }, "pytest>=9"]
"""


def pins(**versions: str) -> str:
    return "".join(f"{name}=={version} \\\n    --hash=sha256:00\n" for name, version in versions.items())


RUNTIME = {"jira": "3.10.5", "kombu": "5.7.0", "hatchling": "1.33.0", "redis": "8.1.0"}
SIMULATOR = {"starlette": "1.10.0"}
DEV = RUNTIME | SIMULATOR | {"pytest": "9.2.0"}


def plant_locks(plant: Plant, runtime: str, dev: str) -> list[str]:
    simulator = runtime + pins(**SIMULATOR)
    files = {"requirements.lock": runtime, "requirements-simulator.lock": simulator, "requirements-dev.lock": dev}
    tree = plant({"pyproject.toml": PROJECT, **files})
    return [str(finding) for finding in locks.findings(tree)]


def test_locks_that_fit_pass(plant: Plant) -> None:
    assert not plant_locks(plant, pins(**RUNTIME), pins(**DEV))


@pytest.mark.parametrize(
    ("runtime", "dev", "words"),
    [
        (pins(**RUNTIME | {"jira": "3.9"}), pins(**DEV | {"jira": "3.9"}), "has 3.9 for 'jira>=3.10'"),
        (pins(**{k: v for k, v in RUNTIME.items() if k != "hatchling"}), pins(**DEV), "nothing for 'hatchling>=1'"),
        (pins(**RUNTIME), pins(**RUNTIME), "nothing for 'pytest>=9'"),
        (pins(**RUNTIME), pins(**DEV | {"redis": "8.0"}), "does not have redis 8.1.0"),
        (pins(**RUNTIME) + "six==1.17.0\n", pins(**DEV | {"six": "1.17.0"}), "1 lines that are no pin with a hash"),
        ("--index-url https://example.com\n" + pins(**RUNTIME), pins(**DEV), "1 lines that are no pin"),
    ],
)
def test_locks_that_do_not_fit_are_found(plant: Plant, runtime: str, dev: str, words: str) -> None:
    found = plant_locks(plant, runtime, dev)
    assert any(words in finding for finding in found), found
