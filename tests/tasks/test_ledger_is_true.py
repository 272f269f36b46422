"""Random lives of claims: the ledger tells of each access what the system's own journal shows, whatever failed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.entitlements import EntitlementRef
from access.lifecycle import ClaimState, OperationState, RequestState
from access.operations import Claim, access_key
from store.database import Database
from store.unit_of_work import Store
from tasks.decisions import Decisions, NotPossible
from tests.fakes.faults import Fault
from tests.fakes.local_stack import LocalStack
from tests.larger import larger
from ticketing.ports import Phase

NUMBERS = count()
GROUPS = ("api", "by-hand")
PASSING = (
    Fault.BUSY,
    Fault.THROTTLED,
    Fault.PUT_OFF,
    Fault.LOST,
    Fault.LOST_UNDONE,
    Fault.LOCKED_OUT,
    Fault.KILLED_AFTER,
)
LASTING = (Fault.BUSY, Fault.PUT_OFF, Fault.LOCKED_OUT, Fault.FORBIDDEN)
Span = tuple[datetime, datetime]

groups = st.sampled_from(GROUPS)
STEPS = st.one_of(
    st.tuples(st.just("grant"), groups, st.sampled_from((0, 5, 60, 600))),
    st.tuples(st.just("grant"), groups, st.sampled_from((5, 60))),
    st.tuples(st.just("revoke"), groups),
    st.tuples(st.just("fault"), st.lists(st.sampled_from((Fault.FINE, *PASSING)), min_size=1, max_size=6)),
    st.tuples(st.just("outage"), st.sampled_from(LASTING), st.integers(5, 300)),
    st.tuples(st.just("tickets away"), st.integers(5, 100)),
    st.tuples(st.just("lag"), st.sampled_from((0, 5, 15))),
    st.tuples(st.just("taken"), groups),
    st.tuples(st.just("people"), st.sampled_from(("do", "do and forget", "lie", "decline"))),
    st.tuples(st.just("time"), st.sampled_from((1, 10, 70, 700))),
)


class Life:
    """One example: a person of its own, in a store that examples share."""

    def __init__(self, store: Store) -> None:
        self.number = next(NUMBERS)
        self.person = f"u{self.number}"
        self.longest_lag = timedelta(0)
        self.requests = 0
        self.stack = LocalStack.over(store)
        self.stack.tickets.made = self.number * 1000
        self.stack.system.accounts = {self.person: f"{self.person}@example.com"}

    def step(self, what: str, *details: object) -> None:
        stack, system = self.stack, self.stack.system
        match what, *details:
            case "grant", str(group), int(seconds):
                more = {"duration": f"PT{seconds}S"} if seconds else {}
                self.ask("grant", group, **more)
            case "revoke", str(group):
                self.ask("revoke", group)
            case "fault", list(faults):
                system.faults.forecast(*faults)
            case "outage", Fault() as fault, int(seconds):
                system.faults.lasting = fault
                stack.run(timedelta(seconds=seconds))
                system.faults.lasting = Fault.FINE
            case "tickets away", int(seconds):
                stack.tickets.faults.lasting = Fault.BUSY
                stack.run(timedelta(seconds=seconds))
                stack.tickets.faults.lasting = Fault.FINE
            case "lag", int(seconds):
                system.lag = timedelta(seconds=seconds)
                self.longest_lag = max(self.longest_lag, system.lag)
            case "taken", str(group):
                system.change(self.person, written(group), present=False)
            case "people", str(how):
                self.work_on_tickets(how)
            case "time", int(seconds):
                stack.run(timedelta(seconds=seconds))
        stack.run()

    def ask(self, action: str, group: str, **more: str) -> None:
        self.requests += 1
        subject = {"id": self.person}
        name = f"{self.person}-{self.requests}"
        self.stack.submit(id=name, action=action, subject=subject, entitlement=written(group), **more)

    def work_on_tickets(self, how: str) -> None:
        for issue in self.stack.tickets.open_issues():
            with self.stack.store.read() as work:
                operation = work.operations.get(issue.draft.data["operation"])
            assert operation is not None
            if how.startswith("do"):
                ref = str(operation.entitlement)
                self.stack.system.change(self.person, ref, present=operation.direction.wants_present)
            if how != "do and forget":
                issue.phase = Phase.DECLINED if how == "decline" else Phase.DONE

    def come_to_rest(self) -> None:
        """What fails passes, and people do their work."""
        self.stack.system.faults.clear()
        self.stack.tickets.faults.clear()
        self.stack.run(self.stack.system.lag)
        self.stack.system.lag = timedelta(0)
        decisions = Decisions(self.stack.store, self.stack.clock, by="grace")
        for _ in range(30):
            self.stack.run(timedelta(minutes=4))
            self.work_on_tickets("do")
            with self.stack.store.read() as work:
                blocked = [each.id for each in work.operations.recent(states=[OperationState.BLOCKED], limit=None)]
                ending = work.claims.recent(states=[ClaimState.ENDING], limit=None)
                alive = work.requests.recent(states=[RequestState.RECEIVED, RequestState.FULFILLING], limit=None)
            for each in blocked:
                with suppress(NotPossible):
                    decisions.retry_operation(each, reason="mended")
            if not blocked and not ending and not alive:
                return
        pytest.fail("it never came to rest")

    def check(self) -> None:
        for group in GROUPS:
            key = access_key(self.person, None, EntitlementRef.parse(written(group)))
            with self.stack.store.read() as work:
                told = [each for each in work.ledger.overstays() if each.whose.access_key == key]
                claims = work.claims.on(key, states=list(ClaimState))
                revokes = self.revokes(group)
            for each in told:
                assert sum(each.causes.values(), timedelta(0)) == each.total
            for one, other in pairwise(sorted(told, key=lambda each: each.since)):
                assert one.until <= other.since
            truth = self.truth(group, claims, revokes)
            total = sum((each.total for each in told), timedelta(0))
            bound = sum((each.bound for each in told), timedelta(0))
            within = bound + self.longest_lag * max(1, len(told))
            assert truth - self.longest_lag <= total <= truth + within, (group, truth, told)

    def revokes(self, group: str) -> list[tuple[int, datetime]]:
        """The requests to take this access away that were carried out: their order, and when each came in."""
        with self.stack.store.read() as work:
            return [
                (each.sequence, each.received_at)
                for each in work.requests.recent(states=[RequestState.DONE], limit=None)
                if each.message.action == "revoke"
                and str(each.message.entitlement) == written(group)
                and each.message.who.id == self.person
            ]

    def truth(self, group: str, claims: list[Claim] | object, revokes: list[tuple[int, datetime]]) -> timedelta:
        """How long the system held what no claim held, by its own journal, from the first claim or revoke on."""
        assert isinstance(claims, list)
        seen = [claim for claim in claims if claim.starts_at is not None]
        with self.stack.store.read() as work:
            order = work.requests.sequences([claim.request_id for claim in seen])
        spans = [(claim, *self.held(claim, order[claim.request_id], revokes)) for claim in seen]
        total = timedelta(0)
        for begin, end in self.there(group):
            inside = [(first, last) for _, first, last in spans if begin <= first <= end]
            known = [first for first, _ in inside] + [at for _, at in revokes if begin <= at < end]
            if known:
                total += uncovered((max(begin, min(known)), end), inside)
        return total

    def held(self, claim: Claim, sequence: int, revokes: list[tuple[int, datetime]]) -> Span:
        assert claim.starts_at is not None
        ends = [at for number, at in revokes if number > sequence]
        ends += [each for each in (claim.ends_at,) if each is not None]
        last = min(ends, default=self.stack.clock.now())
        return claim.starts_at, max(claim.starts_at, last)

    def there(self, group: str) -> Iterator[Span]:
        """When the access was there, by the system's own journal."""
        began = None
        for moment, present in self.stack.system.journal(self.person, written(group)):
            if present:
                began = moment
            elif began is not None:
                yield began, moment
                began = None
        if began is not None:
            yield began, self.stack.clock.now()


def uncovered(span: Span, by: list[Span]) -> timedelta:
    """How much of a time no other covers."""
    edges = sorted({*span, *(edge for each in by for edge in each if span[0] < edge < span[1])})
    return sum(
        (end - begin for begin, end in pairwise(edges) if not any(a <= begin and end <= b for a, b in by)),
        timedelta(0),
    )


def written(group: str) -> str:
    return f"jumpcloud:group:{group}:member"


@pytest.fixture
def lasting_store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


@pytest.mark.parametrize("examples", [6, pytest.param(larger(30, share=0.3), marks=pytest.mark.long)])
def test_the_ledger_says_what_the_journal_of_the_system_says(lasting_store: Store, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(first=groups, steps=st.lists(STEPS, min_size=4, max_size=14))
    def tell(first: str, steps: list[tuple[object, ...]]) -> None:
        life = Life(lasting_store)
        # Access that is over soon, so that what fails has something to keep.
        for what, *details in (("grant", first, 5), ("people", "do"), *steps):
            life.step(str(what), *details)
        life.come_to_rest()
        life.check()

    tell()
