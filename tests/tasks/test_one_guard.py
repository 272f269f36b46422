"""One guard on every road (D): whatever brings a change about, today's facts decide, and a removal is never ended by them."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from access.lifecycle import ClaimState, OperationState, RequestState
from access.methods import Method
from access.operations import Purpose
from access.policy import LastAdministrator, Rule
from access.provisioning import Provisioning
from store.unit_of_work import Store
from tests.fakes.faults import Fault
from tests.fakes.local_stack import LocalStack
from tests.larger import larger
from tests.proof import Kept, Lost, Proof, Wrongful, promise
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)
NUMBERS = count()

#: What a person is told on the ticket, for each fact that leaves a change to a person.
TOLD = {
    "protected": "it is a protected group",
    "rule": "its members follow a rule",
    "provider": "its members come from an identity provider",
    "own account": "the account that Provisor itself uses",
    "protected id": "is a protected account",
    "protected address": "is a protected account",
    "last administrator": "is the last administrator here",
}
THINGS = {"protected", "rule", "provider"}
BARS = ("suspended", "deprovisioned")
TAKING = ("revoke", "claim_of", "expiry", "hand-back", "planned anew")
GIVING = ("grant", "hand-back", "planned anew", "by ticket")
#: When the fact comes to be: before the plan, or after it.
MOMENTS = ("before", "after")


class Company:
    """One example: two people and a group that gives power, in a store that examples share."""

    def __init__(self, store: Store, *, by_ticket: bool = False) -> None:
        self.number = next(NUMBERS)
        self.ada, self.bob = (f"u{self.number}-{each}" for each in "ab")
        self.group = f"jumpcloud:group:admins-{self.number}:member"
        way = Method.TICKET if by_ticket else Method.CONNECTOR
        self.rules: tuple[Rule, ...] = (Rule(pattern=self.group, give=way, take=way), Rule(pattern="jumpcloud:*"))
        self.store = store
        self.stack = LocalStack.over(store, rules=self.rules)
        self.stack.tickets.made = self.number * 1000
        self.stack.system.accounts = {each: f"{each}@example.com" for each in (self.ada, self.bob)}
        self.stack.system.change(self.bob, self.group, present=True)
        self.request = f"q{self.number}"

    def restart(self, mode: Provisioning = Provisioning.ON, protected: tuple[str, ...] = ()) -> None:
        self.stack.clock.advance(timedelta(milliseconds=1))
        self.stack = LocalStack.over(self.store, mode=mode, rules=self.rules, like=self.stack, protected=protected)
        with self.store.write() as work:
            work.requests.wake_planned(now=self.stack.clock.now())

    def come_to_be(self, fact: str) -> None:
        system = self.stack.system
        match fact:
            case "protected" | "rule" | "provider":
                system.by_person[self.group] = TOLD[fact]
            case "own account":
                system.own = self.ada
            case "protected id":
                self.restart(self.stack.services.mode, (self.ada,))
            case "protected address":
                self.restart(self.stack.services.mode, (f"{self.ada}@EXAMPLE.com",))
            case "last administrator":
                system.change(self.bob, self.group, present=False)
            case "suspended":
                system.suspended.add(self.ada)
            case "deprovisioned":
                self.submit("deprovision_account", name="deprovision", system="jumpcloud")

    def submit(self, action: str, *, name: str = "", **more: str) -> str:
        request = f"{self.request}-{name or action}"
        about = {} if "system" in more else {"entitlement": self.group}
        self.stack.submit(id=request, action=action, subject={"id": self.ada}, **about, **more)
        return request

    def has(self) -> bool:
        return self.stack.system.has(self.ada, self.group)

    def take(self, road: str, fact: str, moment: str) -> str:
        """Access that is there ends by a road; the request whose operation takes it."""
        timed = {"duration": "PT60S"} if road in ("expiry", "hand-back") else {}
        grant = self.submit("grant", **timed)
        self.stack.run()
        assert self.has()
        if moment == "before" and road != "planned anew":
            self.come_to_be(fact)
        match road:
            case "revoke" | "claim_of":
                revoke = self.submit("revoke", **({"claim_of": grant} if road == "claim_of" else {}))
                self.fault(moment)
            case "planned anew":
                self.restart(Provisioning.PLAN)
                revoke = self.submit("revoke")
                self.stack.run()
                self.come_to_be(fact)
                self.restart(Provisioning.ON, tuple(self.stack.services.policy.protected_accounts))
            case _:
                revoke = grant
                self.stack.clock.advance(MINUTE)
                self.fault("after" if road == "hand-back" else moment)
        if moment == "after" and road != "planned anew":
            self.stack.run()
            self.come_to_be(fact)
        self.stack.run(MINUTE)
        return revoke

    def fault(self, moment: str) -> None:
        """The first try fails, so that the fact comes to be before the second."""
        if moment == "after":
            self.stack.system.faults.forecast(Fault.BUSY)

    def give(self, road: str, fact: str, moment: str) -> str:
        if moment == "before":
            self.come_to_be(fact)
            self.stack.run()
        if road == "planned anew":
            self.restart(Provisioning.PLAN, tuple(self.stack.services.policy.protected_accounts))
        grant = self.submit("grant")
        if road == "hand-back" or (moment == "after" and road == "grant"):
            self.stack.system.faults.forecast(*[Fault.FINE] * 3, Fault.BUSY)
        if moment == "after":
            self.hold_tickets(road)
            self.stack.run()
            self.come_to_be(fact)
            self.stack.tickets.faults.clear()
        if road == "planned anew":
            self.restart(Provisioning.ON, tuple(self.stack.services.policy.protected_accounts))
        self.stack.run(MINUTE)
        return grant

    def hold_tickets(self, road: str) -> None:
        if road == "by ticket":
            self.stack.tickets.faults.forecast(Fault.BUSY)


def examples(number: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=number, deadline=None, suppress_health_check=checks)


AMOUNTS = pytest.mark.parametrize("amount", [12, pytest.param(larger(20, share=0.25), marks=pytest.mark.long)])


@AMOUNTS
@pytest.mark.timeout(1800)
def test_d_whatever_road_a_removal_takes_a_person_is_asked_and_it_goes_on(shared_store: Store, amount: int) -> None:
    proof = Proof("D", on=shared_store.database.engine.dialect.name)

    @examples(amount)
    @given(st.sampled_from(TAKING), st.sampled_from(sorted(TOLD)), st.sampled_from(MOMENTS))
    def check(road: str, fact: str, moment: str) -> None:
        with proof.case(road, fact, moment) as case:
            company = Company(shared_store)
            request = company.take(road, fact, moment)
            stack = company.stack
            case.faults.update(stack.system.faults.fired)
            promise(Wrongful, "take" not in [what for *_, what in stack.system.sent], road, fact, moment)
            promise(Wrongful, company.has(), road, fact, moment)
            purpose = Purpose.EXPIRY if road in ("expiry", "hand-back") else Purpose.REQUEST
            operation = stack.operation(request, purpose=purpose)
            promise(
                Lost, (operation.state, operation.via) == (OperationState.WITH_PERSON, Method.TICKET), road, operation
            )
            [issue] = stack.tickets.open_issues()
            assert TOLD[fact] in issue.draft.body.replace("\\", "")
            promise(Kept, stack.claim(f"{company.request}-grant").state is ClaimState.ENDING, road, fact, moment)
            stack.system.change(company.ada, company.group, present=False)
            issue.phase = Phase.DONE
            stack.run(MINUTE)
            ended = stack.claim(f"{company.request}-grant").state is ClaimState.ENDED
            case.removal(done=ended)
            promise(Lost, ended, road, fact, moment)

    check()


@AMOUNTS
@pytest.mark.timeout(1800)
def test_d_whatever_road_a_grant_takes_nothing_is_given_by_api_against_the_guard(
    shared_store: Store, amount: int
) -> None:
    facts = sorted(set(TOLD) - {"last administrator"} | set(BARS))
    proof = Proof("D", on=shared_store.database.engine.dialect.name)

    @examples(amount)
    @given(st.sampled_from(GIVING), st.sampled_from(facts), st.sampled_from(MOMENTS))
    def check(road: str, fact: str, moment: str) -> None:
        assume((fact, moment) != ("deprovisioned", "after"))  # What came in before the deprovisioning may go before it.
        with proof.case(road, fact, moment) as case:
            company = Company(shared_store, by_ticket=road == "by ticket")
            request = company.give(road, fact, moment)
            stack = company.stack
            case.faults.update(stack.system.faults.fired)
            promise(Wrongful, not company.has(), road, fact, moment)
            promise(Wrongful, not stack.system.writes, road, fact, moment)
            state = stack.request(request).state
            if fact in BARS:
                over = {RequestState.REFUSED, RequestState.FAILED, RequestState.WITHDRAWN}
                promise(Lost, state in over, road, fact, moment)
                open_issues = [each for each in stack.tickets.open_issues() if each.draft.data["request"] == request]
                assert not open_issues
            else:
                promise(Lost, stack.operation(request).state is OperationState.WITH_PERSON, road, fact, moment)

    check()


def test_d3_the_last_administrator_goes_by_api_where_policy_says_so_or_somebody_else_is_one(store: Store) -> None:
    for allow in (True, False):
        company = Company(store)
        if allow:
            company.rules = (Rule("*", last_administrator=LastAdministrator.ALLOW),)
            company.restart()
            company.come_to_be("last administrator")
        company.stack.system.change(company.ada, company.group, present=True)
        request = company.submit("revoke")
        company.stack.run(MINUTE)
        assert company.stack.request(request).state is RequestState.DONE
        assert not company.has()


def test_d3_the_ticket_that_deprovisions_provisors_own_account_warns_plainly(stack: LocalStack) -> None:
    stack.system.own = "u1"
    stack.submit(id="r1", action="deprovision_account", subject={"id": "u1"}, system="jumpcloud")
    stack.run()
    [issue] = stack.tickets.open_issues()
    assert "Warning" in issue.draft.body
    assert "the account that Provisor itself uses" in issue.draft.body


def test_the_ticket_that_deprovisions_an_account_of_another_directory_says_where_else_to_change_it(
    stack: LocalStack,
) -> None:
    stack.system.managed_by["u1"] = "ACTIVE_DIRECTORY"
    stack.submit(id="r1", action="deprovision_account", subject={"id": "u1"}, system="jumpcloud")
    stack.run()
    [issue] = stack.tickets.open_issues()
    assert "is managed by ACTIVE_DIRECTORY: change it there too" in issue.draft.body.replace("\\", "")


def test_d3_the_ticket_that_deprovisions_the_last_administrator_of_a_group_warns_plainly(stack: LocalStack) -> None:
    admins = "jumpcloud:group:site-admins:member"
    stack.system.change("u1", admins, present=True)
    stack.submit(id="r1", action="deprovision_account", subject={"id": "u1"}, system="jumpcloud")
    stack.run()
    [issue] = stack.tickets.open_issues()
    assert "the last who has group site-admins" in issue.draft.body.replace("\\", "")


def test_d5_a_person_who_was_suspended_after_a_ticket_was_asked_for_is_given_nothing_by_another_one(
    stack: LocalStack,
) -> None:
    stack.grant("r1", group="jumpcloud:group:by-hand:member")
    stack.tickets.faults.forecast(*[Fault.BUSY] * 2)
    stack.run(timedelta(seconds=1))
    stack.system.suspended.add("u1")
    stack.run(MINUTE)
    request = stack.request("r1")
    assert (request.state, "is suspended" in (request.reason or "")) == (RequestState.FAILED, True)
    assert not stack.tickets.issues
