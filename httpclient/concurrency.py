from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import BoundedSemaphore
from typing import TypeVar

T = TypeVar("T")


class Fetcher:
    """Makes the calls of one reader: never more than ``concurrency`` in flight, whoever's threads ask for them.

    A *fetch* is a function that makes one call. It must not ask this object for another one: that could wait for itself.
    Threads are made when they are first needed, so that it may be constructed before a fork.
    """

    def __init__(self, *, concurrency: int) -> None:
        self.concurrency = concurrency
        self._room = BoundedSemaphore(concurrency)
        self._pool = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="fetch")

    def one(self, fetch: Callable[[], T]) -> T:
        """Make one call in the caller's own thread, as soon as there is room."""
        with self._room:
            return fetch()

    def ahead(self, fetches: Iterable[Callable[[], T]]) -> Iterator[T]:
        """The results in the order of ``fetches``, which is drawn from as there is room.

        At most ``concurrency`` fetches are under way or done and not yet taken, so memory is bounded however slow the
        taker is. A fetch that fails raises where its result would have come, and those not begun yet are dropped.
        """
        waiting: deque[Future[T]] = deque()
        try:
            for fetch in fetches:
                waiting.append(self._pool.submit(copy_context().run, self.one, fetch))
                if len(waiting) >= self.concurrency:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
