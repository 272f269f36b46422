"""Jira groups that JumpCloud fills: asked for there, seen here, and no ticket unless the provider is stuck."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from access.clock import ManualClock
from access.entitlements import EntitlementRef, System
from access.lifecycle import ClaimState, OperationState, RequestState
from access.message import CHILD, CHILD_END, LONGEST_ID
from access.methods import Method
from access.operations import Operation, Purpose
from access.people import AccountRef
from access.policy import Rule
from store.database import Database
from store.queries.people import PersonNow
from store.unit_of_work import Store
from tasks.feeding import Feeding
from tests.fakes.local_stack import START, LocalStack
from tests.fakes.system import FakeSystem

FEEDING, FED = "jumpcloud:group:developers:member", "jira:group:dev:member"
RULES = (
    Rule(pattern="jumpcloud:*"),
    Rule(pattern=FED, fed_by=EntitlementRef.parse(FEEDING)),
    Rule(pattern="jira:*"),
)
ADA, J_ADA = "u1", "j1"
MINUTE = timedelta(minutes=1)


class Company:
    """JumpCloud, a Jira whose group it fills when the provider passes changes on, and Ada, in both."""

    def __init__(self, store: Store, *, proven: bool = True) -> None:
        clock = ManualClock(START)
        self.jumpcloud = FakeSystem(clock, accounts={ADA: "ada@example.com"})
        self.jira = FakeSystem(clock, accounts={J_ADA: "ada@example.com"}, system=System.JIRA)
        self.jira.by_person[FED] = "an identity provider fills it"
        connectors = {System.JUMPCLOUD: self.jumpcloud, System.JIRA: self.jira}
        self.stack = LocalStack.over(store, rules=RULES, connectors=connectors, clock=clock)
        self.feeding = Feeding(self.stack.services)
        self.stuck = False
        with store.write() as work:
            work.persons.put(PersonNow(ADA, "Ada", None, "active", None), now=START)
            if proven:
                work.persons.decide_join(ADA, AccountRef(System.JIRA, J_ADA), by="grace", reason="hers", now=START)

    def run(self, lasting: timedelta = MINUTE) -> None:
        """Let time pass in small steps, in which the provider passes on what changed."""
        until = self.stack.clock.now() + lasting
        while self.stack.clock.now() < until:
            self.feeding.end_orphans()
            self.stack.run(timedelta(seconds=20))
            if not self.stuck:
                self.jira.change(J_ADA, FED, present=self.jumpcloud.has(ADA, FEEDING))

    def grant(self, request_id: str, **more: Any) -> None:
        self.stack.grant(request_id, group=FED, subject={"id": J_ADA}, **more)

    def revoke(self, request_id: str, **more: Any) -> None:
        self.stack.revoke(request_id, group=FED, subject={"id": J_ADA}, **more)

    def operation(self, request_id: str, purpose: Purpose = Purpose.REQUEST) -> Operation:
        return self.stack.operation(request_id, purpose=purpose)

    def state(self, request_id: str) -> RequestState:
        return self.stack.request(request_id).state

    @property
    def has_both(self) -> tuple[bool, bool]:
        return self.jumpcloud.has(ADA, FEEDING), self.jira.has(J_ADA, FED)


@pytest.fixture
def company(store: Store) -> Company:
    return Company(store)


def test_a_filled_group_is_given_through_the_group_that_feeds_it_and_seen_before_it_is_done(company: Company) -> None:
    company.stuck = True
    company.grant("r1")
    company.run()
    assert company.has_both == (True, False)
    assert company.state("r1") is RequestState.FULFILLING
    assert company.stack.claim("r1").state is ClaimState.PENDING
    company.stuck = False
    company.run()
    assert company.state("r1") is RequestState.DONE
    operation = company.operation("r1")
    assert operation.via is Method.PROPAGATION
    assert "the provider passed it on, in within" in (operation.evidence or "")
    assert company.stack.tickets_of("r1") == []
    claims = {each: company.stack.claim(each) for each in ("r1", "r1.fed")}
    assert [(each.state, each.pre_existing) for each in claims.values()] == [(ClaimState.ACTIVE, False)] * 2


def test_the_same_on_postgresql(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=4)
    company = Company(Store(database))
    company.grant("r1", seconds=300)
    company.run()
    assert (company.has_both, company.operation("r1").via) == ((True, True), Method.PROPAGATION)
    _revoke(company)
    assert company.has_both == (False, False)
    database.close()


def _expire(company: Company) -> None:
    company.run(timedelta(minutes=6))


def _revoke(company: Company) -> None:
    company.revoke("r2")
    company.run(timedelta(minutes=2))


def _end_early(company: Company) -> None:
    company.revoke("r2", claim_of="r1")
    company.run(timedelta(minutes=2))


@pytest.mark.parametrize("end", [_expire, _revoke, _end_early])
def test_it_ends_with_its_claim_whichever_way_and_is_seen_gone(
    company: Company, end: Callable[[Company], None]
) -> None:
    company.grant("r1", seconds=300)
    company.run()
    assert company.has_both == (True, True)
    end(company)
    assert company.has_both == (False, False)
    assert [company.stack.claim(each).state for each in ("r1", "r1.fed")] == [ClaimState.ENDED] * 2
    assert company.stack.tickets.open_issues() == []


def test_what_the_feeding_group_gives_by_another_claim_stays(company: Company) -> None:
    company.grant("r1", seconds=300)
    company.stack.grant("other", group=FEEDING)
    company.run()
    company.run(timedelta(minutes=6))
    assert company.has_both == (True, True)
    ended = company.stack.claim("r1")
    assert (ended.state, "request other holds" in (ended.why_ended or "")) == (ClaimState.ENDED, True)


def test_whoever_was_in_the_feeding_group_before_stays_there(company: Company) -> None:
    company.jumpcloud.change(ADA, FEEDING, present=True)
    company.jira.change(J_ADA, FED, present=True)
    company.grant("r1", seconds=300)
    company.run()
    assert company.stack.claim("r1").pre_existing is True
    company.run(timedelta(minutes=6))
    assert company.has_both == (True, True)
    assert company.stack.claim("r1").state is ClaimState.ENDED


@pytest.mark.parametrize("direction", ["give", "take"])
def test_a_provider_that_is_stuck_becomes_a_ticket_and_nothing_is_done_before_it_is_seen(
    company: Company, direction: str
) -> None:
    company.stuck = direction == "give"
    company.grant("r1", seconds=300)
    company.run()
    company.stuck = True
    company.run(timedelta(minutes=22))
    purpose = Purpose.REQUEST if direction == "give" else Purpose.EXPIRY
    operation = company.operation("r1", purpose)
    assert (operation.via, operation.state) == (Method.TICKET, OperationState.WITH_PERSON)
    assert "has not passed it on" in operation.why


def test_a_request_that_is_called_back_leaves_nothing_behind(company: Company) -> None:
    company.stuck = True
    company.grant("r1")
    company.run()
    assert company.jumpcloud.has(ADA, FEEDING)
    company.revoke("r2")
    company.stuck = False
    company.run(timedelta(minutes=2))
    assert company.has_both == (False, False)
    assert company.stack.claim("r1.fed").state is ClaimState.ENDED


def test_a_feeding_group_that_policy_forbids_refuses_the_request(store: Store) -> None:
    company = Company(store)
    forbidden = (Rule(pattern=FEEDING, give=Method.DENY), *RULES)
    object.__setattr__(company.stack.services.policy, "rules", forbidden)
    company.grant("r1")
    company.run()
    assert company.state("r1") is RequestState.REFUSED
    assert company.has_both == (False, False)


def test_an_account_that_nobody_proves_to_be_a_users_is_given_it_by_a_person(store: Store) -> None:
    company = Company(store, proven=False)
    company.grant("r1")
    company.run()
    assert company.operation("r1").via is Method.TICKET
    assert company.has_both == (False, False)


def test_the_longest_id_and_duration_leave_room_for_what_is_asked_beside_them(company: Company) -> None:
    """What is asked of the feeding group has an id of its own, and lasts a little longer."""
    request_id = "r" * LONGEST_ID
    company.grant(request_id, duration="P3660D")
    company.grant("other", duration="PT2M")
    company.run()
    assert company.has_both == (True, True)
    assert company.state(request_id) is RequestState.DONE
    company.revoke("over", claim_of=request_id)
    company.run(4 * MINUTE)
    assert company.has_both == (False, False)
    assert [company.stack.claim(f"{each}{CHILD}").state for each in (request_id, "other")] == [ClaimState.ENDED] * 2


@pytest.mark.parametrize("taken", [pytest.param(CHILD, marks=pytest.mark.long), CHILD_END])
def test_no_producer_takes_the_id_of_what_is_asked_of_the_feeding_group(company: Company, taken: str) -> None:
    """Else the end of that access would count as asked for already, and never come."""
    company.revoke(f"r1{taken}")
    company.grant("r1", duration="PT2M")
    company.run()
    assert company.has_both == (True, True)
    company.run(4 * MINUTE)
    assert company.has_both == (False, False)
    with company.stack.store.read() as work:
        (letter,) = work.dead_letters.recent(over=True)
    assert "id:" in letter.reason
