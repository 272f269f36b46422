"""Threads that carry jobs out, with a share for each system: no system holds all threads, however slowly it answers.

The threads are daemons: a call that hangs keeps no process alive that is told to end.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from store.outbox import Topic


@dataclass(frozen=True, slots=True)
class Job:
    """Work on one row. ``share`` names the system, or the kind of work, whose share of the threads the job uses."""

    topic: Topic
    ref: str
    share: str

    @property
    def is_shared(self) -> bool:
        """Whether several threads may do the same job at a time: each takes a share of the work."""
        return self.topic in (Topic.TICKETS, Topic.SYNC)


class JobThreads:
    """``count`` threads; jobs of one share run on ``each`` of them at the most, and ``waiting`` more may wait for these.

    ``run`` must not raise. ``on_end`` is called after each job, when there is room for another.
    """

    def __init__(
        self,
        name: str,
        *,
        count: int,
        each: int,
        waiting: int,
        run: Callable[[Job], None],
        on_end: Callable[[], None],
    ) -> None:
        self._each = each
        self._most = each + waiting
        self._run = run
        self._on_end = on_end
        self._changed = threading.Condition()
        self._queues: dict[str, deque[Job]] = {}
        self._running: Counter[str] = Counter()
        self._present: Counter[Job] = Counter()
        #: Since when, by the monotonic clock.
        self._since: dict[Job, float] = {}
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Begin to take jobs."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[Job]:
        """Begin no more jobs; the jobs that waited."""
        with self._changed:
            self._stopping = True
            left = [job for queue in self._queues.values() for job in queue]
            self._queues.clear()
            self._present.subtract(left)
            for job in left:
                self._since.pop(job, None)
            self._changed.notify_all()
        return left

    def join(self, until: float) -> bool:
        """Wait for the jobs under way until a moment of the monotonic clock; whether all of them ended."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def under_way(self, *, since: float) -> list[Job]:
        """The jobs that wait or run here, but for those that came before ``since``, a moment of the monotonic clock."""
        with self._changed:
            return [job for job, came in self._since.items() if came >= since]

    def room(self, share: str) -> int:
        """How many more jobs of this share are taken now."""
        with self._changed:
            return self._room(share)

    def offer(self, job: Job) -> bool:
        """Take a job if there is room for it; whether there was. A job that waits or runs here already is taken once."""
        with self._changed:
            if self._present[job] and not job.is_shared:
                return True
            if self._room(job.share) <= 0:
                return False
            self._present[job] += 1
            self._since.setdefault(job, monotonic())
            self._queues.setdefault(job.share, deque()).append(job)
            self._changed.notify()
            return True

    def _room(self, share: str) -> int:
        return 0 if self._stopping else self._most - self._running[share] - len(self._queues.get(share, ()))

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._run(job)
            finally:
                with self._changed:
                    self._running[job.share] -= 1
                    self._present[job] -= 1
                    self._present += Counter()  # Forgets what is not there any more.
                    if job not in self._present:
                        self._since.pop(job, None)
                    self._changed.notify()
            self._on_end()

    def _next(self) -> Job | None:
        """The next job, waited for; None at the end. Shares take turns: the one served goes behind the others."""
        with self._changed:
            while not self._stopping:
                for share, queue in self._queues.items():
                    if queue and self._running[share] < self._each:
                        self._queues[share] = self._queues.pop(share)
                        self._running[share] += 1
                        return queue.popleft()
                self._changed.wait()
        return None
