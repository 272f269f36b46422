"""Which tests may notice a mutant: those that run its line, measured once and kept for as long as no code changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from coverage import CoverageData

from checks.mutants.mutation import Mutation


class Covering:
    """The tests of each line of the product, from one run with coverage.

    What runs at import has no tests of its own: an import happens once, in whichever test is first. For such a mutation the
    tests count that run a line with the bound name in it, or stand in a file that names it, or run any line of its module.
    """

    def __init__(self, data: Path, durations: Path, tree: Path, product: Iterable[str]) -> None:
        self.seconds: dict[str, float] = json.loads(durations.read_text(encoding="utf-8"))
        self._data = CoverageData(str(data))
        self._data.read()
        self._measured = {Path(path).as_posix() for path in self._data.measured_files()}
        self._tree = tree
        self._product = sorted(product)
        self._lines_of = cache(self._read_lines)

    def tests(self, mutation: Mutation) -> frozenset[str]:
        """Names of the tests that may notice this mutation; none when no test runs it."""
        if not mutation.at_import:
            first, last = mutation.lines
            return self._running(mutation.path, range(first, last + 1))
        return self._naming(mutation.symbol) | self._running(mutation.path, None)

    def cheapest(self, mutation: Mutation, *, most_seconds: float) -> tuple[dict[str, float], int]:
        """Seconds of each test to run, within a sum of seconds (or the cheapest one), and how many were left out."""
        ordered = sorted((self.seconds[test], test) for test in self.tests(mutation))
        chosen: dict[str, float] = {}
        spent = 0.0
        for seconds, test in ordered:
            spent += seconds
            if chosen and spent > most_seconds:
                break
            chosen[test] = seconds
        return chosen, len(ordered) - len(chosen)

    def _running(self, path: str, lines: Iterable[int] | None) -> frozenset[str]:
        by_line = self._lines_of(path)
        return frozenset().union(*(by_line.get(line, frozenset()) for line in (by_line if lines is None else lines)))

    def _naming(self, symbol: str | None) -> frozenset[str]:
        if symbol is None:
            return frozenset()
        word = re.compile(rf"\b{re.escape(symbol)}\b")
        found: frozenset[str] = frozenset()
        for path in self._product:
            text = self._text(path)
            if symbol in text:
                lines = [number for number, line in enumerate(text.splitlines(), 1) if word.search(line)]
                found |= self._running(path, lines)
        return found | frozenset(test for test in self.seconds if word.search(self._text(test.partition("::")[0])))

    def _read_lines(self, path: str) -> dict[int, frozenset[str]]:
        if path not in self._measured:
            return {}
        named = self._data.contexts_by_lineno(path)
        tests = {line: frozenset(name.rpartition("|")[0] for name in names) for line, names in named.items()}
        return {line: names & self.seconds.keys() for line, names in tests.items()}

    @cache  # noqa: B019 - one object for a run
    def _text(self, path: str) -> str:
        return (self._tree / path).read_text(encoding="utf-8")
