"""The simulated outside: two systems, a ticketing system, and the weather in which they are called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar, cast

from access.clock import Clock
from access.entitlements import ResourceKind, System
from checks.simulation.points import Points, Side
from connectors.reading import (
    AccountKind,
    AccountRow,
    AccountStatus,
    GrantRow,
    PrincipalKind,
    ResourceRow,
    Row,
)
from tests.fakes.faults import Fault, FaultPlan
from tests.fakes.readable_system import FakeReadableSystem
from tests.fakes.system import FakeSystem
from tests.fakes.tickets import FakeTickets
from ticketing.ports import TicketDraft, TicketRef

T = TypeVar("T")

#: What single calls meet. A refusal for good comes to changes of access alone, which a person is asked for then.
_PASSING = (Fault.BUSY, Fault.THROTTLED, Fault.PUT_OFF, Fault.LOST, Fault.LOST, Fault.LOST_UNDONE, Fault.BUG)
LASTING = (Fault.BUSY, Fault.LOST_UNDONE, Fault.LOCKED_OUT, Fault.THROTTLED, Fault.LOST)

#: How often a call meets a fault in rough weather, and how often a change is accepted that does not happen.
_ROUGH, _UNTRUE, _REFUSED = 0.06, 0.03, 0.004

#: How long the search of issues lags: less than ``look_for`` of the tests' terms.
_INDEX_LAG = timedelta(seconds=20)


class Weather(FaultPlan):
    """What calls to one place meet. Each call is a crash point, and a point where others may run."""

    def __init__(self, points: Points, rng: Random, *, place: str, changes: bool) -> None:
        super().__init__()
        self._points, self._rng, self._place, self._changes = points, rng, place, changes
        self.rough = True

    def clear(self) -> None:
        """Fair from now on."""
        super().clear()
        self.rough = False

    def pass_over(self) -> None:
        """What lasted is over."""
        self.lasting = Fault.FINE

    def call(self, effect: Callable[[], T], *, writes: bool, repeatable: bool = True, about: str = "") -> T:
        """Make a call; what is accepted and not done returns nothing, as changes of access do."""
        what = f"{self._place} {sys._getframe(1).f_code.co_name}"  # noqa: SLF001 - the name of the port's method
        self._points.pause()
        self._points.reach(what, Side.BEFORE)
        change = writes and self._changes
        if self.rough:
            if self._rng.random() < _ROUGH:
                self.forecast(self._rng.choice(_PASSING))
            elif change and self._rng.random() < _REFUSED:
                self.forecast(Fault.REFUSED)
            elif change and self._rng.random() < _UNTRUE:
                self.fired["accepted and not done"] += 1
                effect = cast("Callable[[], T]", _nothing)
        result = super().call(effect, writes=writes, repeatable=repeatable, about=about)
        self._points.reach(what, Side.AFTER)
        self._points.pause()
        return result


def _nothing() -> None:
    """A 204 that changed nothing."""


class SimulatedTickets(FakeTickets):
    """A ticketing system whose search shows an issue some time after it was made."""

    def __init__(self, clock: Clock, weather: Weather) -> None:
        super().__init__()
        self.faults = weather
        self._clock = clock
        self.made_at: dict[str, datetime] = {}

    def _create(self, draft: TicketDraft) -> TicketRef:
        ref = super()._create(draft)
        self.made_at[ref.id] = self._clock.now()
        return ref

    def _marked(self, marker: str) -> list[TicketRef]:
        shown = self._clock.now() - _INDEX_LAG
        return [ref for ref in super()._marked(marker) if self.made_at[ref.id] <= shown]


class Readable(FakeReadableSystem):
    """What snapshots are read from: the lists of the simulated system, a page a call."""

    def __init__(self, system: FakeSystem, groups: Sequence[str]) -> None:
        super().__init__(page=40)
        self.when_read = lambda _part: system.faults.call(_nothing, writes=False)
        self.when_proved = lambda: system.faults.call(_nothing, writes=False)
        self._of, self._groups = system, groups

    def _rows(self, name: str, about: Mapping[str, str]) -> list[Row]:
        if name == "users":
            return [
                AccountRow(key, AccountKind.USER, email, AccountStatus.ACTIVE, key, email, "profile")
                for key, email in self._of.accounts.items()
            ]
        if name == "groups":
            return [ResourceRow(ResourceKind.GROUP, group, group) for group in self._groups]
        ref = f"jumpcloud:group:{about['group']}:member"
        held = [who for who in self._of.accounts if self._of.has(who, ref)]
        return [GrantRow(ResourceKind.GROUP, about["group"], PrincipalKind.ACCOUNT, who) for who in held]


def simulated_system(clock: Clock, weather: Weather, accounts: dict[str, str], system: System) -> FakeSystem:
    """A system whose calls meet this weather."""
    found = FakeSystem(clock, accounts=accounts, system=system)
    found.faults = weather
    return found
