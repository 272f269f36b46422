"""The commands that people and CI type: they exist, they explain themselves, and CI lets nothing be skipped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from checks.tree import ROOT, Tree

TARGET = re.compile(r"^([a-z-]+):(?: .*)?$", re.MULTILINE)


def pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(folder),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [*command, *words, str(folder)], capture_output=True, text=True, check=False, env=environment, cwd=folder
    )


def test_every_target_explains_itself() -> None:
    makefile = Tree.of().read("Makefile")
    explained = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert explained == set(TARGET.findall(makefile))
    assert {"setup", "demo", "test", "test-long", "bench", "check", "fix", "lock"} <= explained


def test_hooks_and_ci_call_targets_that_exist() -> None:
    tree = Tree.of()
    targets = set(TARGET.findall(tree.read("Makefile")))
    for path in (".pre-commit-config.yaml", ".ci/run"):
        called = set(re.findall(r"^\s*(?:entry: )?make ([a-z-]+)$", tree.read(path), re.MULTILINE))
        assert called, path
        assert called <= targets, path


def test_ci_requires_services_and_contracts_and_can_be_run() -> None:
    text = Tree.of().read(".ci/run")
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert "PROVISOR_REQUIRE_SHARED=1" in text
    assert "PROVISOR_REQUIRE_SERVICES=1" in text
    assert "-p checks.no_skips" in text


def test_where_nothing_may_be_skipped_a_skip_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_marked.py").write_text(
        "import pytest\n@pytest.mark.skip(reason='no engine')\ndef test_it(): pass\ndef test_inside(): pytest.skip('gone')\n"
    )
    (tmp_path / "test_expected.py").write_text(
        "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False\ndef test_good(): pass\n"
    )
    assert pytest_in(tmp_path).returncode == 0
    refused = pytest_in(tmp_path, "-p", "checks.no_skips")
    assert refused.returncode == 1
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in refused.stdout
    assert "no engine" in refused.stdout


def test_where_nothing_may_be_skipped_a_module_that_skips_itself_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_module.py").write_text("import pytest\npytest.skip('no module', allow_module_level=True)\n")
    refused = pytest_in(tmp_path, "-p", "checks.no_skips")
    assert refused.returncode != 0
    assert "no module" in refused.stdout
