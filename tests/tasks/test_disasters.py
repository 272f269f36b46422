"""Disasters: whatever goes wrong, no more is taken away than the fuse lets go, and what a request foresaw is never held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from access.findings import Profile, ProfileRule
from access.fuse import CLOCK, PERSONS, FuseLimits, Limit
from access.lifecycle import ClaimState, PlanState
from access.plans import PlanKind
from access.reactions import Reaction
from store.database import Database
from store.unit_of_work import Store
from tasks.heartbeat import Heartbeat
from tests.fakes.local_stack import ADA, LocalStack
from tests.fakes.reconciled_stack import carry_out, kinds, reconcile
from tests.tasks.test_plans import line

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MOST = 3
LIMITS = FuseLimits(grants=Limit(MOST, DAY, 0.05, 8), persons=Limit(2, DAY, 0.01), revokes=Limit(MOST, HOUR / 6))
NAMES = [f"jumpcloud:group:g{number}:member" for number in range(10)]
#: Everybody is in every group.
PEOPLE = ["u1", "u2", "u3", "u4"]
#: The harshest profile: what nothing explains goes without an approval.
HARSH = [ProfileRule("jumpcloud:*", Profile.STRICT, auto=True)]


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


@pytest.fixture
def company(store: Store) -> LocalStack:
    """A company in which everybody was in every group before Provisor came, and two timed claims stand besides."""
    stack = LocalStack.over(store, fuse=LIMITS, profiles=HARSH)
    stack.system.accounts.update({who: f"{who}@example.com" for who in PEOPLE[2:]})
    for who in PEOPLE:
        for name in NAMES:
            stack.system.change(who, name, present=True)
    reconcile(stack, [*NAMES, "jumpcloud:group:timed:member"])
    return stack


def everything(stack: LocalStack) -> int:
    return sum(stack.system.has(who, name) for who in PEOPLE for name in NAMES)


WHOLE = len(PEOPLE) * len(NAMES)


def foreseen(stack: LocalStack, *, days: int) -> None:
    """A timed grant, whose end its request foresees."""
    duration = {"duration": f"P{days}D"}
    stack.submit(
        id=f"timed-{days}",
        action="grant",
        subject={"id": ADA},
        entitlement="jumpcloud:group:timed:member",
        **duration,
    )
    stack.run()


def test_a_list_that_is_empty_for_a_day_takes_nothing_and_nothing_when_it_is_back(company: LocalStack) -> None:
    """Complaint 25: the API answered 200 with missing data."""
    foreseen(company, days=1)
    for _ in range(3):
        reconcile(company, NAMES, distorted=lambda _: [])
        carry_out(company)
    company.run(2 * DAY)
    for _ in range(2):
        reconcile(company, NAMES)
        carry_out(company)
    assert everything(company) == WHOLE
    assert company.claim("timed-1").state is ClaimState.ENDED


def test_a_list_cut_short_takes_nothing_and_nothing_when_it_is_whole_again(company: LocalStack) -> None:
    """Complaint 22: a short page."""
    for _ in range(2):
        reconcile(company, NAMES, distorted=lambda held: held[: len(held) // 3])
        carry_out(company)
    reconcile(company, NAMES)
    carry_out(company)
    assert everything(company) == WHOLE


def lose_one_of_four(held: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each group loses one of its four members in the answer, which no guard against shrinking notices."""
    return [each for each in held if each[0] != "u4"]


def test_short_lists_that_lose_a_few_for_days_take_nothing_when_these_are_back(company: LocalStack) -> None:
    for _ in range(6):
        reconcile(company, NAMES, distorted=lose_one_of_four)
        company.clock.advance(DAY)
    reconcile(company, NAMES)
    carry_out(company)
    assert everything(company) == WHOLE


def test_short_lists_that_lose_a_few_for_weeks_take_no_more_than_the_limit_when_these_are_back(
    company: LocalStack,
) -> None:
    for _ in range(2):
        reconcile(company, NAMES, distorted=lose_one_of_four)
        company.clock.advance(8 * DAY)
    reconcile(company, NAMES)
    carry_out(company)
    assert everything(company) == WHOLE - MOST
    with company.store.read() as work:
        assert [alarm.kind for alarm in work.alarms.lasting()] == ["held"]


def test_lists_of_another_organization_take_nothing_from_those_who_hold_it(company: LocalStack) -> None:
    for _ in range(2):
        reconcile(company, NAMES, distorted=lambda held: [(f"other-{who}", ref) for who, ref in held])
        carry_out(company)
        assert everything(company) == WHOLE
    reconcile(company, NAMES)
    carry_out(company)
    assert everything(company) == WHOLE


def test_lists_that_stand_still_take_nothing_that_was_given_since(company: LocalStack) -> None:
    before = list(company.system.held())
    for number in range(2 * MOST):
        company.grant(f"since-{number}", group=f"jumpcloud:group:since{number}:member")
    company.run()
    names = [*NAMES, *(f"jumpcloud:group:since{number}:member" for number in range(2 * MOST))]
    for _ in range(3):
        reconcile(company, names, distorted=lambda _: before)
        carry_out(company)
        company.clock.advance(DAY)
    reconcile(company, names)
    carry_out(company)
    assert everything(company) == WHOLE
    assert all(company.has(f"jumpcloud:group:since{number}:member") for number in range(2 * MOST))


def test_a_suspended_directory_takes_no_more_than_the_limit_of_people(company: LocalStack) -> None:
    """Everybody is suspended at once: each leaver is a plan that counts as one person."""
    for who in PEOPLE:
        lines = [line(name, who=who) for name in NAMES]
        company.plans.make(PlanKind.LEAVER, who, lines, automatic=True, person=who)
    carry_out(company)
    assert everything(company) == WHOLE - 2 * len(NAMES)


def test_a_bad_script_takes_no_more_than_the_limit_before_an_alarm(company: LocalStack) -> None:
    foreseen(company, days=1)
    revoked = 0
    for who in PEOPLE:
        for name in NAMES:
            revoked += 1
            message = {"id": f"bad-{revoked}", "action": "revoke", "subject": {"id": who}, "entitlement": name}
            company.intake.take(json.dumps(message).encode(), content_type="application/json", source="rabbitmq:bot")
    company.run()
    assert everything(company) == WHOLE - MOST
    with company.store.read() as work:
        assert [alarm.ref for alarm in work.alarms.lasting()] == ["rabbitmq:bot"]
    company.run(10 * timedelta(minutes=1))
    assert everything(company) == WHOLE - MOST - 10


def test_an_older_backup_takes_no_more_than_the_limit_of_what_it_does_not_know(company: LocalStack) -> None:
    """What was given since the backup was made looks unexplained. Nothing is compared while the restore is under way."""
    names = [f"jumpcloud:group:new{number}:member" for number in range(12)]
    reconcile(company, [*NAMES, *names])
    company.clock.advance(DAY)
    for name in names:
        company.system.change(ADA, name, present=True)
    with company.store.write() as work:
        work.restores.begin(now=company.clock.now())
    assert reconcile(company, [*NAMES, *names]).why_not == "A restore is under way."
    with company.store.write() as work:
        latest = work.restores.latest()
        assert latest is not None
        work.restores.end(latest.id, now=company.clock.now())
    reconcile(company, [*NAMES, *names])
    carry_out(company)
    assert sum(company.has(name) for name in names) == len(names) - MOST
    assert everything(company) == WHOLE


def test_a_clock_a_year_ahead_takes_no_more_than_the_limit(company: LocalStack) -> None:
    """What would have ended within the days that all processes may be away is foreseen; the rest waits for a person."""
    for number in range(3 * MOST):
        _timed(company, f"jumpcloud:group:late{number}:member", "P30D")
    _timed(company, "jumpcloud:group:soon:member", "P1D")
    company.run()
    heart = Heartbeat(company.store, company.clock, LIMITS)
    heart.beat()
    company.clock.advance(365 * DAY)
    company.run()
    heart.beat()
    carry_out(company)
    assert not company.has("jumpcloud:group:soon:member")
    assert sum(company.has(f"jumpcloud:group:late{number}:member") for number in range(3 * MOST)) == 2 * MOST
    with company.store.read() as work:
        [alarm] = work.alarms.lasting()
    company.plans.approve(alarm.ref, by="grace", why="the clock is right, we were closed")
    carry_out(company)
    assert not any(company.has(f"jumpcloud:group:late{number}:member") for number in range(3 * MOST))


def test_with_a_process_at_work_no_end_is_held(company: LocalStack) -> None:
    for number in range(3 * MOST):
        _timed(company, f"jumpcloud:group:late{number}:member", "P30D")
    company.run()
    heart = Heartbeat(company.store, company.clock, LIMITS)
    for _ in range(31):
        heart.beat()
        company.run(DAY)
    assert not any(company.has(f"jumpcloud:group:late{number}:member") for number in range(3 * MOST))
    with company.store.read() as work:
        assert work.plans.recent() == []


@pytest.mark.parametrize(("away", "kept"), [(timedelta(0), {"new"}), (365 * DAY, {"old", "new"})])
def test_what_the_fuse_counted_is_forgotten_after_a_month_and_not_by_a_clock_that_jumped(
    company: LocalStack, away: timedelta, kept: set[str]
) -> None:
    now = company.clock.now()
    with company.store.write() as work:
        work.fuse.lock(PERSONS)
        work.fuse.count(PERSONS, ["old"], at=now - 31 * DAY)
        work.fuse.count(PERSONS, ["new"], at=now - 29 * DAY)
    heart = Heartbeat(company.store, company.clock, LIMITS)
    if away:
        with company.store.write() as work:
            work.fuse.lock(CLOCK)
            work.fuse.see(now=now)
        company.clock.advance(away)
    heart.beat()
    with company.store.read() as work:
        assert {each for each in ("old", "new") if work.fuse.begins_at(PERSONS, each) is not None} == kept


def _timed(stack: LocalStack, group: str, duration: str) -> None:
    request = f"timed-{group.split(':')[2]}"
    stack.submit(id=request, action="grant", subject={"id": ADA}, entitlement=group, duration=duration)


def test_a_policy_that_loses_its_rules_takes_nothing(company: LocalStack) -> None:
    empty = LocalStack.over(company.store, like=company, fuse=LIMITS, profiles=HARSH, rules=())
    reconcile(empty, NAMES)
    carry_out(empty)
    again = LocalStack.over(company.store, like=company, fuse=LIMITS, profiles=HARSH)
    reconcile(again, NAMES)
    carry_out(again)
    assert everything(company) == WHOLE
    assert kinds(company) == []


def test_foreseen_ends_are_kept_whatever_is_held(company: LocalStack) -> None:
    for number in range(3 * MOST):
        company.submit(
            id=f"f{number}",
            action="grant",
            subject={"id": ADA},
            entitlement=f"jumpcloud:group:f{number}:member",
            duration="PT1H",
        )
    company.run()
    lines = [line(name, who=who) for who in PEOPLE for name in NAMES]
    plan = company.plans.make(PlanKind.BULK, "too much", lines, automatic=True)
    carry_out(company)
    with company.store.read() as work:
        found = work.plans.get(plan.id)
    assert found is not None
    assert found.state is PlanState.HELD
    company.run(2 * HOUR)
    assert not any(company.has(f"jumpcloud:group:f{number}:member") for number in range(3 * MOST))


def test_tickets_of_a_plan_are_no_flood_either(store: Store) -> None:
    stack = LocalStack.over(store, fuse=LIMITS)
    for name in NAMES:
        stack.system.change(ADA, name, present=True)
    lines = [line(name, reaction=Reaction.TICKET) for name in NAMES]
    stack.plans.make(PlanKind.BULK, "tickets", lines, automatic=True)
    carry_out(stack)
    assert len(stack.tickets.issues) == MOST
