"""The trial of mutants: each in a copy of the project, against the tests that run its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import monotonic

from checks.mutants.covering import Covering
from checks.mutants.forks import OUT_OF_TIME, Child, complete, fork, wait_for_any
from checks.mutants.mutation import Mutation
from checks.mutants.test_runs import FLOOR, SURVIVED, TIMED_OUT, TIMES_SLOWER, attempt
from checks.mutants.trees import mutated

#: How long a child may take to import the product and collect its tests, in seconds.
_STARTING = 60.0


class Verdict(StrEnum):
    """How the trial of one mutant came out."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_COVERED = "not covered"
    #: No test noticed it, but some of those that run its line were left out.
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Tried:
    """One mutant and its verdict. ``left_out`` counts the tests that the limit of seconds kept from running."""

    mutation: Mutation
    verdict: Verdict
    tests: int = 0
    left_out: int = 0

    @property
    def killed(self) -> bool:
        """Whether a test noticed the mutant, by failing or by not coming to its end."""
        return self.verdict in {Verdict.KILLED, Verdict.TIMED_OUT}

    @property
    def decided(self) -> bool:
        """Whether the mutant is known to be noticed, or to survive all tests that run its line."""
        return self.verdict is not Verdict.UNDECIDED


@dataclass(slots=True)
class _Running:
    child: Child
    mutation: Mutation
    tree: Path
    restore: ExitStack
    tests: int
    left_out: int


class Trial:
    """Tries mutants in ``trees``, one at once in each of these copies of ``root``, until a moment of the monotonic clock."""

    def __init__(
        self, root: Path, trees: Sequence[Path], covering: Covering, *, most_seconds: float, until: float
    ) -> None:
        self._root = root
        self._free = list(trees)
        self._covering = covering
        self._most_seconds = most_seconds
        self._until = until
        self._running: list[_Running] = []

    def passes_unmutated(self, mutation: Mutation) -> bool:
        """Whether the tests chosen for this mutation pass without it: else no verdict of a trial means anything."""
        seconds, _ = self._covering.closest(mutation, most_seconds=self._most_seconds)
        return complete(self._fork(self._free[0], seconds)) == SURVIVED

    def run(self, mutants: Sequence[Mutation]) -> Iterator[Tried]:
        """The verdict of each mutant as soon as there is one, until all are tried or the time is over."""
        waiting = list(reversed(mutants))
        try:
            while waiting or self._running:
                while waiting and self._free and monotonic() < self._until:
                    if (tried := self._begin(waiting.pop())) is not None:
                        yield tried
                if not self._running or monotonic() >= self._until:
                    return
                yield from self._ended()
        finally:
            for each in self._running:
                each.child.kill()
                each.restore.close()

    def _begin(self, mutation: Mutation) -> Tried | None:
        seconds, left_out = self._covering.closest(mutation, most_seconds=self._most_seconds)
        if not seconds:
            return Tried(mutation, Verdict.NOT_COVERED)
        tree, restore = self._free.pop(), ExitStack()
        restore.enter_context(mutated(tree, mutation))
        self._running.append(_Running(self._fork(tree, seconds), mutation, tree, restore, len(seconds), left_out))
        return None

    def _ended(self) -> Iterator[Tried]:
        children = [each.child for each in self._running]
        ended = wait_for_any(children, until=self._until)
        for child in children:
            if child not in ended:
                child.stop_when_late()
        for each in [each for each in self._running if each.child in ended]:
            self._running.remove(each)
            verdict = _verdict(each.child.finish(), left_out=each.left_out)
            each.restore.close()
            self._free.append(each.tree)
            yield Tried(each.mutation, verdict, each.tests, each.left_out)

    def _fork(self, tree: Path, seconds: dict[str, float]) -> Child:
        limit = _STARTING + FLOOR + TIMES_SLOWER * sum(seconds.values())
        return fork(_attempt(seconds), root=self._root, tree=tree, output=tree.with_suffix(".txt"), seconds=limit)


def _attempt(seconds: dict[str, float]) -> Callable[[], int]:
    return lambda: attempt(seconds)


def _verdict(status: int, *, left_out: int) -> Verdict:
    if status in {TIMED_OUT, OUT_OF_TIME}:
        return Verdict.TIMED_OUT
    if status != SURVIVED:
        return Verdict.KILLED
    return Verdict.UNDECIDED if left_out else Verdict.SURVIVED
