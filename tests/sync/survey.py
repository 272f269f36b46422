"""Simulated systems, a wired Provisor that takes pictures of one of them over HTTP, and quirks to be survived."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from access.entitlements import System
from access.pictures import RunState, SyncRun
from config.settings import Settings
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act, dump
from simulator.world import World
from store.database import Database
from store.unit import Store
from tasks.courier import Bench
from tests.sync.truth import Truth, difference, everything, rows_stored, shown
from worker.composition import Provisor, compose

#: Looks at a run before it is called endless.
_LOOKS = 200


class HurriedClock:
    """The machine's clock, which tests put forward where somebody would only wait."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def seconds(self) -> float:
        """The same for the simulated systems."""
        return self.now().timestamp()

    def advance(self, by: timedelta) -> None:
        self._ahead += max(by, timedelta(0))


@dataclass
class Survey:
    """Takes pictures of one system, and knows what they have to show."""

    system: System
    simulators: Simulators
    provisor: Provisor
    clock: HurriedClock
    world: Any
    truth_of: Callable[[Mapping[str, Any]], Truth]
    organization: Any = None

    @property
    def store(self) -> Store:
        return self.provisor.store

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def act(self, verb: str, /, **details: Any) -> Any:
        return act(self.world, verb, **details)

    def sync(self, *, full: bool = True) -> SyncRun:
        """A run from its beginning to its end."""
        run_id = self.provisor.syncing.begin(self.system, full=full)
        for _ in range(_LOOKS):
            self.provisor.syncing.work(run_id)
            with self.store.read() as work:
                run = work.sync_runs.get(run_id)
            assert run is not None
            if run.state is not RunState.RUNNING:
                return run
            assert run.due_at is not None, "a run that rests is due at some time"
            self.clock.advance(run.due_at - self.clock.now() + timedelta(milliseconds=1))
        raise AssertionError(f"the run does not end: {run}")

    def truth(self) -> Truth:
        return self.truth_of(dump(self.world))

    def shown(self) -> Truth:
        return shown(self.store, self.system)

    def everything(self) -> list[object]:
        return everything(self.store, self.system)

    def is_right(self, run: SyncRun) -> None:
        """The run is complete, the picture is the truth, and nothing else is left in the store."""
        assert (run.state, run.error) == (RunState.COMPLETE, None), run
        wrong = difference(self.shown(), self.truth())
        assert not wrong, wrong
        assert self.leftovers() == 0

    def is_between(self, run: SyncRun, earlier: Truth, later: Truth) -> None:
        """The run is complete; each list is what it was at some moment of the run, while somebody changed things."""
        assert (run.state, run.error) == (RunState.COMPLETE, None), run
        picture = self.shown()
        for name in ("resources", "grants"):
            seen, one, other = (getattr(truth, name) for truth in (picture, earlier, later))
            assert one & other <= seen <= one | other, name
        people, one, other = (set(truth.accounts.items()) for truth in (picture, earlier, later))
        assert one & other <= people <= one | other
        assert self.leftovers() == 0

    def failed_honestly(self, run: SyncRun, before: list[object]) -> None:
        """The run says in a sentence why it failed, and the old picture is what it was, and nothing else is left."""
        assert run.state is RunState.FAILED
        reason = str(run.error)
        assert "UTC stays." in reason
        assert "\n" not in reason
        assert "Traceback" not in reason
        assert "mistake" not in reason, "Provisor blames itself: it does not know this failure"
        assert self.everything() == before
        assert self.leftovers() == 0

    def leftovers(self) -> int:
        picture = self.shown()
        return rows_stored(self.store) - len(picture.accounts) - len(picture.resources) - len(picture.grants)

    @contextmanager
    def meanwhile(self, path: str, act: Callable[[], object], *, after: int = 0) -> Iterator[None]:
        """Let somebody act while a request for ``path`` is on its way; ``after`` so many of them."""
        fault = self.simulators.faults.add(path=path, hold="before", after=after)
        failures: list[BaseException] = []

        def wait_and_act() -> None:
            try:
                if self.simulators.faults.wait_until(fault, holding=1, timeout=30):
                    act()
            except BaseException as exc:  # noqa: BLE001 - it is for the test's own thread to raise
                failures.append(exc)
            finally:
                self.simulators.faults.release(fault)

        thread = threading.Thread(target=wait_and_act)
        thread.start()
        try:
            yield
        finally:
            thread.join(35)
        assert failures == []
        assert self.simulators.faults.get(fault).played == 1, f"nothing asked for {path}"


def nothing(_: Survey) -> object:
    return None


@dataclass(frozen=True)
class Quirk:
    """One way in which a service is not what one would wish, and how a sync is to end that meets it.

    ``switches`` are turned and ``change`` happens after the first picture, ``faults`` are played to the second one;
    ``meanwhile`` is somebody who acts while a request for the path is on its way. ``fails`` is what the failed run has to
    say, None where the picture has to be right. ``mend`` is what an operator does then, besides the switches. ``settles`` is
    for what the service shows late: the picture may be between what was and what is, and the next is right.
    """

    name: str
    switches: Mapping[str, Any] = field(default_factory=dict)
    change: Callable[[Survey], object] = nothing
    faults: Sequence[Mapping[str, Any]] = ()
    meanwhile: tuple[str, Callable[[Survey], object]] | None = None
    after: int = 0
    full: bool = True
    fails: str | None = None
    mend: Callable[[Survey], object] = nothing
    settles: bool = False

    def __str__(self) -> str:
        return self.name


def survive(survey: Survey, quirk: Quirk) -> SyncRun:
    """A good picture, the quirk, another sync; and, when that failed, one more after the mending, which is right."""
    survey.is_right(survey.sync())
    before, earlier = survey.everything(), survey.truth()
    usual = survey.world.switches.model_dump()
    survey.clock.advance(timedelta(hours=1))
    quirk.change(survey)
    survey.switch(**quirk.switches)
    faults = [survey.simulators.faults.add(**fault) for fault in quirk.faults]
    if quirk.meanwhile is None:
        run = survey.sync(full=quirk.full)
    else:
        path, act = quirk.meanwhile
        with survey.meanwhile(path, lambda: act(survey), after=quirk.after):
            run = survey.sync(full=quirk.full)
    assert all(survey.simulators.faults.get(fault).played for fault in faults), "a fault was never met"
    if quirk.fails is None:
        if quirk.meanwhile is None and not quirk.settles:
            survey.is_right(run)
            return run
        survey.is_between(run, earlier, survey.truth())
        quirk.mend(survey)
        survey.clock.advance(timedelta(hours=1))
        survey.is_right(survey.sync(full=False))
        return run
    survey.failed_honestly(run, before)
    assert quirk.fails in str(run.error), run.error
    survey.simulators.faults.clear()
    survey.switch(**usual)
    quirk.mend(survey)
    survey.clock.advance(timedelta(hours=1))
    survey.is_right(survey.sync(full=quirk.full))
    return run


def wire(settings: Mapping[str, Any], url: str, folder: Path, clock: HurriedClock) -> Provisor:
    """Provisor over a store that has its tables."""
    policy = folder / "policy.yaml"
    policy.write_text("ticket: {project: ACC}\nrules: []\n", encoding="utf-8")
    whole = Settings.model_validate({"provisioning": "on", "policy": policy, "store": {"url": url}, **settings})
    return compose(whole, Bench(), clock=clock, store=Store(Database(url, pool_size=8)))


def wide(**more: Any) -> dict[str, Any]:
    """A rate budget that nobody waits for."""
    return {"rate": 10_000, "burst": 10_000, "concurrency": 4, **more}


def simulate(**worlds: World | bool) -> Simulators:
    return Simulators(**worlds)  # type: ignore[arg-type] # each by its name
