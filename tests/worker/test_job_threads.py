"""No share of the threads takes all of them, and nothing waits here that could not start soon."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from threading import Event, Lock
from time import monotonic

import pytest

from demo.patience import slowness
from store.outbox import Topic
from tests.patience import PATIENCE_SECONDS, until
from worker.job_threads import Job, JobThreads


class Held:
    """Threads whose jobs run until they are let go."""

    def __init__(self, *, threads: int, each: int, waiting: int) -> None:
        self.begun: list[str] = []
        self.ended = 0
        self._numbers = count(100)
        self._lock = Lock()
        self._go = Event()
        self.threads = JobThreads("test", count=threads, each=each, waiting=waiting, run=self._run, on_end=self._count)
        self.threads.start()

    def offer(self, share: str, ref: str = "") -> bool:
        ref = ref or f"row{next(self._numbers)}"
        return self.threads.offer(Job(Topic.OPERATION, ref, share))

    def until_begun(self, number: int) -> list[str]:
        until(lambda: len(self.begun) >= number, f"the beginning of {number} jobs")
        return list(self.begun)

    def let_go(self) -> None:
        self._go.set()

    def _run(self, job: Job) -> None:
        self.begun.append(job.share)
        self._go.wait()

    def _count(self) -> None:
        with self._lock:
            self.ended += 1


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held(threads=4, each=3, waiting=2)
    yield held
    held.threads.stop()
    held.let_go()
    assert held.threads.join(monotonic() + PATIENCE_SECONDS * slowness())


def test_one_share_leaves_a_thread_to_the_others(held: Held) -> None:
    taken = [held.offer("jumpcloud") for _ in range(10)]
    assert taken == [True] * 5 + [False] * 5, "three run and two wait"
    assert held.until_begun(3) == ["jumpcloud"] * 3
    assert held.offer("jira")
    assert held.until_begun(4)[-1] == "jira"
    assert held.threads.room("jumpcloud") == 0


def test_shares_take_turns(held: Held) -> None:
    for share in ("jumpcloud", "jumpcloud", "jumpcloud", "jira"):
        held.offer(share)
    held.until_begun(4)
    for share in ("jumpcloud", "jumpcloud", "jira", "ticketing"):
        assert held.offer(share)
    held.let_go()
    assert sorted(held.until_begun(8)[4:7]) == ["jira", "jumpcloud", "ticketing"]


def test_what_waited_at_the_end_is_handed_back_and_nothing_more_is_taken(held: Held) -> None:
    for number in range(5):
        held.offer("jumpcloud", f"row{number}")
    held.until_begun(3)
    assert [job.ref for job in held.threads.stop()] == ["row3", "row4"]
    assert not held.offer("jira")
    assert not held.threads.join(monotonic()), "three are under way"


def test_a_job_runs_once_at_a_time(held: Held) -> None:
    assert held.offer("jira", "one")
    held.until_begun(1)
    assert held.offer("jira", "one"), "taken, and nothing more to do"
    assert held.offer("jira", "other")
    assert len(held.until_begun(2)) == 2
    assert held.threads.room("jira") == 3
