"""Runs of pytest in a copy of the project: the unmutated run that measures, and the run that tries one mutant."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

#: Exit statuses of a child that tries a mutant.
SURVIVED, KILLED, TIMED_OUT = 0, 1, 2
#: A test may take this many times its unmutated time, and never less than the floor, in seconds.
TIMES_SLOWER = 5
FLOOR = 10.0

_OPTIONS = ("-q", "--no-header", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")


class Durations:
    """Notes how long each test takes, with its fixtures, and which pass."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._not_passed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Each of the three phases of a test reports."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if not report.passed:
            self._not_passed.add(report.nodeid)

    def passed(self) -> dict[str, float]:
        """Seconds of each test that passed."""
        return {test: spent for test, spent in self.seconds.items() if test not in self._not_passed}


class Selection:
    """Keeps the chosen tests in their order, and gives each a limit that follows from its unmutated time."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.timed_out = False
        self._seconds = seconds
        files = list(dict.fromkeys(_file(test) for test in seconds))
        self._places = {test: (files.index(_file(test)), place) for place, test in enumerate(seconds)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """A file comes with its first test, and stays together, since its tests may share fixtures."""
        items[:] = [item for item in items if item.nodeid in self._seconds]
        items.sort(key=lambda item: self._places[item.nodeid])
        for item in items:
            limit = max(FLOOR, TIMES_SLOWER * self._seconds[item.nodeid])
            item.add_marker(pytest.mark.timeout(limit), append=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that takes too long fails in the words of pytest-timeout."""
        self.timed_out |= report.failed and "from pytest-timeout" in report.longreprtext


def measure(folders: Sequence[str], packages: Sequence[str], *, jobs: int, data: Path, results: Path) -> int:
    """Run all tests with coverage, ``jobs`` at once, and note the tests of each line and the seconds of each test."""
    durations = Durations()
    settings = data.with_name("settings.ini")  # coverage erases what is named as the data is, with a suffix
    settings.write_text(f"[run]\nrelative_files = true\ndata_file = {data}\n", encoding="utf-8")
    at_once = ("-n", str(jobs), "--dist", "loadfile", "--no-loadscope-reorder") if jobs > 1 else ()
    coverage = (
        "--cov-context=test",
        f"--cov-config={settings}",
        "--cov-report=",
        *(f"--cov={each}" for each in packages),
    )
    status = pytest.main([*_OPTIONS, *at_once, *coverage, "-m", "not long", *folders], plugins=[durations])
    results.write_text(json.dumps(durations.passed()), encoding="utf-8")
    return int(status)


def collect(folders: Sequence[str], results: Path) -> int:
    """Collect all tests, so that everything is compiled, and note the modules that this imported."""
    status = pytest.main([*_OPTIONS, "--collect-only", "-p", "no:terminal", *folders])
    results.write_text(json.dumps(sorted(sys.modules)), encoding="utf-8")
    return int(status)


def attempt(seconds: dict[str, float]) -> int:
    """Run these tests in this order until one fails: ``SURVIVED``, ``KILLED`` or ``TIMED_OUT``."""
    sys.dont_write_bytecode = True
    selection = Selection(seconds)
    files = sorted({_file(test) for test in seconds})
    status = pytest.main(
        [*_OPTIONS, "-x", "--tb=short", "-p", "no:xdist", "-p", "no:cov", "--hypothesis-seed=0", *files],
        plugins=[selection],
    )
    if selection.timed_out:
        return TIMED_OUT
    return SURVIVED if status in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED} else KILLED


def _file(test: str) -> str:
    return test.partition("::")[0]
