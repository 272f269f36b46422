"""The import contracts stop what they are there to stop: each is broken here once, in a copy of the project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checks.tree import ROOT, Tree

#: A module, the line that is added to it, and the contract that must then be broken.
BAD_IMPORTS = [
    ("access/clock.py", "import tasks.services", "Arrows run one way"),
    ("access/policy.py", "import requests", "The domain has no input or output"),
    ("connectors/ports.py", "import store.unit_of_work", "Arrows run one way"),
    ("tasks/services.py", "import config.settings", "Settings are read where a process begins"),
    ("config/keys.py", "import store.unit_of_work", "Settings know the domain"),
    ("simulator/world.py", "import access.clock", "The simulator imports nothing of ours"),
    ("worker/celery_app.py", "import simulator.server", "Only the command line and the demonstration"),
    ("connectors/jira/client.py", "import requests", "requests and urllib3 are used in httpclient"),
    ("connectors/jira/client.py", "import jira", "jira is used in ticketing.jira"),
    ("tasks/publisher.py", "import celery", "celery, kombu with its drivers, and sentry_sdk are used in worker"),
    ("tasks/publisher.py", "import sqlalchemy", "sqlalchemy and alembic are used in store"),
    ("worker/celery_app.py", "import starlette", "starlette and uvicorn are used in simulator"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's packages and its contracts, somewhere else."""
    folder = tmp_path_factory.mktemp("project")
    tree = Tree.of()
    for path in ["pyproject.toml", *tree.ending(".py")]:
        if path == "pyproject.toml" or path.split("/")[0] in tree.packages:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, folder / path)
    return folder


def lint(folder: Path) -> str:
    words = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env={"COLUMNS": "300"})
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    return str(ended.stdout)


def test_the_project_keeps_its_contracts_and_a_bad_import_breaks_the_one_it_should(copy: Path) -> None:
    assert "BROKEN" not in lint(copy)
    for path, line, _ in BAD_IMPORTS:
        with (copy / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    verdicts = [line for line in lint(copy).splitlines() if " BROKEN" in line]
    for path, line, contract in BAD_IMPORTS:
        assert any(verdict.startswith(contract) for verdict in verdicts), f"{line!r} in {path}: {verdicts}"


def test_every_contract_is_tried() -> None:
    contracts = [contract["name"] for contract in Tree.of().project["tool"]["importlinter"]["contracts"]]  # type: ignore[index] # plain TOML
    untried = [name for name in contracts if not any(name.startswith(begin) for _, _, begin in BAD_IMPORTS)]
    assert not untried
