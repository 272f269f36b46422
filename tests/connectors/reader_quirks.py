"""Ways in which a service is not what one would wish, and what a reader has to make of each: the truth, or a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from access.failures import Failure
from connectors.reading import Incomplete, Reader
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act, dump
from tests.connectors.snapshot_engine import take
from tests.connectors.snapshot_truth import Truth, difference, is_between, shown

HTML = "<html><body><h1>Bad gateway</h1></body></html>"

#: Answers that are worth another try, whatever the call.
PASSING: dict[str, dict[str, Any]] = {
    "an HTML page and 502": {"status": 502, "body": HTML},
    "a connection that breaks in the body": {"break_after": 300},
    "a connection that ends before an answer": {"drop": "before"},
    "a connection that is reset after the call": {"drop": "after", "reset": True},
}

#: Answers that fail the list they come for, and what the failure says.
FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "half a body": ({"truncate_to": 300}, "was not JSON"),
    "an HTML page and 200": ({"status": 200, "body": HTML}, "was not JSON"),
    "an outage": ({"status": 503}, "503"),
    "another shape": ({"status": 200, "body": {"rows": 1}}, "a shape Provisor does not"),
    "a redirect": ({"status": 302, "headers": {"location": "http://elsewhere.example/"}}, "redirect"),
    "a call that is gone": ({"status": 410}, "needs an update"),
    "a refused credential": ({"status": 401}, "refused Provisor's"),
}


@dataclass
class QuirkySystem:
    """A simulated system, a reader of it, and the truth."""

    simulators: Simulators
    world: Any
    reader: Callable[[], Reader]
    truth_of: Callable[[Mapping[str, Any]], Truth]
    #: The Jira site below an organization, where ``world`` is that.
    site: Any = None

    def act(self, verb: str, /, **details: Any) -> Any:
        return act(self.world, verb, **details)

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def truth(self) -> Truth:
        return self.truth_of(dump(self.site or self.world))


Act = Callable[[QuirkySystem], object]


def nothing(_: QuirkySystem) -> object:
    return None


@dataclass(frozen=True)
class Quirk:
    """One quirk. ``switches`` are turned and ``change`` happens before the reader reads, ``faults`` are played to it.

    ``meanwhile`` is somebody who acts while a request for the path is on its way, ``after`` so many of them. ``fails`` is
    what the failure has to say, None where the snapshot has to be right; with ``late`` it may show what was before.
    """

    name: str
    switches: Mapping[str, Any] = field(default_factory=dict)
    change: Act = nothing
    faults: Sequence[Mapping[str, Any]] = ()
    meanwhile: tuple[str, Act] | None = None
    after: int = 0
    fails: str | None = None
    late: bool = False

    def __str__(self) -> str:
        return self.name


def survive(system: QuirkySystem, quirk: Quirk) -> None:
    """Read the system once, and judge what comes of it."""
    reader, earlier = system.reader(), system.truth()
    system.switch(**quirk.switches)
    quirk.change(system)
    faults = [system.simulators.faults.add(**fault) for fault in quirk.faults]
    path, act = quirk.meanwhile or ("", nothing)
    with meanwhile(system.simulators, path, lambda: act(system), after=quirk.after):
        if quirk.fails is not None:
            with pytest.raises((Failure, Incomplete), match=quirk.fails):
                take(reader)
        else:
            seen = shown(take(reader).rows)
    assert all(system.simulators.faults.get(fault).played for fault in faults), "a fault was never met"
    if quirk.fails is None and (quirk.meanwhile is not None or quirk.late):
        assert is_between(seen, earlier, system.truth())
    elif quirk.fails is None:
        assert difference(seen, system.truth()) == {}


@contextmanager
def meanwhile(simulators: Simulators, path: str, act: Callable[[], object], *, after: int = 0) -> Iterator[None]:
    """Let somebody act while a request for ``path`` is on its way, ``after`` so many of them; nobody without a path."""
    if not path:
        yield
        return
    fault = simulators.faults.add(path=path, hold="before", after=after)
    failures: list[BaseException] = []

    def wait_and_act() -> None:
        try:
            if simulators.faults.wait_until(fault, holding=1, timeout=300):
                act()
        except BaseException as exc:  # noqa: BLE001 - it is for the test's own thread to raise
            failures.append(exc)
        finally:
            simulators.faults.release(fault)

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    try:
        yield
    finally:
        thread.join(310)
    assert failures == []
    assert simulators.faults.get(fault).played == 1, f"nothing asked for {path}"


def breakages(system: str, *paths: str) -> list[Quirk]:
    """Each breakage of an answer on the lists at these paths in turn: once where it passes, always where it fails."""
    passing = [
        Quirk(f"{what}, once", faults=[{"system": system, "path": paths[number % len(paths)], **fault}])
        for number, (what, fault) in enumerate(PASSING.items())
    ]
    failing = [
        Quirk(
            f"{what}, always",
            faults=[{"system": system, "path": paths[number % len(paths)], "times": None, **fault}],
            fails=why,
        )
        for number, (what, (fault, why)) in enumerate(FAILING.items())
    ]
    return passing + failing
