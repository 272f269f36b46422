"""One measured run of Provisor, or of the bare task, in a fresh place and against a fresh simulator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from kombu import Connection

from benchmarks import bare_worker, provisor_worker
from benchmarks.child import Child
from benchmarks.drivers import ProvisorDriver, drive, one_at_a_time
from benchmarks.grants import Grant, company, give, grants_in, verify
from benchmarks.places import Place, new_place
from benchmarks.processes import Peak, busy_seconds, resident_mb
from benchmarks.replay import ReplayedCall, replayed
from benchmarks.report import WrongResult
from benchmarks.simulated import Simulated
from store.database import Database
from store.unit_of_work import Store

#: Threads of the worker, on both sides: Provisor's default.
CONCURRENCY = 16

#: Threads for removals of one system, on both sides: Provisor's default.
REMOVAL_THREADS = 4

#: Grants before the clock starts: connections, caches of statements, imports made late.
_WARM = 20

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """Figures of one run. ``cpu_ms`` (of the worker), ``calls`` and ``commits`` are of one request."""

    rate: float
    cpu_ms: float
    calls: float
    commits: float
    rest_mb: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Delay:
    """Of one message, in seconds from its sending: until verified, and until the service had carried the change out."""

    verified: float
    true: float


def provisor_run(name: str, count: int, *, removals: bool = False) -> tuple[Run, list[ReplayedCall]]:
    """Provisor fulfils this many grants, or removals of what it gave, and what each of them cost in calls.

    Raises ``Absent`` and ``WrongResult``.
    """
    total = 1 + _WARM + 2 * count
    with new_place(name) as place, company(total) as simulated:
        grants = grants_in(simulated.state("jumpcloud"), total)
        with _provisor(place, simulated) as side:
            asked = grants
            if removals:
                side.drive(grants)
                asked = [grant.removal for grant in grants]
            warming, one, rest = asked[:_WARM], asked[_WARM : _WARM + 1], asked[_WARM + 1 :]
            rest_mb = resident_mb(side.child.pid)
            side.drive(warming)
            simulated.forget_calls()
            side.drive(one)  # A worker that is cold also asks which organization it is, and for its Active Directories.
            calls = replayed(simulated.calls(last=1000)["latest"], one[0])
            simulated.forget_calls()
            busy = busy_seconds(side.child.pid)
            with Peak(side.child.pid) as peak:
                seconds = side.drive(rest[:count])
            busy = busy_seconds(side.child.pid) - busy
            made: int = simulated.calls()["total"]
            commits = _commits(side, rest[count:])
            verify(simulated.state("jumpcloud"), [] if removals else grants)
        return Run(count / seconds, 1000 * busy / count, made / count, commits / count, rest_mb, peak.mb), calls


def _commits(side: _Side, grants: Sequence[Grant]) -> int:
    """Commits of requests that are not timed: counting looks at each statement, which would weigh on Provisor alone."""
    side.child.ask("count_commits")
    side.drive(grants)
    found: int = side.child.ask("commits")
    return found


def bare_run(name: str, count: int, *, calls: Sequence[ReplayedCall], commits: float, removals: bool = False) -> Run:
    """The bare task makes the same calls and commits. Raises ``Absent`` and ``WrongResult``."""
    with new_place(name) as place, company(count + _WARM) as simulated:
        grants = grants_in(simulated.state("jumpcloud"), count + _WARM)
        asked = grants
        if removals:
            give(simulated, grants)
            asked = [grant.removal for grant in grants]
        threads = REMOVAL_THREADS if removals else CONCURRENCY
        with _bare(place, simulated, calls, commits, threads) as side:
            rest = resident_mb(side.child.pid)
            side.drive(asked[:_WARM])
            simulated.forget_calls()
            busy = busy_seconds(side.child.pid)
            with Peak(side.child.pid) as peak:
                seconds = side.drive(asked[_WARM:])
            busy = busy_seconds(side.child.pid) - busy
            verify(simulated.state("jumpcloud"), [] if removals else grants)
            made: int = simulated.calls()["total"]
        if made != len(calls) * count:
            raise WrongResult(f"The bare task made {made} calls, and should have made {len(calls) * count}.")
        return Run(count / seconds, 1000 * busy / count, made / count, commits, rest, peak.mb)


def delays(name: str, count: int, *, rest: float) -> list[Delay]:
    """One message at a time to an idle worker. Raises ``Absent`` and ``WrongResult``."""
    with new_place(name) as place, company(count + _WARM) as simulated:
        grants = grants_in(simulated.state("jumpcloud"), count + _WARM)
        with _provisor(place, simulated) as side:
            side.drive(grants[:_WARM])
            moments: list[tuple[float, float]] = []
            trues: list[float] = []
            for begin in range(_WARM, len(grants), 50):  # the simulator's log remembers a bounded number of calls
                part = grants[begin : begin + 50]
                simulated.forget_calls()
                moments += side.one_at_a_time(part, rest=rest)
                latest = simulated.calls(last=2000)["latest"]
                changes = [call["at"] + call["ms"] / 1000 for call in latest if call["method"] == "POST"]
                if len(changes) != len(part):
                    raise WrongResult(f"{len(part)} grants made {len(changes)} changes.")
                trues += changes
            verify(simulated.state("jumpcloud"), grants)
    return [Delay(seen - sent, true - sent) for (sent, seen), true in zip(moments, trues, strict=True)]


@dataclass(frozen=True, slots=True)
class _Side:
    """A worker, and the driver that reaches it: in its own process where nothing else can, else in this one."""

    child: Child
    driver: ProvisorDriver | bare_worker.BareDriver | None

    def drive(self, grants: Sequence[Grant]) -> float:
        if self.driver is not None:
            return drive(self.driver, grants, timeout=_TIMEOUT_SECONDS)
        documents = [grant.document() for grant in grants]
        return float(self.child.ask("drive", grants=documents, timeout=_TIMEOUT_SECONDS))

    def one_at_a_time(self, grants: Sequence[Grant], *, rest: float) -> list[tuple[float, float]]:
        if self.driver is not None:
            assert isinstance(self.driver, ProvisorDriver)
            return one_at_a_time(self.driver, grants, rest=rest, timeout=_TIMEOUT_SECONDS)
        documents = [grant.document() for grant in grants]
        found = self.child.ask("one_at_a_time", grants=documents, rest=rest, timeout=_TIMEOUT_SECONDS)
        return [(sent, seen) for sent, seen in found]


@contextmanager
def _provisor(place: Place, simulated: Simulated) -> Iterator[_Side]:
    setup = provisor_worker.settings_document(
        store_url=place.store_url,
        broker_url=place.broker_url,
        prefix=place.prefix,
        concurrency=CONCURRENCY,
        jumpcloud=simulated.facts["jumpcloud"],
        folder=place.folder,
    )
    with ExitStack() as stack:
        child = stack.enter_context(Child("benchmarks.provisor_worker", setup, log=place.folder / "worker.log"))
        driver = None
        if not place.within:
            connection = stack.enter_context(Connection(place.broker_url, transport_options={"confirm_publish": True}))
            database = Database(place.store_url, pool_size=2)
            stack.callback(database.close)
            driver = ProvisorDriver(connection, place.queues, Store(database))
        yield _Side(child, driver)


@contextmanager
def _bare(
    place: Place, simulated: Simulated, calls: Sequence[ReplayedCall], commits: float, threads: int
) -> Iterator[_Side]:
    setup = {
        "store_url": place.store_url,
        "broker_url": place.broker_url,
        "prefix": place.prefix,
        "concurrency": threads,
        "jumpcloud": simulated.facts["jumpcloud"],
        "calls": [call.document() for call in calls],
        "commits": commits,
    }
    with ExitStack() as stack:
        child = stack.enter_context(Child("benchmarks.bare_worker", setup, log=place.folder / "worker.log"))
        driver = None
        if not place.within:
            database = Database(place.store_url, pool_size=2)
            stack.callback(database.close)
            app = bare_worker.bare_app(place.broker_url, place.prefix)
            stack.callback(app.close)
            driver = bare_worker.BareDriver(app, place.queues, database)
        yield _Side(child, driver)
