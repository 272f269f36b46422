"""Random lives of addresses, while faults come and go: nobody but whom one means is touched, and nothing is done while the
access is there (A).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table

from access import email_address
from access.lifecycle import ENDS, STANDING, ClaimState, RequestState
from access.methods import Direction
from access.operations import Claim, Request
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from store.database import Database
from store.tables import known_emails, metadata, requests
from store.unit_of_work import Store
from tasks.decisions import Decisions
from tests.fakes.passing_faults import PASSING, SILENT
from tests.flow.simulated_people import MINUTE, JiraPeople, JumpCloudPeople, SimulatedPeople
from tests.larger import larger
from tests.proof import Case, Kept, Lost, Proof, Wrongful, promise

HOUR = timedelta(hours=1)
WHO = st.integers(0, 2)
REQUESTS = st.sampled_from(["grant", "grant for a time", "revoke", "deprovision_account", "create_account"])
CHANGES = st.sampled_from(["hide", "show", "move", "move hidden", "reuse", "reuse hidden", "close", "reinvite"])


def steps_about(who: int) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Steps that are mostly about one address: what befalls it, and requests that name it, take turns."""
    this = st.just(who) | st.just(who) | st.just(who) | WHO
    step = st.one_of(
        st.tuples(st.just("ask"), REQUESTS, this),
        st.tuples(st.just("ask"), REQUESTS, this),
        st.tuples(st.just("claim_of"), st.integers(0, 3), this),
        st.tuples(CHANGES, this),
        st.tuples(CHANGES, this),
        st.tuples(st.just("pose"), WHO, this),
        st.tuples(st.just("search"), st.sampled_from(["hit", "beginning", "none"])),
        st.tuples(st.just("longer"), this, st.sampled_from(["pany", ".au"])),
        st.tuples(st.just("fault"), st.sampled_from(sorted(PASSING)), st.integers(1, 6)),
        st.tuples(st.just("fault"), st.sampled_from((*sorted(PASSING), SILENT)), st.integers(1, 3)),
        st.tuples(st.just("time"), st.sampled_from([2, 90])),
    )
    return st.lists(step, min_size=4, max_size=12)


#: What a life of a few steps seldom is: the address of an account that Provisor made is somebody else's by now.
MOVED: list[tuple[Any, ...]] = [
    ("ask", "create_account", 2),
    ("search", "none"),
    ("move hidden", 2),
    ("ask", "grant", 2),
    ("reuse hidden", 2),
    ("ask", "grant", 2),
    ("ask", "revoke", 2),
    ("show", 2),
    ("time", 90),
]

#: Another than the one meant is all that a search for the beginnings of hidden addresses finds.
LONGER: list[tuple[Any, ...]] = [
    ("search", "beginning"),
    ("longer", 2, "pany"),
    ("ask", "grant", 2),
    ("ask", "create_account", 2),
    ("ask", "revoke", 2),
    ("ask", "deprovision_account", 2),
    ("time", 90),
]


class Life:
    """Three addresses and whoever has them by and by, requests about them, and the truth beside what Provisor does."""

    def __init__(self, people: SimulatedPeople, case: Case) -> None:
        self.people, self.case = people, case
        self.addresses = [f"p{i}-{token_hex(4)}@example.com" for i in range(3)]
        # The last address is nobody's at first: Provisor may make its account.
        self.accounts = [people.add(each) for each in self.addresses[:2]]
        people.join(self.accounts[0])
        self.by_hand = {self.accounts[0]}
        #: Accounts that were deprovisioned: nobody can use what they hold.
        self.shut: set[str] = set()
        #: Requests to take away, and to give, that are not over, each with the accounts that it may mean.
        self.open: dict[str, set[str]] = {}
        self.wanted: dict[str, set[str]] = {}
        #: Addresses for which an account was asked for.
        self.invited: set[str] = set()
        self.grants: list[str] = []
        self.asked = 0

    def take(self, step: tuple[Any, ...]) -> None:
        """Take a step, and compare the truth before and after."""
        before = self.members()
        due = [claim for claim in self.claims(ClaimState.ACTIVE, ClaimState.ENDING) if claim.ends_at is not None]
        kind, *details = step
        if kind == "ask":
            self.ask(*details)
        elif kind == "claim_of":
            self.claim_of(*details)
        elif kind == "time":
            self.people.stack.run(details[0] * MINUTE)
        elif kind == "fault":
            self.people.faults.come(details[0], times=details[1])
        else:
            self.change(kind, *details)
        self.check(before, {claim.account_id or "" for claim in due})

    def change(self, kind: str, who: Any, other: Any = 0) -> None:
        """Something happens to an address or its account."""
        if kind == "search":
            self.people.search(who)
            return
        if kind == "longer":
            self.lengthen(self.addresses[who] + str(other))
            return
        holder = self.people.holder(self.addresses[who])
        if holder is None and kind in ("reuse", "reuse hidden", "reinvite"):
            made = self.people.add(self.addresses[who], hidden=kind == "reuse hidden")
            self.accounts.append(made)
        elif holder is None:
            return
        elif kind in ("hide", "show"):
            self.people.change(holder, hidden=kind == "hide")
        elif kind in ("move", "move hidden"):
            self.people.change(holder, email=f"moved-{token_hex(4)}@example.com", hidden=kind == "move hidden")
        elif kind == "pose":
            self.people.pose(holder, self.addresses[other])
        elif kind == "close":
            self.people.leave(holder)
            self.accounts.remove(holder)

    def lengthen(self, longer: str) -> None:
        """Somebody else has an address that begins with another's, and hides it."""
        if self.people.holder(longer) is None:
            self.accounts.append(self.people.add(longer, hidden=True))

    def ask(self, what: str, who: int) -> None:
        """Ask for something by an address."""
        self.asked += 1
        name, email = f"r{token_hex(3)}-{self.asked}", self.addresses[who]
        holder = self.people.holder(email)
        meant = {holder} if holder is not None else set()
        action, more = (what, {}) if what != "grant for a time" else ("grant", {"duration": "PT1H"})
        if action == "grant":
            self.grants.append(name)
            self.wanted[name] = set(meant)
        if action == "create_account":
            self.invited.add(email)
        if action in ("revoke", "deprovision_account"):
            self.open[name] = meant | {claim.account_id or "" for claim in self.claims(*STANDING, email=email)}
        self.people.ask(name, action, {"email": email}, **more)
        self.people_work()

    def people_work(self) -> None:
        """People do what tickets ask."""
        deactivated = set(self.people.people_work())
        promise(Wrongful, deactivated <= set().union(*self.open.values()), "a ticket asks to deprovision somebody else")
        self.shut |= deactivated

    def claim_of(self, number: int, who: int) -> None:
        """Ask for what one grant gave to be taken away, whoever is named."""
        if number >= len(self.grants):
            return
        self.asked += 1
        name, grant = f"r{token_hex(3)}-{self.asked}", self.grants[number]
        with self.people.stack.store.read() as work:
            claim = work.claims.of_request(grant)
        self.open[name] = {claim.account_id} if claim is not None and claim.account_id else set()
        self.people.ask(name, "revoke", {"email": self.addresses[who]}, claim_of=grant)

    def check(self, before: set[str], due: set[str]) -> None:
        for email in self.addresses:
            if (holder := self.people.holder(email)) is not None and holder not in self.accounts:
                promise(Wrongful, email in self.invited, "an account was made that nobody asked for")
                self.accounts.append(holder)
        after = self.members()
        for name, meant in [*self.open.items(), *self.wanted.items()]:
            request = self.request(name)
            holder = self.people.holder(request.message.subject.email or "")
            # Whoever shows the address goes for the person meant only where nobody else may have been.
            if holder is not None and request.message.claim_of is None and not request.candidates:
                meant.add(holder)
        promise(Wrongful, after - before <= set().union(*self.wanted.values()), "somebody else was given the access")
        lost = (before & {*self.accounts}) - after
        promise(Wrongful, lost <= due.union(*self.open.values()), "the access was taken from somebody else")
        held = {claim.account_id for claim in self.claims(*STANDING)}
        writing = set() if self.people.stack.next_due() is None else set().union(*self.wanted.values())
        promise(Kept, after <= held | self.by_hand | self.shut | writing, "the access is there without a reason")
        self.by_hand &= after
        for name in [name for name in self.wanted if self.request(name).state in ENDS["request"]]:
            del self.wanted[name]
        for name in list(self.open):
            if self.request(name).state in ENDS["request"]:
                self.is_over(self.request(name), self.open.pop(name))

    def is_over(self, request: Request, meant: set[str]) -> None:
        """Compare a request to take access away, at its end, with the truth."""
        if request.state is not RequestState.DONE:
            promise(Lost, request.state in (RequestState.REFUSED, RequestState.WITHDRAWN), request)
            return
        self.case.removal(done=True)
        with self.people.stack.store.read() as work:
            claim = work.claims.of_request(request.message.claim_of) if request.message.claim_of else None
            operations = work.operations.of_request(request.id)
        promise(Kept, claim is None or claim.state in ENDS["claim"], "done while the claim that it names is alive")
        for taken in operations:  # There is none where another claim holds the access.
            assert taken.direction is Direction.TAKE
            promise(Wrongful, taken.account_id in meant, taken)
            if taken.entitlement.path and not self.claims(*STANDING, account=taken.account_id):
                promise(Kept, taken.account_id not in self.members(), "done while the access is there")

    def end(self) -> None:
        """Faults pass, and a person who knows the truth decides what is blocked: then every removal has an end."""
        self.people.faults.go()
        for _ in range(2):
            self.take(("time", 90))
            self.people_work()
        self.take(("time", 90))
        decisions = Decisions(self.people.stack.store, self.people.stack.clock, by="grace")
        for name, meant in list(self.open.items()):
            before = self.members()
            if self.request(name).state is RequestState.BLOCKED and meant:
                decisions.settle_account(name, min(meant), reason="asked them")
                self.people.stack.run(MINUTE)
                self.people_work()
                self.people.stack.run(MINUTE)
                promise(Wrongful, before - self.members() <= {min(meant)}, "somebody else lost it by a decision")
                ended = self.request(name)
                promise(Lost, ended.state in (RequestState.DONE, RequestState.REFUSED), ended)
                if ended.state is RequestState.DONE:
                    self.case.removal(done=True)
            elif meant:
                self.case.removal(done=False)
                raise Lost(self.request(name))
        promise(Lost, not self.wanted, self.wanted)

    def members(self) -> set[str]:
        return {account for account in self.accounts if self.people.has(account)}

    def claims(self, *states: ClaimState, email: str | None = None, account: str | None = None) -> list[Claim]:
        with self.people.stack.store.read() as work:
            if email is not None:
                key = email_address.normalized(email)
                return list(work.claims.of_subject(self.people.system, account_id=None, email=key, states=states))
            every = [
                claim
                for each in self.accounts
                for claim in work.claims.of_account(self.people.system, each, states=states)
                if str(claim.entitlement) == self.people.group
            ]
            return [claim for claim in every if account in (None, claim.account_id)]

    def request(self, name: str) -> Request:
        return self.people.stack.request(name)


def _of_requests() -> list[Table]:
    """What is stored of requests: their table, those that refer to it however far, and the addresses; what refers comes first."""
    found = {requests, known_emails}
    for table in metadata.sorted_tables:
        if any(key.column.table in found for key in table.foreign_keys):
            found.add(table)
    return [table for table in reversed(metadata.sorted_tables) if table in found]


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=4)
    yield Store(database)
    database.close()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("system", ["jira", "jumpcloud"])
@pytest.mark.parametrize("lives", [5, pytest.param(larger(20, share=0.5), marks=pytest.mark.long)])
def test_nobody_but_the_person_meant_is_touched_and_nothing_is_done_while_the_access_is_there(
    store: Store, system: str, lives: int
) -> None:
    jira, jumpcloud = JiraWorld(), JumpCloudWorld()
    proof = Proof("A", on=store.database.engine.dialect.name, faults=(*PASSING, SILENT))
    with Simulators(jira=jira, jumpcloud=jumpcloud) as simulators:

        def begun() -> SimulatedPeople:
            with store.database.write() as connection:  # What the life before left is nobody's.
                for table in _of_requests():
                    connection.execute(table.delete())
            if system == "jira":
                return JiraPeople(jira, simulators, store)
            return JumpCloudPeople(jumpcloud, simulators, store)

        @settings(
            max_examples=lives,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @example(steps=MOVED)
        @example(steps=LONGER)
        @given(steps=WHO.flatmap(steps_about))
        def live(steps: list[tuple[Any, ...]]) -> None:
            people = begun()
            with proof.case(system, steps) as case:
                life = Life(people, case)
                try:
                    for step in steps:
                        life.take(step)
                    life.end()
                finally:
                    people.faults.go()
                    people.close()
                    case.faults.update(people.faults.fired)

        live()
