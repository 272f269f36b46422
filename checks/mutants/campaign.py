"""One run of mutation testing: find the mutations, draw some by a seed, try them, and say what came out."""

from __future__ import annotations

import gc
import importlib
import json
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pytest

from checks.mutants import test_runs
from checks.mutants.covering import Covering
from checks.mutants.equivalents import read_equivalents, stale
from checks.mutants.forks import OUT_OF_TIME, complete, fork
from checks.mutants.operators import mutations
from checks.mutants.report import Report
from checks.mutants.sampling import draw
from checks.mutants.trees import code_hash, copy_project, project_files
from checks.mutants.trial import Trial, Tried


class UnusableTestsError(Exception):
    """The tests do not run, or do not pass, without any mutation."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What to mutate and how much of it.

    ``sampled`` are the packages that mutants are drawn from, ``tests`` the folders and files of tests, ``kept`` the list of
    equivalents, ``cache`` the folder where the measurement stays. ``minutes`` bounds the whole run, ``seconds`` the tests of
    one mutant by their unmutated time.
    """

    root: Path
    packages: Sequence[str]
    sampled: Sequence[str]
    tests: Sequence[str]
    kept: Path
    cache: Path
    seed: int
    count: int
    least: int
    minutes: float
    seconds: float
    jobs: int
    left_alone: Sequence[str] = ()
    say: Callable[[str], None] = field(default=lambda _: None)

    def run(self, show: Callable[[Tried, bytes], None]) -> Report:
        """Try the mutants and count; ``show`` gets each one tried, and the source of its file without it."""
        until = monotonic() + 60 * self.minutes
        with TemporaryDirectory(prefix="mutants-") as folder:
            place = Path(folder).resolve()
            paths = project_files(self.root)
            first = place / "tree-0"
            copy_project(self.root, paths, first)
            sources = {path: (first / path).read_bytes() for path in self._product(paths)}
            found = [each for path, source in sources.items() for each in mutations(path, source)]
            equivalents = read_equivalents(self.kept)
            sampled = [each for each in found if each.path.split("/")[0] in self.sampled]
            drawn, equivalent = draw(sampled, equivalents, seed=self.seed, count=self.count)
            covering = self._measured(first, paths, place, until)
            self._warm(first, place, until)
            trees = [first, *(place / f"tree-{number}" for number in range(1, self.jobs))]
            for tree in trees[1:]:
                shutil.copytree(first, tree)
            trial = Trial(self.root, trees, covering, most_seconds=self.seconds, until=until)
            tried = []
            control = next((each for each in drawn if covering.tests(each)), None)
            if control is not None and not trial.passes_unmutated(control):
                raise UnusableTestsError(
                    "The chosen tests fail without any mutation: " + _tail(first.with_suffix(".txt"))
                )
            for each in trial.run(drawn):
                tried.append(each)
                self.say(f"{len(tried)}/{len(drawn)} {each.verdict}: {each.mutation.path}:{each.mutation.line}")
                show(each, sources[each.mutation.path])
        return Report(self.seed, self.least, len(drawn), tuple(tried), equivalent, tuple(stale(equivalents, found)))

    def _product(self, paths: Sequence[str]) -> list[str]:
        inside = tuple(f"{package}/" for package in self.packages)
        outside = tuple(f"{folder}/" for folder in self.left_alone)
        return [
            path for path in paths if path.startswith(inside) and path.endswith(".py") and not path.startswith(outside)
        ]

    def _measured(self, tree: Path, paths: Sequence[str], place: Path, until: float) -> Covering:
        code = [path for path in paths if self.root / path != self.kept]
        kept = self.cache / code_hash(tree, code, repr((self.tests, self.packages)))
        if not kept.is_dir():
            self.say("Measuring which tests run which lines; the result is kept until code changes")
            made = place / "measured"
            made.mkdir()
            measure = partial(
                test_runs.measure,
                self._folders(tree),
                self.packages,
                jobs=2 * self.jobs,
                data=made / "coverage",
                results=made / "durations.json",
            )
            status = self._in_child(tree, measure, until)
            if status == OUT_OF_TIME:
                raise UnusableTestsError("Measuring took all the time. Allow more --minutes once; the result is kept.")
            if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
                raise UnusableTestsError(
                    f"The tests do not run (pytest ended with {status}): " + _tail(tree.with_suffix(".txt"))
                )
            shutil.rmtree(self.cache, ignore_errors=True)
            shutil.copytree(made, kept)
        return Covering(kept / "coverage", kept / "durations.json", tree, self._product(paths))

    def _warm(self, tree: Path, place: Path, until: float) -> None:
        """Import the libraries that product and tests use, so that each child has them already."""
        names = place / "modules.json"
        self._in_child(tree, partial(test_runs.collect, self._folders(tree), names), until)
        if not names.is_file():
            raise UnusableTestsError("The tests cannot be collected: " + _tail(tree.with_suffix(".txt")))
        tops = {path.split("/")[0].removesuffix(".py") for path in project_files(self.root) if path.endswith(".py")}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in json.loads(names.read_text(encoding="utf-8")):
                if name.split(".")[0] not in tops | {"__main__", "conftest"}:
                    _import(name)
        gc.freeze()
        if threading.active_count() > 1:
            raise UnusableTestsError(
                "A library starts threads when it is imported, and children of this process would lack them."
            )

    def _in_child(self, tree: Path, work: Callable[[], int], until: float) -> int:
        seconds = max(1.0, until - monotonic())
        return complete(fork(work, root=self.root, tree=tree, output=tree.with_suffix(".txt"), seconds=seconds))

    def _folders(self, tree: Path) -> list[str]:
        return [folder for folder in self.tests if (tree / folder).exists()]


def _import(name: str) -> None:
    """A module that imports only where it was found, such as one of pytest's own, is left to the children."""
    if name in sys.modules:
        return
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001 - any library may refuse in its own way, and then the child imports it
        return


def _tail(output: Path) -> str:
    return "\n".join(output.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
