"""Leavers: nothing on one read, all of it in plans, what gives most first, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from access.clock import ManualClock
from access.entitlements import EntitlementRef, System
from access.failures import Transient
from access.fuse import FuseLimits, Limit
from access.leavers import Leaver
from access.lifecycle import ClaimState, LeaverState, PlanState
from access.methods import Method
from access.people import AccountRef
from access.plans import Plan, PlanKind
from access.policy import LeaverAccess, Rule
from connectors.reading import AccountKind, AccountStatus
from store.database import Database
from store.unit_of_work import Store
from tasks.decisions import NotPossible
from tasks.leaver_report import still_standing
from tasks.leavers import Leavers
from tasks.people import People
from tests.fakes.local_stack import START, TERMS, LocalStack
from tests.fakes.system import FakeSystem
from tests.store.snapshot_rows import SnapshotRows, account, group, store_snapshot

DOMAINS = ("example.com",)
TEAM, ADMINS = "jumpcloud:group:team:member", "jumpcloud:group:admins:member"
J_TEAM, J_FILLED = "jira:group:jteam:member", "jira:group:filled:member"
RULES = (Rule(pattern="jumpcloud:*"), Rule(pattern="jira:*"))
ADA, J_ADA = "u1", "j1"


@dataclass
class Company:
    """Two systems in memory, whose snapshots show what they hold, and a Provisor that follows who leaves."""

    store: Store
    more: dict[str, Any] = field(default_factory=dict)
    people_too: int = 2
    suspended: tuple[str, ...] = ()
    #: Whether an identity provider supplies the Jira accounts.
    supplied: bool = False

    def __post_init__(self) -> None:
        clock = ManualClock(START)
        numbers = range(1, self.people_too + 1)
        self.jumpcloud = FakeSystem(clock, accounts={f"u{each}": f"p{each}@example.com" for each in numbers})
        self.jira = FakeSystem(
            clock, accounts={f"j{each}": f"p{each}@example.com" for each in numbers}, system=System.JIRA
        )
        self.jumpcloud.suspended.update(self.suspended)
        connectors = {System.JUMPCLOUD: self.jumpcloud, System.JIRA: self.jira}
        leavers = self.more.pop("leavers", LeaverAccess.APPROVE)
        self.stack = LocalStack.over(self.store, rules=RULES, connectors=connectors, clock=clock, **self.more)
        object.__setattr__(self.stack.services.policy, "leavers", leavers)
        self.leavers = Leavers(self.stack.services)
        self.people = People(self.store, clock, domains=DOMAINS)
        # Else only a person takes it from the last administrator.
        self.jumpcloud.change("u2", ADMINS, present=True)
        for _ in range(2):
            self.sync()

    def sync(self) -> None:
        """Take snapshots of both systems, and derive persons."""
        for system, kind in ((self.jumpcloud, AccountKind.USER), (self.jira, AccountKind.ATLASSIAN)):
            self.stack.clock.advance(timedelta(minutes=5))
            rows: list[Any] = [
                account(
                    key,
                    email,
                    kind=kind,
                    attributes={"management_source": "synced"} if self.supplied else {},
                    status=AccountStatus.SUSPENDED if key in system.suspended else AccountStatus.ACTIVE,
                )
                for key, email in system.accounts.items()
            ]
            for ref in sorted({ref for _, ref in system.held()}):
                name = EntitlementRef.parse(ref).path[0]
                rows += group(name, name, *(who for who, held in system.held() if held == ref))
            store_snapshot(self.store, SnapshotRows(system.system, rows), at=self.stack.clock.now())
        self.stack.clock.advance(timedelta(minutes=5))
        self.people.refresh()

    def read(self) -> None:
        """Do the single reads that are due, and what follows."""
        self.leavers.advance()
        self.stack.plans.run_due()
        self.stack.run()
        self.stack.plans.run_due()

    def wait(self) -> None:
        """Let the time pass between two single reads."""
        self.stack.clock.advance(TERMS.visible_within)

    def leave(self, *, sync: bool = True) -> None:
        """Have everything done about somebody who has left."""
        if sync:
            self.sync()
        self.read()
        self.wait()
        self.read()

    def by_hand(self, *refs: str, jira: bool = False) -> None:
        for ref in refs:
            (self.jira if jira else self.jumpcloud).change(J_ADA if jira else ADA, ref, present=True)

    def grant(self, request_id: str, ref: str, *, seconds: int | None = None) -> None:
        who = J_ADA if ref.startswith("jira") else ADA
        self.stack.grant(request_id, seconds=seconds, group=ref, subject={"id": who})
        self.stack.run()

    def leaver(self, person: str = ADA) -> Leaver | None:
        with self.store.read() as work:
            return work.leavers.latest_of(person)

    def state(self, person: str = ADA) -> LeaverState:
        found = self.leaver(person)
        assert found is not None
        return found.state

    def plans(self, person: str = ADA) -> list[Plan]:
        with self.store.read() as work:
            found = work.leavers.latest_of(person)
            return [] if found is None else list(work.leavers.plans_of(found))

    def lines(self, plan: Plan) -> list[tuple[str, str]]:
        with self.store.read() as work:
            return [(str(line.reaction), str(line.state)) for line in work.plans.lines(plan.id)]

    def holds(self) -> set[str]:
        """What Ada holds, in truth."""
        return {ref for who, ref in (*self.jumpcloud.held(), *self.jira.held()) if who in (ADA, J_ADA)}


@pytest.fixture
def company(store: Store) -> Company:
    return Company(store)


@pytest.fixture
def automatic(store: Store) -> Company:
    return Company(store, {"leavers": LeaverAccess.AUTOMATE})


def test_one_read_takes_nothing_and_the_second_not_before_its_time(automatic: Company) -> None:
    automatic.by_hand(TEAM)
    automatic.jumpcloud.suspended.add(ADA)
    automatic.sync()
    for _ in range(3):
        automatic.read()
    assert (automatic.state(), automatic.holds(), automatic.plans()) == (LeaverState.SEEN, {TEAM}, [])
    automatic.wait()
    automatic.read()
    assert (automatic.state(), automatic.holds()) == (LeaverState.LEFT, set())


@pytest.mark.parametrize("after", ["the snapshot", "the first read"])
def test_who_is_active_when_read_singly_has_not_left_and_loses_nothing(automatic: Company, after: str) -> None:
    automatic.by_hand(TEAM)
    automatic.grant("r1", J_TEAM, seconds=3600)
    automatic.jumpcloud.suspended.add(ADA)
    automatic.sync()
    if after == "the first read":
        automatic.read()
        automatic.wait()
    automatic.jumpcloud.suspended.clear()
    automatic.read()
    assert (automatic.state(), automatic.plans()) == (LeaverState.FALSE_ALARM, [])
    assert automatic.holds() == {TEAM, J_TEAM}
    automatic.leave()
    assert automatic.holds() == {TEAM, J_TEAM}


def test_a_snapshot_that_misses_a_user_takes_nothing_without_proof_that_the_user_is_gone(company: Company) -> None:
    company.by_hand(TEAM)
    email = company.jumpcloud.accounts.pop(ADA)
    company.sync()
    for _ in range(4):
        company.leave(sync=False)
    assert (company.state(), company.plans()) == (LeaverState.NOTICED, [])
    company.jumpcloud.accounts[ADA] = email
    company.stack.clock.advance(timedelta(minutes=2))
    company.leave(sync=False)
    assert company.state() is LeaverState.FALSE_ALARM


def test_a_directory_that_does_not_answer_is_asked_again_and_nothing_is_taken(automatic: Company) -> None:
    automatic.by_hand(TEAM)
    automatic.jumpcloud.suspended.add(ADA)
    automatic.sync()
    automatic.jumpcloud.faults.outage = lambda _writes, _about: Transient("away")
    automatic.read()
    found = automatic.leaver()
    assert found is not None
    assert (found.state, found.why) == (LeaverState.NOTICED, "away")


def test_of_the_suspended_timed_access_ends_and_the_rest_waits_for_an_approval(company: Company) -> None:
    company.by_hand(TEAM, J_TEAM.replace("jira", "jumpcloud"))
    company.grant("timed", J_TEAM, seconds=3600)
    company.grant("standing", ADMINS)
    company.jumpcloud.suspended.add(ADA)
    company.leave()
    claims = {each: company.stack.claim(each).state for each in ("timed", "standing")}
    assert claims == {"timed": ClaimState.ENDED, "standing": ClaimState.ACTIVE}
    automatic, rest = company.plans()
    assert (automatic.automatic, automatic.state, rest.automatic, rest.state) == (
        True,
        PlanState.DONE,
        False,
        PlanState.OPEN,
    )
    company.stack.plans.approve(rest.id, by="grace", why="left for good")
    company.read()
    assert company.holds() == set()
    assert "deprovision" in {reaction for reaction, _ in company.lines(rest)}


def test_access_from_before_stays_when_a_claim_for_a_time_on_it_ends(company: Company) -> None:
    company.by_hand(TEAM)
    company.grant("timed", TEAM, seconds=3600)
    company.jumpcloud.suspended.add(ADA)
    company.leave()
    assert company.stack.claim("timed").state is ClaimState.ENDED
    assert company.holds() == {TEAM}


def test_of_the_deleted_everything_goes_by_itself_and_the_plan_says_so(company: Company) -> None:
    company.by_hand(J_TEAM, jira=True)
    company.grant("standing", TEAM)
    company.jumpcloud.delete(ADA)
    company.leave()
    (plan,) = company.plans()
    assert (plan.automatic, plan.title) == (True, "U1 has left (deleted): everything, pre-existing access too")
    assert company.holds() == set()
    assert company.stack.claim("standing").state is ClaimState.ENDED
    assert set(plan.certificate) == {"jumpcloud", "jira", "reads"}
    assert [plan.certificate[each]["lists_in_all"] for each in ("jumpcloud", "jira")] == [3, 3]


def test_what_a_false_list_hid_of_somebody_who_left_goes_when_a_later_one_shows_it(automatic: Company) -> None:
    """The plans of a leave are made from one snapshot, and that may lack something."""
    automatic.by_hand(TEAM)
    automatic.jumpcloud.suspended.add(ADA)
    automatic.leave()
    automatic.by_hand(J_TEAM, jira=True)  # It was there all the time, and no list showed it.
    assert automatic.holds() == {J_TEAM}
    automatic.leave()
    assert automatic.holds() == set()
    made = len(automatic.plans())
    automatic.leave()
    assert len(automatic.plans()) == made, "what a plan has already is not planned again"


def test_somebody_who_leaves_after_a_false_alarm_is_noticed_although_no_snapshot_was_right_between(
    automatic: Company,
) -> None:
    automatic.by_hand(TEAM)
    automatic.jumpcloud.suspended.add(ADA)
    automatic.sync()
    automatic.jumpcloud.suspended.clear()
    automatic.read()
    assert automatic.state() is LeaverState.FALSE_ALARM
    automatic.jumpcloud.suspended.add(ADA)
    automatic.leave()
    assert (automatic.state(), automatic.holds()) == (LeaverState.LEFT, set())


def test_whoever_was_suspended_before_the_first_snapshot_is_no_leaver_when_a_list_hides_them(store: Store) -> None:
    company = Company(store, {"leavers": LeaverAccess.AUTOMATE}, suspended=(ADA,))
    company.by_hand(TEAM)
    email = company.jumpcloud.accounts.pop(ADA)
    company.sync()
    company.jumpcloud.accounts[ADA] = email
    for _ in range(3):
        company.leave()
    assert (company.state(), company.plans(), company.holds()) == (LeaverState.FALSE_ALARM, [], {TEAM})
    company.jumpcloud.delete(ADA)
    company.leave()
    assert company.state() is LeaverState.LEFT


def test_an_administrators_power_goes_first(automatic: Company) -> None:
    automatic.by_hand(TEAM, ADMINS)
    automatic.by_hand(J_TEAM, jira=True)
    automatic.jumpcloud.suspended.add(ADA)
    automatic.leave()
    assert [ref for _, ref, _ in automatic.jumpcloud.writes] == [ADMINS, TEAM]


def test_a_jira_account_that_is_not_proven_to_be_the_leavers_is_left_alone(automatic: Company) -> None:
    automatic.by_hand(J_TEAM, jira=True)
    automatic.people.split(ADA, AccountRef(System.JIRA, J_ADA), by="grace", reason="two people")
    automatic.jumpcloud.suspended.add(ADA)
    automatic.leave()
    assert automatic.holds() == {J_TEAM}


def test_a_leaver_who_is_deleted_later_loses_the_rest(company: Company) -> None:
    company.by_hand(J_TEAM, jira=True)
    company.jumpcloud.suspended.add(ADA)
    company.leave()
    (waiting,) = company.plans()
    company.jumpcloud.delete(ADA)
    company.leave()
    assert company.holds() == set()
    assert [plan.state for plan in company.plans() if plan.id == waiting.id] == [PlanState.DROPPED]


def test_who_comes_back_before_the_approval_keeps_everything_and_the_plan_is_dropped(company: Company) -> None:
    company.by_hand(TEAM)
    company.jumpcloud.suspended.add(ADA)
    company.leave()
    company.jumpcloud.suspended.clear()
    company.leave()
    (plan,) = company.plans()
    assert (company.state(), plan.state, company.holds()) == (LeaverState.BACK, PlanState.DROPPED, {TEAM})
    with pytest.raises(NotPossible):
        company.stack.plans.approve(plan.id, by="grace", why="too late")


def test_who_comes_back_afterwards_gets_it_back_by_one_approval(automatic: Company) -> None:
    automatic.by_hand(TEAM, ADMINS)
    automatic.grant("timed", J_TEAM, seconds=36_000)
    ends_at = automatic.stack.claim("timed").ends_at
    automatic.jumpcloud.suspended.add(ADA)
    automatic.leave()
    assert automatic.holds() == set()
    automatic.jumpcloud.suspended.clear()
    automatic.leave()
    assert (automatic.state(), automatic.holds()) == (LeaverState.BACK, set())
    (back,) = [plan for plan in automatic.plans() if plan.kind is PlanKind.RESTORE]
    automatic.stack.plans.approve(back.id, by="grace", why="she is back")
    automatic.read()
    assert automatic.holds() == {TEAM, ADMINS, J_TEAM}
    with automatic.store.read() as work:
        ends = [claim.ends_at for claim in work.claims.recent(states=["active"]) if claim.ends_at is not None]
    assert ends_at is not None
    assert [abs(end - ends_at) < timedelta(seconds=2) for end in ends] == [True]


def test_a_suspended_directory_loses_access_for_as_many_people_as_the_fuse_lets(store: Store) -> None:
    limits = FuseLimits(persons=Limit(2, timedelta(days=1), 0.01))
    company = Company(store, {"leavers": LeaverAccess.AUTOMATE, "fuse": limits}, people_too=6)
    for number in range(1, 7):
        company.jumpcloud.change(f"u{number}", TEAM, present=True)
        company.jumpcloud.suspended.add(f"u{number}")
    company.leave()
    assert len([ref for _, ref in company.jumpcloud.held() if ref == TEAM]) == 4
    states = [plan.state for number in range(1, 7) for plan in company.plans(f"u{number}")]
    assert states.count(PlanState.HELD) == 4


def test_whoever_was_suspended_before_the_first_look_is_no_leaver(store: Store) -> None:
    company = Company(store, suspended=(ADA,))
    company.leave()
    assert company.leaver() is None


def test_everything_on_request_waits_for_somebody_else_to_approve_it(company: Company) -> None:
    company.by_hand(TEAM)
    company.sync()
    plan = company.leavers.ask(ADA, by="grace", reason="dismissed")
    company.read()
    assert plan is not None
    assert (plan.maker, plan.automatic, company.holds()) == ("grace", False, {TEAM})
    with pytest.raises(NotPossible):
        company.stack.plans.approve(plan.id, by="grace", why="it is mine")
    company.stack.plans.approve(plan.id, by="linus", why="agreed")
    company.read()
    assert company.holds() == set()
    with pytest.raises(NotPossible):
        company.leavers.ask(ADA, by="grace", reason="again")


def test_a_jira_account_is_left_to_a_person_by_a_ticket(automatic: Company) -> None:
    automatic.jumpcloud.suspended.add(ADA)
    automatic.leave()
    (plan,) = automatic.plans()
    with automatic.store.read() as work:
        (operation,) = work.operations.of_request(f"{plan.id}.1")
    assert (operation.via, operation.account_id) == (Method.TICKET, J_ADA)


class TestAnAccountThatTheProviderSupplies:
    """Rung 0: the provider shuts it, seen within 15 minutes; else a person is asked."""

    @pytest.fixture
    def supplied(self, automatic: Company) -> Company:
        automatic.supplied = True
        automatic.jumpcloud.suspended.add(ADA)
        automatic.leave()
        return automatic

    def line(self, company: Company) -> str:
        (plan,) = company.plans()
        return f"{plan.id}.1"

    def test_the_provider_is_waited_for_and_no_ticket_is_made(self, supplied: Company) -> None:
        supplied.stack.run(timedelta(minutes=5))
        request = supplied.stack.request(self.line(supplied))
        assert (request.state, request.reason) == (
            "received",
            "The identity provider supplies the account, and is given time to shut it.",
        )
        supplied.jira.suspended.add(J_ADA)
        supplied.stack.run(timedelta(minutes=2))
        assert supplied.stack.request(self.line(supplied)).state == "done"
        assert supplied.stack.tickets_of(self.line(supplied)) == []

    def test_after_fifteen_minutes_a_person_is_asked(self, supplied: Company) -> None:
        supplied.stack.run(timedelta(minutes=14))
        assert supplied.stack.request(self.line(supplied)).state == "received"
        supplied.stack.run(timedelta(minutes=2))
        assert [ticket.state for ticket in supplied.stack.tickets_of(self.line(supplied))] == ["open"]


def test_nothing_is_read_twice_at_once_by_two_processes(automatic: Company) -> None:
    automatic.by_hand(TEAM)
    automatic.jumpcloud.suspended.add(ADA)
    automatic.sync()
    other = Leavers(automatic.stack.services)
    steps: list[Callable[[], None]] = [automatic.leavers.advance, other.advance]
    for step in steps:
        step()
    automatic.wait()
    for step in steps:
        step()
    assert len(automatic.plans()) == 1


def test_a_leave_and_a_return_on_postgresql(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=4)
    company = Company(Store(database), {"leavers": LeaverAccess.AUTOMATE})
    company.by_hand(TEAM)
    company.grant("timed", J_TEAM, seconds=36_000)
    company.jumpcloud.suspended.add(ADA)
    company.leave()
    assert (company.state(), company.holds()) == (LeaverState.LEFT, set())
    with company.store.read() as work:
        found = work.leavers.latest_of(ADA)
        assert found is not None
        assert [each.title for each in still_standing(work, found)] == ["Jira account"]
    company.jumpcloud.suspended.clear()
    company.leave()
    assert company.state() is LeaverState.BACK
    database.close()


def test_every_step_of_a_leave_is_audited(automatic: Company) -> None:
    automatic.by_hand(TEAM)
    automatic.jumpcloud.suspended.add(ADA)
    automatic.leave()
    automatic.jumpcloud.suspended.clear()
    automatic.leave()
    with automatic.store.read() as work:
        told = [row.event for _, row in work.audit.after(0) if row.event.startswith("leaver.")]
    assert told == ["leaver.noticed", "leaver.seen", "leaver.left", "leaver.back"]
