"""Generated faults meet generated work: nothing ends for a fault that passes, and what is not given in time leaves nothing.

The answers are judged as the connectors judge them: status and body become a failure word by the one table of the product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count, product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.failures import Failure, Permanent, Transient
from access.lifecycle import ClaimState, OperationState, RequestState
from access.policy import GIVE_WITHIN
from connectors.jira.client import credential_remedy, is_jiras_own
from httpclient import Call, Dialect, Response
from httpclient.errors import verdict
from store.unit_of_work import Store
from tests.fakes.local_stack import START, TERMS, TICKET_TERMS, LocalStack
from tests.larger import larger
from tests.proof import Case, Kept, Lost, Proof, promise
from ticketing.ports import Phase

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NUMBERS = count()
PEOPLE = 4
OPTIONS = replace(TERMS, retry=replace(TERMS.retry, longest_wait=10 * MINUTE, credential_wait=MINUTE))
DIALECT = Dialect(owns=is_jiras_own, credential_remedy=credential_remedy)
#: Jira's own words, a site that is away, a page of something in between, nothing, and JSON that is no answer.
BODIES = (
    {"errorMessages": ["No."], "errors": {}},
    {"errorMessage": "Site temporarily unavailable", "errorCode": "OTHER"},
    "<html>Sign in</html>",
    None,
    [{"status": "unavailable"}],
)
STATUSES = (302, 400, 401, 402, 403, 404, 407, 409, 410, 423, 429, 451, 500, 502, 503)


@dataclass(frozen=True)
class Outage:
    """What calls are answered with: ``status`` None is no answer at all. ``hits`` names whose calls, None for everybody's."""

    status: int | None
    body: object
    on_reads: bool
    on_writes: bool
    in_ticketing: bool
    hits: int | None
    lasts: timedelta

    def failure(self, *, writes: bool) -> Failure | None:
        """The failure word for a call, by the product's own table."""
        if not (self.on_writes if writes else self.on_reads):
            return None
        if self.status is None:
            return Transient("The connection was refused.")
        call = Call(method="PUT" if writes else "GET", route="/x")
        try:
            verdict(
                call, Response(self.status, {}, self.body), system="it", dialect=DIALECT, between="See it.", now=START
            )
        except Failure as failure:
            return failure
        return None

    @property
    def refuses(self) -> bool:
        """Whether the service refuses the very change in its own words: then a person is asked."""
        return self.on_writes and isinstance(failure := self.failure(writes=True), Permanent) and failure.status != 403


def _answers() -> Mapping[str, Sequence[tuple[int | None, object]]]:
    """What calls may be answered with, by the failure word that it is."""
    found: dict[str, list[tuple[int | None, object]]] = {}
    for status, body in [(None, None), *product(STATUSES, BODIES)]:
        outage = Outage(status, body, on_reads=True, on_writes=True, in_ticketing=False, hits=None, lasts=MINUTE)
        failure = outage.failure(writes=True)
        assert failure is not None, (status, body)
        found.setdefault(failure.word, []).append((status, body))
    return found


ANSWERS = _answers()


def outages(words: Sequence[str]) -> st.SearchStrategy[Outage]:
    def outage(answer: tuple[int | None, object], on: tuple[bool, bool], **more: Any) -> Outage:
        return Outage(*answer, on_reads=on[0], on_writes=on[1], **more)

    return st.builds(
        outage,
        answer=st.sampled_from(words).flatmap(lambda word: st.sampled_from(ANSWERS[word])),
        on=st.sampled_from(((True, True), (True, False), (False, True))),
        in_ticketing=st.booleans(),
        hits=st.none() | st.integers(0, PEOPLE - 1),
        lasts=st.sampled_from((timedelta(seconds=11), 20 * MINUTE, 5 * HOUR, 23 * HOUR, 30 * HOUR)),
    )


kinds = st.sampled_from(("standing", "timed", "revoke", "expiry", "ticket", "taken by ticket", "deprovision"))


class Trial:
    """One example: people of its own, in a store that examples share."""

    def __init__(self, store: Store, outage: Outage) -> None:
        self.number = next(NUMBERS)
        self.outage = outage
        self.stack = LocalStack.over(store, options=OPTIONS, ticket_terms=replace(TICKET_TERMS, poll=MINUTE))
        self.stack.tickets.made = self.number * 1000
        self.people = [f"u{self.number}-{each}" for each in range(PEOPLE)]
        self.stack.system.accounts = {each: f"{each}@example.com" for each in self.people}
        #: What was asked for: the request, its kind, who, and which access.
        self.work: list[tuple[str, str, str, str]] = []

    def ask(self, kind: str, person: int) -> None:
        request, account = f"q{self.number}-{len(self.work)}", self.people[person]
        by_hand = "by-hand-" if "ticket" in kind else ""
        ref = f"jumpcloud:group:{by_hand}g{len(self.work)}-{self.number}:member"
        self.work.append((request, kind, account, ref))
        give = {"id": request, "action": "grant", "subject": {"id": account}, "entitlement": ref}
        if kind == "expiry":
            self.stack.submit(**give, duration="PT30S")
            self.stack.run()
        elif kind in ("revoke", "taken by ticket"):
            self.stack.system.change(account, ref, present=True)
        elif kind == "deprovision":  # of somebody for whom nothing else is asked
            self.work[-1] = (request, kind, f"{account}-{len(self.work)}", ref)
            self.stack.system.accounts[self.work[-1][2]] = f"{request}@example.com"

    def ask_during_the_fault(self) -> None:
        for request, kind, account, ref in self.work:
            about = {"id": request, "subject": {"id": account}, "entitlement": ref}
            if kind in ("revoke", "taken by ticket"):
                self.stack.submit(**about, action="revoke")
            elif kind == "deprovision":
                who = {"id": request, "subject": {"id": account}, "system": "jumpcloud"}
                self.stack.submit(**who, action="deprovision_account")
            elif kind != "expiry":
                self.stack.submit(**about, action="grant", **({"duration": "P30D"} if kind == "timed" else {}))

    def suffer(self) -> None:
        whose = None if self.outage.hits is None else self.people[self.outage.hits]
        plan = (self.stack.tickets if self.outage.in_ticketing else self.stack.system).faults
        plan.outage = lambda writes, about: self.outage.failure(writes=writes) if whose in (None, about) else None
        self.ask_during_the_fault()
        self.stack.run(min(self.outage.lasts, 5 * MINUTE))
        if self.outage.lasts > 5 * MINUTE:
            self.stack.clock.advance(self.outage.lasts - 5 * MINUTE)
            self.stack.run()
        plan.outage = lambda _writes, _about: None

    def heal(self) -> None:
        for _ in range(4):
            self.stack.run(12 * MINUTE)
            for issue in self.stack.tickets.open_issues():
                with self.stack.store.read() as work:
                    operation = work.operations.get(issue.draft.data["operation"])
                assert operation is not None
                assert operation.account_id is not None
                if operation.entitlement.path:
                    present = operation.direction.wants_present
                    self.stack.system.change(operation.account_id, str(operation.entitlement), present=present)
                else:
                    self.stack.system.suspended.add(operation.account_id)
                issue.phase = Phase.DONE

    def check(self, case: Case) -> None:
        for request, kind, account, ref in self.work:
            found = self.stack.request(request)
            there = self.stack.system.has(account, ref)
            story = (kind, self.outage, found.state, found.reason, self.stack.clock.now() - START)
            if kind == "timed" and found.state is RequestState.FAILED:
                promise(Lost, (found.reason or "").startswith("not given in time"), *story)
                promise(Lost, self.outage.lasts > GIVE_WITHIN, *story)
                promise(Kept, not there, *story)
                continue
            giving = kind in ("standing", "timed", "ticket")
            if not giving:
                case.removal(done=found.state is RequestState.DONE and not there)
            promise(Lost, found.state is RequestState.DONE, *story)
            promise(Lost if giving else Kept, there is giving, *story)
            if kind == "expiry":
                promise(Kept, self.stack.claim(request).state is ClaimState.ENDED, *story)
            promise(Kept, (account in self.stack.system.suspended) is (kind == "deprovision"), *story)
            if "ticket" not in kind and kind != "deprovision" and not self.outage.refuses:
                promise(Lost, self.stack.tickets_of(request) == [], "a ticket for what passes", *story)
        with self.stack.store.read() as work:
            for request, *_ in self.work:
                for operation in work.operations.of_request(request):
                    assert operation.state in (OperationState.DONE, OperationState.FAILED, OperationState.DROPPED)
        self.stack.services.faults.tidy()
        with self.stack.store.read() as work:
            assert work.faults.all() == []
            assert work.alarms.lasting() == []


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("words", "trials"),
    [
        pytest.param(tuple(ANSWERS), 6, id="any"),
        *(
            pytest.param((word,), larger(7, share=0.5 / len(ANSWERS)), marks=pytest.mark.long, id=word)
            for word in ANSWERS
        ),
    ],
)
def test_nothing_ends_for_a_fault_that_passes_and_what_comes_too_late_leaves_nothing(
    shared_store: Store, words: Sequence[str], trials: int
) -> None:
    told = [f"answered with {word}" for word in words]
    proof = Proof("C", on=shared_store.database.engine.dialect.name, faults=told)

    @settings(
        max_examples=trials,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(outage=outages(words), work=st.lists(st.tuples(kinds, st.integers(0, PEOPLE - 1)), min_size=1, max_size=8))
    def run(outage: Outage, work: list[tuple[str, int]]) -> None:
        with proof.case(outage, work) as case:
            trial = Trial(shared_store, outage)
            for kind, person in work:
                trial.ask(kind, person)
            trial.suffer()
            trial.heal()
            trial.check(case)
            case.faults.update(trial.stack.system.faults.fired + trial.stack.tickets.faults.fired)

    run()
