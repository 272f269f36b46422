"""Hands work to a worker and waits until it is done: the same for Provisor and for the bare task."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from kombu import Connection

from benchmarks.grants import Grant
from benchmarks.report import WrongResult
from store.unit_of_work import Store
from worker.intake_consumer import publish
from worker.queues import Queues

_LOOK_SECONDS = 0.02


class Driver(Protocol):
    """Sends grants to one side, and counts the ones done."""

    def send(self, grants: Sequence[Grant]) -> None: ...

    def done(self) -> int: ...


class ProvisorDriver:
    """Puts access requests on the intake queue; the store says which are done."""

    def __init__(self, connection: Connection, queues: Queues, store: Store) -> None:
        self._connection = connection
        self._queues = queues
        self._store = store

    def send(self, grants: Sequence[Grant]) -> None:
        publish(self._connection, self._queues, [grant.message() for grant in grants])

    def done(self) -> int:
        with self._store.read() as work:
            counts = work.requests.counts()
        if wrong := {state: n for state, n in counts.items() if state in {"refused", "failed"}}:
            raise WrongResult(f"Requests came to a wrong end: {wrong}.")
        return counts.get("done", 0)

    def verified_at(self, grant: Grant) -> float | None:
        """When the access was seen, in seconds since 1970."""
        with self._store.read() as work:
            for operation in work.operations.of_request(grant.id):
                if operation.verified_at is not None:
                    return operation.verified_at.timestamp()
        return None


def drive(driver: Driver, grants: Sequence[Grant], *, timeout: float) -> float:
    """Hand all in at once; the seconds from the first message until the last is done."""
    already = driver.done()
    began = time.perf_counter()
    driver.send(grants)
    while driver.done() < already + len(grants):
        if time.perf_counter() - began > timeout:
            raise WrongResult(f"{driver.done() - already} of {len(grants)} were done within {timeout:.0f} seconds.")
        time.sleep(_LOOK_SECONDS)  # noqa: TID251 - each look costs the worker processor time
    return time.perf_counter() - began


def one_at_a_time(
    driver: ProvisorDriver, grants: Sequence[Grant], *, rest: float, timeout: float
) -> list[tuple[float, float]]:
    """Hand each in when the worker is idle; when it was sent and when its access was verified, in seconds since 1970."""
    moments = []
    for grant in grants:
        sent = time.time()
        driver.send([grant])
        while (seen := driver.verified_at(grant)) is None:
            if time.time() - sent > timeout:
                raise WrongResult(f"A single request was not done within {timeout:.0f} seconds.")
            time.sleep(_LOOK_SECONDS)  # noqa: TID251 - the figure is the worker's own record: seldom looks do not blur it
        moments.append((sent, seen))
        time.sleep(rest)  # noqa: TID251 - the worker is idle again, and messages keep no step with its polling
    return moments
