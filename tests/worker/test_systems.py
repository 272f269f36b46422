"""A system is its word, its section of the settings and its row in the table of systems; no other code knows its name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from access.entitlements import System
from config.settings import Settings
from worker.systems.table import SYSTEMS

ROOT = Path(__file__).parents[2]
BEFORE = '    JIRA = "jira", "Jira", '
WORD = '    WIKI = "wiki", "Wiki", (ResourceKind.GROUP,)\n'


def test_every_system_has_a_section_and_a_row() -> None:
    assert set(SYSTEMS) == set(Settings().systems) == set(System)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Provisor does with a third system, where ``access`` is ours with one word more."""
    folder = tmp_path_factory.mktemp("third-system")
    shutil.copytree(ROOT / "access", folder / "access", ignore=shutil.ignore_patterns("__pycache__"))
    entitlements = folder / "access" / "entitlements.py"
    source = entitlements.read_text(encoding="utf-8")
    assert source.count(BEFORE) == 1
    entitlements.write_text(source.replace(BEFORE, WORD + BEFORE), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONSAFEPATH": "1"}
    script = ROOT / "tests" / "worker" / "third_system.py"
    ran = subprocess.run(
        [sys.executable, script, folder], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    result: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return result


def test_a_third_system_is_granted_in(found: dict[str, Any]) -> None:
    assert found["grant"] == {"via": "connector", "state": "done", "held": True}


def test_a_snapshot_of_a_third_system_is_taken(found: dict[str, Any]) -> None:
    assert found["missing"] == ["wiki"]
    assert found["snapshot"] == {"state": "complete", "error": None, "is_of_the_run": True}


def test_a_third_system_has_its_own_budget(found: dict[str, Any]) -> None:
    assert found["calls_at_once"] == 3


def test_the_listing_of_connectors_shows_a_third_system_by_its_own_facts(found: dict[str, Any]) -> None:
    assert list(found["connectors"]) == ["jumpcloud", "jira", "wiki"]
    wiki = found["connectors"]["wiki"]
    assert (wiki["state"], wiki["url"], wiki["credential"]) == ("connected", "https://wiki.example", "wiki token")
    assert wiki["provisions"] == {"give": ["group"], "take": ["group"]}
    assert wiki["reads"] == ["group", "user"]
    assert wiki["organization_key"] is None


def test_the_doctor_examines_a_third_system(found: dict[str, Any]) -> None:
    assert found["findings"] == ["The wiki at https://wiki.example answers."]
    assert found["unconnected"] == []
