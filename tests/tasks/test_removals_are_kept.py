"""Random lives in which nobody meddles: whatever comes in and whatever fails, the truth and the claims stay together.

The model is the smallest there is. The system held nothing before, so it may hold an access only while something of ours is at
that access, and it has to hold what an active claim stands on.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.entitlements import EntitlementRef
from access.lifecycle import ENDS, ClaimState, OperationState, RequestState
from access.methods import Direction
from access.operations import access_key
from store.unit_of_work import Store
from tasks.decisions import Decisions, NotPossible
from tests.fakes.faults import Fault
from tests.fakes.local_stack import LocalStack
from tests.larger import larger
from tests.proof import Case, Kept, Lost, Proof, Wrongful, promise
from ticketing.ports import Phase

NUMBERS = count()
GROUPS = ("api", "by-hand")
LIVING = (ClaimState.PENDING, ClaimState.ACTIVE, ClaimState.ENDING)
#: What happens: a word, and the parts that its kind has.
Step = tuple[Any, ...]
PASSING = (Fault.BUSY, Fault.THROTTLED, Fault.LOST, Fault.LOST_UNDONE, Fault.LOCKED_OUT, Fault.BUG, Fault.KILLED_AFTER)

who, groups = st.sampled_from((0, 1)), st.sampled_from(GROUPS)
TIME = st.tuples(st.just("time"), st.sampled_from((1, 10, 70)))
CALM = st.one_of(
    st.tuples(st.just("grant"), who, groups, st.sampled_from((0, 5, 60)), st.booleans()),
    st.tuples(st.just("revoke"), who, groups, st.just(0), st.booleans()),
    TIME,
)
STEPS = st.one_of(
    CALM,
    st.tuples(st.just("claim_of"), who, groups, st.integers(0, 9), st.booleans()),
    st.tuples(st.just("deprovision"), who),
    st.tuples(st.just("suspend"), who),
    st.tuples(st.just("fault"), st.lists(st.sampled_from((Fault.FINE, *PASSING)), min_size=1, max_size=6)),
    st.tuples(st.just("outage"), st.sampled_from((Fault.BUSY, Fault.LOCKED_OUT)), st.integers(5, 40)),
    st.tuples(st.just("lag"), st.sampled_from((0, 5, 15))),
    st.tuples(st.just("stale")),
    st.tuples(st.just("protect"), groups),
    st.tuples(st.just("people"), st.booleans()),
    TIME,
)


def lives_with(faults: Sequence[Fault]) -> st.SearchStrategy[list[Step]]:
    """Lives in which one of these faults meets a request for certain, before others may keep it from being tried."""
    meeting = st.tuples(
        *(st.just("meet"), st.sampled_from(faults), st.integers(1, 3)),
        *(who, groups, st.sampled_from(("grant", "revoke"))),
    )
    before, after = st.lists(CALM, max_size=4), st.lists(STEPS, min_size=2, max_size=20)
    return st.builds(lambda first, met, then: [*first, met, *then], before, meeting, after)


class Life:
    """One example: two people and two groups of its own, in a store that examples share."""

    def __init__(self, store: Store) -> None:
        self.number = next(NUMBERS)
        self.people = tuple(f"u{self.number}-{each}" for each in "ab")
        self.stack = LocalStack.over(store)
        self.stack.tickets.made = self.number * 1000
        self.stack.system.accounts = {each: f"{each}@example.com" for each in self.people}
        self.requests: list[str] = []
        self.accesses = [(each, self.ref(group)) for each in self.people for group in GROUPS]

    def ref(self, group: str) -> str:
        return f"jumpcloud:group:{group}-{self.number}:member"

    def submit(self, action: str, person: int, group: str | None, *, by_id: bool, **more: str) -> None:
        account = self.people[person]
        subject = {"id": account} if by_id else {"email": f"{account}@example.com"}
        about = {"system": "jumpcloud"} if group is None else {"entitlement": self.ref(group)}
        self.requests.append(f"q{self.number}-{len(self.requests)}")
        self.stack.submit(id=self.requests[-1], action=action, subject=subject, **about, **more)

    def take(self, step: Step) -> None:
        match step:
            case ("grant", person, group, seconds, by_id):
                duration = {"duration": f"PT{seconds}S"} if seconds else {}
                self.submit("grant", person, group, by_id=by_id, **duration)
            case ("revoke", person, group, _, by_id):
                self.submit("revoke", person, group, by_id=by_id)
            case ("claim_of", person, group, which, by_id):
                self.submit("revoke", person, group, by_id=by_id, claim_of=f"q{self.number}-{which}")
            case ("deprovision", person):
                self.submit("deprovision_account", person, None, by_id=True)
            case _:
                self.happen(step)

    def happen(self, step: Step) -> None:
        """What comes from outside and is no request."""
        system = self.stack.system
        match step:
            case ("suspend", person):
                system.suspended.add(self.people[person])
            case ("fault", faults):
                system.faults.forecast(*faults)
            case ("meet", fault, times, person, group, action):
                system.faults.forecast(*[fault] * times)
                self.submit(action, person, group, by_id=True)
                self.stack.run(timedelta(seconds=10))
            case ("outage", fault, calls):
                system.faults.forecast(*[fault] * calls)
            case ("lag", seconds):
                system.lag = timedelta(seconds=seconds)
            case ("stale",):
                system.stale.append(False)
            case ("protect", group):
                system.by_person[self.ref(group)] = "it is protected"
            case ("people", willing):
                self.work_on_tickets(willing=willing)
            case ("time", seconds):
                self.stack.run(timedelta(seconds=seconds))

    def work_on_tickets(self, *, willing: bool) -> None:
        for issue in self.stack.tickets.open_issues():
            with self.stack.store.read() as work:
                operation = work.operations.get(issue.draft.data["operation"])
            assert operation is not None
            assert operation.account_id is not None
            wanted = operation.state is OperationState.WITH_PERSON
            if willing and wanted and operation.entitlement.path:
                present = operation.direction.wants_present
                self.stack.system.change(operation.account_id, str(operation.entitlement), present=present)
            elif willing and wanted:
                self.stack.system.suspended.add(operation.account_id)
            issue.phase = Phase.DONE if willing else Phase.DECLINED

    def check(self) -> None:
        with self.stack.store.read() as work:
            for account, ref in self.accesses:
                key = access_key(account, None, EntitlementRef.parse(ref))
                claims = work.claims.on(key, states=LIVING)
                active = [claim for claim in claims if claim.state is ClaimState.ACTIVE]
                there = self.stack.system.has(account, ref)
                if account not in self.stack.system.suspended:
                    promise(Kept, not there or claims or work.operations.not_over_at(key), account, ref)
                promise(Wrongful, there or not active, account, ref, active)
            for request_id in self.requests:
                for operation in work.operations.of_request(request_id):
                    taking = operation.direction is Direction.TAKE
                    promise(Lost, not (taking and operation.state is OperationState.FAILED), operation)

    def end(self, case: Case) -> None:
        """Faults pass, people do what they are asked, and somebody decides what is blocked."""
        system = self.stack.system
        system.faults.clear()
        system.stale.clear()
        system.lag = timedelta(0)
        decisions = Decisions(self.stack.store, self.stack.clock, by="grace")
        for _ in range(12):
            self.stack.run(timedelta(seconds=45))
            self.work_on_tickets(willing=True)
            for request_id in self.requests:
                with suppress(NotPossible):  # nothing of it waits
                    decisions.retry(request_id, reason="mended")
                whose = self.stack.request(request_id).message.who
                account = whose.id or next(key for key, email in system.accounts.items() if email == whose.email)
                with suppress(NotPossible):  # it is not blocked, or not for want of proof
                    decisions.settle_account(request_id, account, reason="looked it up")
        self.check()
        with self.stack.store.read() as work:
            for account, ref in self.accesses:
                key = access_key(account, None, EntitlementRef.parse(ref))
                ending = work.claims.on(key, states=(ClaimState.ENDING,))
                for _ in ending:
                    case.removal(done=False)
                promise(Lost, not ending, ending)
                promise(Lost, not work.claims.on(key, states=(ClaimState.PENDING,)), account, ref)
                promise(Lost, not work.operations.not_over_at(key), account, ref)
                for _ in work.claims.on(key, states=(ClaimState.ENDED,)):
                    case.removal(done=True)
            for request_id in self.requests:
                found = work.requests.get(request_id)
                assert found is not None
                promise(Lost, found.state in ENDS["request"], found)
                taking = found.message.action.direction is Direction.TAKE
                promise(Lost, not (taking and found.state is RequestState.FAILED), found)


@pytest.mark.parametrize(
    ("faults", "lives"),
    [
        pytest.param(PASSING, 6, id="any"),
        *(
            pytest.param((each,), larger(3, share=0.9 / len(PASSING)), marks=pytest.mark.long, id=each)
            for each in PASSING
        ),
    ],
)
def test_access_is_there_only_while_something_holds_it_and_as_long_as_a_claim_does(
    shared_store: Store, faults: Sequence[Fault], lives: int
) -> None:
    proof = Proof("F", on=shared_store.database.engine.dialect.name, faults=faults)

    @settings(
        max_examples=lives,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )
    @given(steps=lives_with(faults))
    def live(steps: list[Step]) -> None:
        with proof.case(steps) as case:
            life = Life(shared_store)
            for step in steps:
                life.take(step)
                life.check()
            life.end(case)
            case.faults.update(life.stack.system.faults.fired)

    live()
