"""Whose fault (C), over both simulated systems: nothing ends for a fault that passes, and what comes too late leaves nothing.

``tests/tasks/test_faults_pass.py`` tries every status and body against doubles; here the connectors meet what HTTP can do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from access.lifecycle import ClaimState, RequestState
from access.policy import GIVE_WITHIN
from store.database import Database
from store.unit_of_work import Store
from tests.fakes.local_stack import START, TERMS
from tests.fakes.passing_faults import PASSING, SILENT
from tests.flow.simulated_world import KINDS, Example, World
from tests.larger import larger
from tests.proof import Case, Kept, Lost, Proof, promise

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NUMBERS = count(1)
OPTIONS = replace(TERMS, retry=replace(TERMS.retry, longest_wait=10 * MINUTE, credential_wait=MINUTE))

FAULTS = (*sorted(PASSING), SILENT)
#: Each fault has cases of its own, so that none fires by chance alone.
TRIALS = pytest.mark.parametrize(
    ("faults", "trials"),
    [
        pytest.param(FAULTS, 3, id="any"),
        *(
            pytest.param((each,), larger(2, share=0.5 / len(FAULTS)), marks=pytest.mark.long, id=each)
            for each in FAULTS
        ),
    ],
)
ACTIONS = ("standing", "timed", "revoke", "expiry", "deprovision")
WORK = st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(KINDS[:3])), min_size=1, max_size=5)


@dataclass(frozen=True)
class Outage:
    """A fault of all systems, or of the one that the first piece of work needs: for which calls, and for how long."""

    fault: str
    everywhere: bool
    method: str | None
    lasts: timedelta


def outages(faults: tuple[str, ...]) -> st.SearchStrategy[Outage]:
    return st.builds(
        Outage,
        fault=st.sampled_from(faults),
        everywhere=st.booleans(),
        method=st.sampled_from((None, None, "GET", "POST")),
        lasts=st.sampled_from((timedelta(seconds=11), 20 * MINUTE, 5 * HOUR, 30 * HOUR)),
    )


@dataclass
class Asked:
    """One piece of work, with the request that asks for it."""

    action: str
    one: Example
    request: str = ""

    def prepare(self) -> None:
        """What there is before the fault."""
        if self.action == "revoke":
            self.one.change_by_hand()
        elif self.action == "expiry":
            self.request = self.one.submit("grant", "grant", duration="PT30S")

    def ask(self) -> None:
        match self.action:
            case "standing":
                self.request = self.one.submit("grant", "grant")
            case "timed":
                self.request = self.one.submit("grant", "grant", duration="P30D")
            case "revoke":
                self.request = self.one.submit("revoke", "revoke")
            case "deprovision":
                self.request = self.one.submit("deprovision", "deprovision_account")

    def check(self, outage: Outage, case: Case) -> None:
        found = self.one.stack.request(self.request)
        there = self.one.holds()
        story = (self.action, self.one.kind, outage, found.state, found.reason, self.one.stack.clock.now() - START)
        if self.action == "timed" and found.state is RequestState.FAILED:
            promise(Lost, (found.reason or "").startswith("not given in time"), *story)
            promise(Lost, outage.lasts > GIVE_WITHIN, *story)
            promise(Kept, not there, *story)
            return
        giving = self.action in ("standing", "timed")
        if not giving:
            case.removal(done=not there and found.state is RequestState.DONE)
        promise(Lost, found.state is RequestState.DONE, *story)
        promise(Lost if giving else Kept, there is giving, *story)
        if self.action == "expiry":
            promise(Kept, self.one.stack.claim(self.request).state is ClaimState.ENDED, *story)
        if self.action != "deprovision":
            promise(Lost, self.one.stack.tickets_of(self.request) == [], "a ticket for what passes", *story)


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=4)
    yield Store(database)
    database.close()


@pytest.mark.timeout(1800)
@TRIALS
def test_c_nothing_ends_for_a_fault_that_passes_whichever_system_has_it(
    world: World, store: Store, faults: tuple[str, ...], trials: int
) -> None:
    proof = Proof("C", on=store.database.engine.dialect.name, faults=faults)

    @settings(
        max_examples=trials,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(outages(faults), WORK)
    def check(outage: Outage, work: list[tuple[str, str]]) -> None:
        with proof.case(outage, work) as case:
            stack = world.stack(store, first_ticket=next(NUMBERS) * 1_000_000, options=OPTIONS)
            asked = [
                Asked(action, Example(world, store, "account" if action == "deprovision" else kind, stack=stack))
                for action, kind in work
            ]
            try:
                for each in asked:
                    each.prepare()
                stack.run()
                system = None if outage.everywhere else asked[0].one.system
                world.faults.come(outage.fault, times=None, method=outage.method, system=system)
                for each in asked:
                    each.ask()
                stack.run(min(outage.lasts, 5 * MINUTE))
                if outage.lasts > 5 * MINUTE:
                    stack.clock.advance(outage.lasts - 5 * MINUTE)
                    stack.run()
            finally:
                world.faults.go()
                case.faults.update(world.faults.fired)
                world.faults.fired.clear()
            for _ in range(4):
                stack.run(12 * MINUTE)
                for each in asked:
                    each.one.work_on_tickets(truly=True)
            for each in asked:
                each.check(outage, case)

    check()
