"""From when and until when: a later start, a fixed end, and the closing of an issue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from access.entitlements import System
from access.failures import Transient
from access.lifecycle import ClaimState, RequestState
from access.policy import Rule
from access.provisioning import Provisioning
from store.database import Database
from store.unit_of_work import Store
from tasks.waiting import waiting
from tests.fakes.faults import Fault
from tests.fakes.local_stack import BY_HAND, GROUP, START, TICKET_TERMS, LocalStack
from tests.store.snapshot_rows import SnapshotRows, account, group, store_snapshot
from ticketing.ports import Phase, TicketDraft

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ACTIVE, ENDED = ClaimState.ACTIVE, ClaimState.ENDED


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Any:
    database = Database(request.getfixturevalue(f"{request.param}_url"), pool_size=4)
    yield Store(database)
    database.close()


@pytest.fixture
def stack(store: Store) -> Iterator[LocalStack]:
    """Hours pass here, in which tickets are looked at each minute."""
    stack = LocalStack.over(store, ticket_terms=replace(TICKET_TERMS, poll=MINUTE))
    yield stack
    assert stack.unrecorded() == []


def at(after: timedelta) -> str:
    return (START + after).isoformat()


# A later start


def test_access_begins_at_its_start_and_waits_for_it_visibly(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60, starts_at=at(HOUR))
    stack.run(59 * MINUTE)
    assert not stack.has()
    [waits] = waiting(stack.store, Provisioning.ON, now=stack.clock.now())
    assert (waits.waits_for, waits.rows[0].id) == ("It is to begin at 2026-11-22 10:00:00 UTC.", "r1")
    stack.run(MINUTE)
    assert stack.has()
    assert stack.claim("r1").starts_at == START + HOUR
    stack.run(2 * MINUTE)
    assert not stack.has()


def test_policy_is_asked_when_the_request_comes_in_and_again_at_the_start(stack: LocalStack) -> None:
    stack.grant("r1", starts_at=at(HOUR))
    other = LocalStack.over(stack.store, like=stack, rules=[Rule("jira:*")])
    stack.run()
    other.grant("r2", starts_at=at(HOUR))
    other.run()
    assert other.request("r2").state is RequestState.REFUSED
    other.run(2 * HOUR)
    assert other.request("r1").state is RequestState.REFUSED
    assert not other.has()


def test_the_time_to_give_counts_from_the_start(stack: LocalStack) -> None:
    other = LocalStack.over(stack.store, like=stack, rules=[Rule("*", give_within=10 * MINUTE)])
    other.grant("r1", seconds=60, starts_at=at(HOUR))
    other.run(HOUR - MINUTE)
    other.system.faults.lasting = Fault.BUSY
    other.run(9 * MINUTE)
    assert other.request("r1").state is not RequestState.FAILED
    other.run(3 * MINUTE)
    assert other.request("r1").state is RequestState.FAILED


@pytest.mark.parametrize("named", [{}, {"claim_of": "r1"}])
def test_access_that_is_revoked_before_its_start_is_never_given(stack: LocalStack, named: dict[str, str]) -> None:
    stack.grant("r1", starts_at=at(HOUR))
    stack.run()
    stack.revoke("v1", **named)
    stack.run(2 * HOUR)
    assert stack.request("r1").state is RequestState.WITHDRAWN
    assert not stack.has()


def test_what_is_to_begin_later_keeps_no_other_request_of_the_person_waiting(stack: LocalStack) -> None:
    stack.grant("r1", starts_at=at(HOUR), subject={"email": "new@example.com"})
    stack.submit(id="r2", action="create_account", subject={"email": "new@example.com"}, system="jumpcloud")
    stack.run()
    assert stack.request("r2").state is not RequestState.RECEIVED


def test_access_of_somebody_who_joins_later_waits_for_the_account_and_says_so(stack: LocalStack) -> None:
    for name in ("r1", "r2"):
        stack.grant(name, starts_at=at(HOUR), subject={"email": f"{name}@example.com"})
    stack.run()
    assert "Today it would be refused: The account r1@example.com" in (stack.request("r1").reason or "")
    stack.system.accounts["u7"] = "r1@example.com"
    stack.run(2 * HOUR)
    assert (stack.request("r1").state, stack.request("r2").state) == (RequestState.DONE, RequestState.REFUSED)
    assert stack.system.has("u7", GROUP)


def test_a_start_that_is_past_is_now(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60, starts_at=at(-HOUR))
    stack.run()
    assert stack.claim("r1").starts_at == stack.clock.now()


# A fixed end


def test_access_ends_at_its_fixed_end_whenever_it_began(stack: LocalStack) -> None:
    stack.system.faults.forecast(*[Fault.THROTTLED] * 2)
    stack.grant("r1", ends_at=at(10 * MINUTE))
    stack.run(5 * MINUTE)
    assert stack.claim("r1").ends_at == START + 10 * MINUTE
    assert stack.claim("r1").starts_at != START
    stack.run(5 * MINUTE)
    assert not stack.has()


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"ends_at": at(-MINUTE)}, "until 2026-11-22 08:59:00 UTC, which is past."),
        ({"ends_at": at(2 * HOUR)}, "for at most 1:00:00, and the request is for 1:59:59.999000."),
        ({"ends_at": at(4 * HOUR), "starts_at": at(2 * HOUR)}, "and the request is for 2:00:00."),
        ({}, "and the request is for standing access."),
    ],
)
def test_a_fixed_end_is_to_come_and_within_the_maximum(stack: LocalStack, times: dict[str, Any], said: str) -> None:
    other = LocalStack.over(stack.store, like=stack, rules=[Rule("*", max_duration=HOUR)])
    other.grant("r1", **times)
    other.run()
    assert other.request("r1").state is RequestState.REFUSED
    assert said in (other.request("r1").reason or "")


def test_the_maximum_counts_from_the_start_that_is_asked_for(stack: LocalStack) -> None:
    other = LocalStack.over(stack.store, like=stack, rules=[Rule("*", max_duration=HOUR)])
    other.grant("r1", starts_at=at(2 * HOUR), ends_at=at(3 * HOUR))
    other.run(150 * MINUTE)
    assert other.has()


def test_a_fixed_end_counts_as_a_duration_that_policy_requires(stack: LocalStack) -> None:
    other = LocalStack.over(stack.store, like=stack, rules=[Rule("*", required=("duration",))])
    other.grant("r1", ends_at=at(HOUR))
    other.run()
    assert other.has()


def test_access_whose_fixed_end_comes_before_it_could_be_given_is_not_given(stack: LocalStack) -> None:
    stack.system.faults.lasting = Fault.BUSY
    stack.grant("r1", ends_at=at(10 * MINUTE))
    stack.run(11 * MINUTE)
    stack.system.faults.clear()
    stack.run(10 * MINUTE)
    assert stack.request("r1").state is RequestState.FAILED
    assert (stack.request("r1").reason or "").startswith("not given in time")
    assert not stack.has()


# Until an issue is closed


def issue(stack: LocalStack) -> str:
    """The key of somebody's issue."""
    return stack.tickets.create(TicketDraft("", "PAY", "Task", "An incident", "", {})).key


def resolve(stack: LocalStack, key: str, phase: Phase = Phase.DONE) -> None:
    next(each for each in stack.tickets.issues.values() if each.ref.key == key).phase = phase


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.DECLINED])
def test_access_goes_when_its_issue_is_closed(stack: LocalStack, phase: Phase) -> None:
    key = issue(stack)
    stack.grant("r1", seconds=3600, until_issue=key)
    stack.run(10 * MINUTE)
    assert stack.has()
    resolve(stack, key, phase)
    stack.run(MINUTE)
    assert not stack.has()
    assert stack.claim("r1").state is ENDED
    with stack.store.read() as work:
        assert work.awaited_issues.get(stack.claim("r1").id) is None
        events = [row.event for row in work.audit.of_request("r1")]
    assert "claim.issue_closed" in events


def test_access_ends_at_its_bound_while_the_issue_is_open(stack: LocalStack) -> None:
    stack.grant("r1", seconds=600, until_issue=issue(stack))
    stack.run(9 * MINUTE)
    assert stack.has()
    stack.run(2 * MINUTE)
    assert not stack.has()
    stack.run(MINUTE)
    with stack.store.read() as work:
        assert work.awaited_issues.get(stack.claim("r1").id) is None


@pytest.mark.parametrize("broken", ["missing", "unreadable", "away"])
def test_access_whose_issue_cannot_be_read_ends_at_its_bound_and_that_is_said(stack: LocalStack, broken: str) -> None:
    key = issue(stack)
    number = key.removeprefix("OPS-")
    if broken == "missing":
        stack.tickets.hidden.add(number)
    elif broken == "unreadable":
        stack.tickets.unreadable[key] = Transient("The page has no issue.")
    else:
        stack.tickets.faults.lasting = Fault.LOCKED_OUT
    stack.grant("r1", seconds=600, until_issue=key)
    stack.run(9 * MINUTE)
    assert stack.has()
    with stack.store.read() as work:
        awaited = work.awaited_issues.get(stack.claim("r1").id)
        said = [row for row in work.audit.of_request("r1") if row.event == "claim.issue_unreadable"]
    assert awaited is not None
    assert awaited.error
    assert len(said) == 1
    stack.run(2 * MINUTE)
    assert not stack.has()


def test_an_extension_lasts_as_it_says_and_no_longer_until_the_issue_is_closed(stack: LocalStack) -> None:
    key, later = issue(stack), issue(stack)
    stack.grant("r1", seconds=600, until_issue=key)
    stack.run(MINUTE)
    about = {"action": "extend", "subject": {"id": "u1"}, "entitlement": "jumpcloud:group:api:member"}
    stack.submit(id="x1", duration="PT10M", claim_of="r1", **about)
    stack.run()
    resolve(stack, key)
    stack.run(MINUTE)
    assert stack.claim("x1").state is ACTIVE
    stack.submit(id="x2", duration="PT10M", claim_of="r1", until_issue=later, **about)
    stack.run()
    resolve(stack, later)
    stack.run(MINUTE)
    assert not stack.has()


def test_an_issue_is_looked_at_beside_the_tickets_of_access(stack: LocalStack) -> None:
    key = issue(stack)
    stack.grant("r1", seconds=3600, until_issue=key, group=BY_HAND)
    stack.run(MINUTE)
    resolve(stack, key)
    stack.run(5 * MINUTE)
    assert stack.claim("r1").state is ClaimState.PENDING
    [asked] = stack.tickets.open_issues()
    stack.system.change("u1", BY_HAND, present=True)
    asked.phase = Phase.DONE
    stack.run(MINUTE)
    assert stack.claim("r1").state is not ACTIVE


# The clock of access by ticket


def test_the_clock_starts_when_access_is_seen_though_its_ticket_is_open(stack: LocalStack) -> None:
    stack.grant("r1", seconds=3600, group=BY_HAND)
    stack.run(MINUTE)
    stack.system.change("u1", BY_HAND, present=True)
    stack.run(16 * MINUTE)
    claim = stack.claim("r1")
    assert claim.state is ACTIVE
    assert claim.starts_at is not None
    assert claim.starts_at <= START + 16 * MINUTE
    [asked] = stack.tickets.open_issues()
    assert any("Verified." in text for text in asked.comments.values())
    stack.run(HOUR)
    assert claim.ends_at is not None
    assert stack.claim("r1").state is ClaimState.ENDING
    asks = [each.draft.summary for each in stack.tickets.open_issues()]
    assert len(asks) == 2


def test_access_whose_ticket_is_open_is_asked_for_every_quarter_of_an_hour_and_no_more(stack: LocalStack) -> None:
    stack.grant("r1", seconds=3600, group=BY_HAND)
    stack.grant("r2", group="jumpcloud:group:by-hand-2:member")
    stack.run(MINUTE)
    calls = stack.system.faults.calls
    stack.run(2 * HOUR)
    assert stack.system.faults.calls - calls == 8


def test_access_that_a_new_snapshot_shows_is_looked_for_at_once(stack: LocalStack) -> None:
    stack.grant("r1", seconds=3600, group=BY_HAND)
    stack.run(MINUTE)
    stack.system.change("u1", BY_HAND, present=True)
    take_snapshot(stack)
    stack.run(MINUTE)
    assert stack.claim("r1").state is ClaimState.PENDING
    take_snapshot(stack, "u1")
    stack.run(MINUTE)
    assert stack.claim("r1").state is ACTIVE
    began = stack.claim("r1").starts_at
    assert began is not None
    assert began < START + 4 * MINUTE


def test_a_snapshot_that_is_older_than_the_system_starts_no_clock(stack: LocalStack) -> None:
    stack.grant("r1", seconds=3600, group=BY_HAND)
    stack.run(MINUTE)
    take_snapshot(stack, "u1")
    calls = stack.system.faults.calls
    stack.run(5 * MINUTE)
    assert stack.claim("r1").state is ClaimState.PENDING
    assert stack.system.faults.calls - calls == 1


def take_snapshot(stack: LocalStack, *members: str) -> None:
    """A snapshot that shows who is in the group by-hand."""
    stack.clock.advance(SECOND)
    rows = SnapshotRows(System.JUMPCLOUD, [account("u1"), *group("by-hand", "by-hand", *members)])
    store_snapshot(stack.store, rows, at=stack.clock.now())


def test_nobody_is_asked_any_more_for_access_whose_end_has_come(stack: LocalStack) -> None:
    stack.grant("r1", ends_at=at(10 * MINUTE), group=BY_HAND)
    stack.run(11 * MINUTE)
    assert stack.request("r1").state is RequestState.WITHDRAWN
    assert stack.request("r1").reason == "not given in time: its end came before"
    stack.run(MINUTE)
    assert stack.tickets.open_issues() == []


def test_access_that_was_given_by_ticket_just_before_its_end_is_taken_away(stack: LocalStack) -> None:
    stack.grant("r1", ends_at=at(10 * MINUTE), group=BY_HAND)
    stack.run(9 * MINUTE + 55 * SECOND)
    stack.system.change("u1", BY_HAND, present=True)
    stack.run(MINUTE)
    assert stack.claim("r1").state is ClaimState.ENDING
    [_, taking] = stack.tickets.open_issues()
    stack.system.change("u1", BY_HAND, present=False)
    taking.phase = Phase.DONE
    stack.run(2 * MINUTE)
    assert stack.claim("r1").state is ENDED
