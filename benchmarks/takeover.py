"""How soon another process does what one that died or stood still was to do (PostgreSQL and RabbitMQ).

``python -m benchmarks takeover`` runs two processes with all roles. One of them is killed (SIGKILL) or stopped (SIGSTOP):

- *next*: a moment before a claim's end, which the other process then has to carry out;
- *held*: while a removal that it sent is on its way and gets no answer.

What is told is the time from the claim's end, or from the signal, until the other process has seen the access gone.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from statistics import median
from typing import TypeVar

from kombu import Connection

from access.lifecycle import ClaimState
from access.operations import Claim
from benchmarks import provisor_worker
from benchmarks.child import Child
from benchmarks.command import run
from benchmarks.grants import Grant, company, grants_in
from benchmarks.places import CLUSTER, Absent, Place, new_place
from benchmarks.report import Aim, Report, Table, WrongResult
from benchmarks.simulated import Simulated
from demo.patience import Patience
from store.database import Database
from store.unit_of_work import Store
from worker.intake_consumer import publish

T = TypeVar("T")

_AIMS = {"next": 10.0, "held": 15.0}
_SIGNALS = (signal.SIGKILL, signal.SIGSTOP)
_CONCURRENCY = 6
_LONGEST_SECONDS = 90.0
_LOOK_SECONDS = 0.05
#: How long access lasts, and how long before its end the process is lost.
_LASTS, _BEFORE = 6, timedelta(seconds=1)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--takeovers", type=int, default=3, metavar="N", help="of each kind (default %(default)s)")


def measure(options: argparse.Namespace) -> Report:
    """Raises ``WrongResult``."""
    report = Report("takeover")
    rows = []
    try:
        for what, aim in _AIMS.items():
            for number in _SIGNALS:
                found = [_taken_over(what, number) for _ in range(options.takeovers)]
                name = f"{what} removal after {number.name}"
                report.figures[name] = {"median_s": round(median(found), 2), "most_s": round(max(found), 2)}
                report.aims.append(Aim(f"{name}, seconds at most", max(found), aim, "lower"))
                rows.append((name, *report.figures[name].values()))
    except Absent as exc:
        report.notes.append(f"Left out: {exc}.")
    report.tables = [Table("Seconds until a removal was done", ("which", "median", "most"), rows)]
    return report


def _taken_over(what: str, number: signal.Signals) -> float:
    with ExitStack() as stack:
        place = stack.enter_context(new_place(CLUSTER))
        simulated = stack.enter_context(company(3, groups=2))
        side = _Side(stack, place, simulated)
        return side.next_removal(number) if what == "next" else side.held_removal(number)


class _Side:
    """Two processes, a company, and what a producer and an observer need."""

    def __init__(self, stack: ExitStack, place: Place, simulated: Simulated) -> None:
        self._stack, self._place, self._simulated = stack, place, simulated
        self._first = self._start("first")
        database = Database(place.store_url, pool_size=2)
        stack.callback(database.close)
        self._store = Store(database)
        self._connection = stack.enter_context(
            Connection(place.broker_url, transport_options={"confirm_publish": True})
        )
        self._grant = grants_in(simulated.state("jumpcloud"), 1)[0]

    def next_removal(self, number: signal.Signals) -> float:
        """Lose a process before a claim's end; the seconds from that end until the access was seen gone."""
        self._start("second")
        claim = self._given()
        assert claim.ends_at is not None
        near = claim.ends_at - _BEFORE
        self._until(lambda: self._store.now() >= near or None, "the end was near")
        self._lose(number)
        return self._seconds_until_gone(claim.ends_at)

    def held_removal(self, number: signal.Signals) -> float:
        """Lose the process that sent a removal; the seconds from then until the access was seen gone."""
        held = self._simulated.hold(system="jumpcloud", method="POST", path="/members$", after=1)
        self._given()
        self._simulated.until_held(held)
        self._start("second")
        lost_at = self._store.now()
        self._lose(number)
        self._simulated.drop(held)
        return self._seconds_until_gone(lost_at)

    def _start(self, name: str) -> Child:
        setup = provisor_worker.settings_document(
            store_url=self._place.store_url,
            broker_url=self._place.broker_url,
            prefix=self._place.prefix,
            concurrency=_CONCURRENCY,
            jumpcloud=self._simulated.facts["jumpcloud"],
            folder=self._place.folder,
        )
        setup["limits"] = {
            "read_timeout": "5m"
        }  # What is held stays held, however long the second process takes to start.
        log = self._place.folder / f"{name}.log"
        return self._stack.enter_context(Child("benchmarks.provisor_worker", setup, log=log))

    def _lose(self, number: signal.Signals) -> None:
        os.kill(self._first.pid, number)

    def _given(self) -> Claim:
        body = json.loads(self._grant.message()) | {"duration": f"PT{_LASTS}S"}
        publish(self._connection, self._place.queues, [json.dumps(body).encode()])
        return self._until(lambda: self._claim(self._grant, ClaimState.ACTIVE, ClaimState.ENDING), "access was given")

    def _seconds_until_gone(self, since: datetime) -> float:
        ended = self._until(lambda: self._claim(self._grant, ClaimState.ENDED), "access was seen gone")
        assert ended.ended_at is not None
        return (ended.ended_at - since).total_seconds()

    def _claim(self, grant: Grant, *states: ClaimState) -> Claim | None:
        with self._store.read() as work:
            claim = work.claims.of_request(grant.id)
        return claim if claim is not None and claim.state in states else None

    def _until(self, look: Callable[[], T | None], what: str) -> T:
        patience = Patience(_LONGEST_SECONDS)
        while (found := look()) is None:
            if not patience.lasts():
                raise WrongResult(f"It never came to this: {what}.")
            time.sleep(_LOOK_SECONDS)  # noqa: TID251 - the figures are the store's own records: seldom looks do not blur them
        return found


if __name__ == "__main__":
    sys.exit(run("benchmarks.takeover", sys.modules[__name__]))
