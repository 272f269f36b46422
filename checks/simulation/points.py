"""Crash points: every commit and every call out of the product, once before and once after it.

A point is named by the line of ``tasks`` that asks, and by what it asks for. At each the seed may let others run, for moments
or for longer than a lease, or kill the process; what was not tried yet in this life comes first.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from types import FrameType

import tasks
from access.clock import Clock
from checks.simulation.turns import RUNNING
from store.database import Database
from store.unit_of_work import Store, UnitOfWork
from tests.fakes.faults import Killed

_TASKS = str(Path(tasks.__file__).parent)

#: How often, at a point: others run, it is frozen for longer than a lease, it is killed, and that where it was not yet.
_YIELDS, _FREEZES, _KILLS, _KILLS_FIRST = 0.5, 0.004, 0.002, 0.5


class Side(StrEnum):
    """Where a crash is: nothing of it happened yet, or all of it did."""

    BEFORE = "before"
    AFTER = "after"


class Points:
    """The crash points of one life."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock, self._rng = clock, rng
        #: How often each point was passed on each side, and how often it was crashed at.
        self.reached: Counter[tuple[str, str]] = Counter()
        self.crashed: Counter[tuple[str, str]] = Counter()
        #: Where a point lies within a transaction that writes: a call there would keep every writer waiting.
        self.within: set[str] = set()
        #: Whether there is any weather; without, nobody is killed or frozen.
        self.calm = False

    def pause(self) -> None:
        """A point where others may run."""
        turn = RUNNING.get()
        if turn is None:
            return
        if turn.process.killed:
            raise Killed
        if turn.writing:
            self.within.add(asking_line())
            return
        draw = self._rng.random()
        if draw < _FREEZES and not self.calm:
            turn.hand_back(self._clock.now() + timedelta(seconds=self._rng.uniform(31, 100)))
        elif draw < _YIELDS:
            turn.hand_back(self._clock.now() + timedelta(milliseconds=self._rng.randrange(300)))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """While it lasts, the running turn must not be kept from going on."""
        turn = RUNNING.get()
        if turn is None:
            yield
            return
        turn.writing = True
        try:
            yield
        finally:
            turn.writing = False

    def reach(self, what: str, side: Side) -> None:
        """A point where the process may be killed. Raises ``Killed``."""
        turn = RUNNING.get()
        if turn is None:
            return
        if turn.process.killed:
            raise Killed
        point = (f"{asking_line()} {what}", str(side))
        self.reached[point] += 1
        rate = _KILLS if self.crashed[point] else _KILLS_FIRST
        if not self.calm and self._rng.random() < rate:
            self.crashed[point] += 1
            turn.process.killed = True
            raise Killed


class PointedStore(Store):
    """The store, each of whose commits is a point."""

    def __init__(self, database: Database, points: Points) -> None:
        super().__init__(database)
        self._points = points

    @contextmanager
    def write(self, *, holding: str | None = None) -> Iterator[UnitOfWork]:
        """One transaction, begun and ended at a point."""
        self._points.pause()
        with super().write(holding=holding) as work, self._points.transaction():
            yield work
            self._points.reach("commit", Side.BEFORE)
        self._points.reach("commit", Side.AFTER)
        self._points.pause()


def asking_line() -> str:
    """The line of ``tasks`` nearest to the caller, as ``module:line``; the harness's own work is all one."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - what a traceback would show
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_TASKS):
            return f"{Path(file).relative_to(_TASKS).with_suffix('')}:{frame.f_lineno}"
        frame = frame.f_back
    return "relay"


def commits_of(reached: Collection[tuple[str, ...]]) -> tuple[set[str], set[str]]:
    """Where transactions that write begin, as ``module:line``, in the modules of these points; and those that were passed."""
    passed = {point.removesuffix(" commit") for point, _ in reached if point.endswith(" commit") and ":" in point}
    found = set()
    for module in {place.partition(":")[0] for place in passed}:
        tree = ast.parse((Path(_TASKS) / f"{module}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "write" and ast.unparse(node).endswith("store.write"):
                found.add(f"{module}:{node.lineno}")
    return found, passed
