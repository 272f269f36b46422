"""Which tests may notice a mutant: those that run its line, measured once and kept for as long as no code changes."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

from coverage import CoverageData

from checks.mutants.mutation import MODULE, Mutation
from checks.mutants.operators import bound_name


class Covering:
    """The tests of each line of the product, from one run with coverage.

    What runs at import has no tests of its own: an import happens once, in whichever test is first. A private name of a
    module reaches the tests that run a line with it, or with a name bound from it, or stand in a file that names it. For
    anything else that runs at import, the tests count too that run any line of its module.
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
        reached = self._reached(mutation)
        if reached and mutation.function == MODULE and (mutation.symbol or "").startswith("_"):
            return reached
        return reached | self._running(mutation.path, None)

    def closest(self, mutation: Mutation, *, most_seconds: float) -> tuple[dict[str, float], int]:
        """Seconds of each test to run, the closest first, within a sum of seconds, and how many were left out.

        Close is a test that runs or names the mutated name, then the first of a test's variants (a second database or
        parameter adds little), then one that runs little else. A test that would go beyond the sum is left out, unless it is
        the closest; shorter ones behind it are not.
        """
        reached = self._reached(mutation) if mutation.at_import else frozenset[str]()
        variants: Counter[str] = Counter()
        places: dict[str, tuple[bool, int, int, float]] = {}
        for seconds, test in sorted((self.seconds[test], test) for test in self.tests(mutation)):
            function = test.partition("[")[0]
            places[test] = (test not in reached, variants[function], self._breadths[test], seconds)
            variants[function] += 1
        ordered = sorted(places, key=lambda test: (places[test], test))
        chosen: dict[str, float] = {}
        spent = 0.0
        for test in ordered:
            if not chosen or spent + self.seconds[test] <= most_seconds:
                chosen[test] = self.seconds[test]
                spent += self.seconds[test]
        return chosen, len(ordered) - len(chosen)

    @cached_property
    def _breadths(self) -> Counter[str]:
        """How many modules of the product each test runs lines of."""
        return Counter(test for path in self._product for test in self._running(path, None))

    def _reached(self, mutation: Mutation) -> frozenset[str]:
        """The tests that run a line with the name that is bound at import, or with a name bound from it in its module."""
        if mutation.symbol is None:
            return frozenset()
        names, waiting = {mutation.symbol}, [mutation.symbol]
        while waiting:
            found = self._bound_from(mutation.path, waiting.pop()) - names
            names |= found
            waiting += found
        return frozenset().union(*(self._naming(name, mutation.path) for name in names))

    @cache  # noqa: B019 - one object for a run
    def _bound_from(self, path: str, symbol: str) -> frozenset[str]:
        """Names of what a module makes at import with ``symbol``: constants, classes, functions with it as a default."""
        return frozenset(
            name
            for statement in ast.parse(self._text(path)).body
            if (name := bound_name(statement)) is not None and symbol in _used_at_import(statement)
        )

    def _running(self, path: str, lines: Iterable[int] | None) -> frozenset[str]:
        by_line = self._lines_of(path)
        return frozenset().union(*(by_line.get(line, frozenset()) for line in (by_line if lines is None else lines)))

    @cache  # noqa: B019 - one object for a run
    def _naming(self, symbol: str, home: str) -> frozenset[str]:
        """The tests that run a line with the name in it, or stand in a file with it; a private one is its module's own."""
        word = re.compile(rf"\b{re.escape(symbol)}\b")
        found: frozenset[str] = frozenset()
        for path in [home] if symbol.startswith("_") else self._product:
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


def _used_at_import(node: ast.AST) -> set[str]:
    """The names that run when a statement of a module does: those in bodies of functions do not."""
    if isinstance(node, ast.Name):
        return {node.id}
    later = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
    return set().union(*(_used_at_import(each) for each in ast.iter_child_nodes(node) if each not in later))
