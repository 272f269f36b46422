"""Several threads that begin at one moment, for rules about races."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from demo.patience import slowness
from tests.patience import PATIENCE_SECONDS

T = TypeVar("T")


def together(works: Iterable[Callable[[], T]]) -> list[T]:
    """What each of them returns; an exception in one is raised here."""
    several = list(works)
    start = Barrier(len(several))

    def begin(work: Callable[[], T]) -> T:
        start.wait(PATIENCE_SECONDS * slowness())
        return work()

    with ThreadPoolExecutor(len(several)) as pool:
        return list(pool.map(begin, several))
