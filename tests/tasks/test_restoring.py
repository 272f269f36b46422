"""After an older database was put back (B6): nothing is changed until asked for, and what these requests gave is theirs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from access.entitlements import System
from access.lifecycle import ClaimState, RequestState
from access.provisioning import Provisioning
from store.database import Database
from store.unit_of_work import Store
from tasks.restoring import Restoring
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, START, LocalStack
from tests.store.snapshot_rows import SnapshotRows, account, group, store_snapshot
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)
BOB = "u2"


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=4)
    yield Store(database)
    database.close()


def restoring(stack: LocalStack) -> Restoring:
    return Restoring(stack.store, stack.clock, by="grace")


def snapshot(*members: str) -> SnapshotRows:
    return SnapshotRows(System.JUMPCLOUD, [account(ADA), account(BOB), *group("api", "API", *members)])


def test_b6_nothing_is_changed_between_the_restore_and_its_end(stack: LocalStack) -> None:
    stack.grant("old", seconds=60)
    stack.run()
    stack.grant("asked", group=BY_HAND)
    stack.run()
    sent = len(stack.system.sent)
    assert restoring(stack).begin()
    assert not restoring(stack).begin()
    stack.grant("r1")
    stack.handle(stack.publisher.wake_ups)
    stack.run(10 * MINUTE)
    assert stack.claim("old").state is ClaimState.ACTIVE
    assert stack.request("r1").state is RequestState.RECEIVED
    assert len(stack.system.sent) == sent
    assert restoring(stack).end()
    stack.run(MINUTE)
    assert stack.claim("old").state is ClaimState.ENDED
    assert stack.request("r1").state is RequestState.DONE


@pytest.mark.parametrize("by_hand", [False, True])
def test_b6_what_a_request_of_the_lost_time_gave_is_taken_away_when_its_time_is_up(
    stack: LocalStack, *, by_hand: bool
) -> None:
    """Else temporary access counts as access that was there before, and becomes permanent."""
    access = BY_HAND if by_hand else GROUP
    stack.system.change(ADA, access, present=True)
    restoring(stack).begin()
    stack.grant("r1", seconds=60, group=access)
    restoring(stack).end()
    stack.run(timedelta(seconds=10))
    stack.run(timedelta(seconds=30))
    assert stack.claim("r1").pre_existing is False
    stack.run(5 * MINUTE)
    if by_hand:
        assert stack.tickets.open_issues()
    else:
        assert not stack.has()


def test_what_a_request_gave_in_the_lost_time_that_the_backup_knew_as_received_is_taken_away_when_its_time_is_up(
    stack: LocalStack,
) -> None:
    """Found by the simulation: it is not handed in again, since the backup has it."""
    stack.grant("r1", seconds=60)
    restoring(stack).begin()
    stack.system.change(ADA, GROUP, present=True)
    restoring(stack).end()
    stack.run(5 * MINUTE)
    assert stack.claim("r1").pre_existing is False
    assert not stack.has()


def test_a_request_that_was_to_begin_after_the_restore_gave_nothing_in_the_lost_time(stack: LocalStack) -> None:
    later = (START + 10 * MINUTE).isoformat()
    stack.grant("r1", starts_at=later, ends_at=(START + 20 * MINUTE).isoformat())
    restoring(stack).begin()
    restoring(stack).end()
    stack.system.change(ADA, GROUP, present=True)
    stack.run(30 * MINUTE)
    assert stack.claim("r1").pre_existing
    assert stack.has()


def test_b6_what_the_backups_own_snapshot_shows_was_there_before(stack: LocalStack) -> None:
    stack.system.change(ADA, GROUP, present=True)
    store_snapshot(stack.store, snapshot(ADA), at=START - timedelta(hours=1))
    restoring(stack).begin()
    stack.grant("r1", seconds=60)
    restoring(stack).end()
    stack.run(5 * MINUTE)
    assert stack.claim("r1").pre_existing
    assert stack.has()


def test_b6_requests_of_before_and_after_the_restore_find_access_that_was_there_before(stack: LocalStack) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.grant("before", seconds=30)
    stack.run()
    restoring(stack).begin()
    restoring(stack).end()
    stack.system.change(BOB, GROUP, present=True)
    stack.submit(id="after", action="grant", subject={"id": BOB}, entitlement=GROUP, duration="PT30S")
    stack.run(5 * MINUTE)
    assert stack.claim("before").pre_existing
    assert stack.claim("after").pre_existing


def test_b6_what_no_claim_explains_and_appeared_after_the_backup_is_listed(stack: LocalStack) -> None:
    store_snapshot(stack.store, snapshot(), at=START - timedelta(hours=1))
    restoring(stack).begin()
    latest = restoring(stack).latest()
    assert latest is not None
    assert restoring(stack).unknown(latest, [System.JUMPCLOUD, System.JIRA]).not_read == [System.JUMPCLOUD]
    stack.system.change(ADA, GROUP, present=True)
    stack.grant("r1")
    restoring(stack).end()
    stack.run(MINUTE)
    store_snapshot(stack.store, snapshot(ADA, BOB), at=stack.clock.now())
    unknown = restoring(stack).unknown(latest, [System.JUMPCLOUD, System.JIRA])
    assert [(row["account"], row["entitlement"]) for row in unknown.appeared] == [(BOB, GROUP)]
    assert (unknown.requests, unknown.no_snapshot) == (1, [System.JIRA])


@pytest.fixture
def lost(tmp_path: Path, migrated_sqlite: Path) -> Iterator[LocalStack]:
    """A life that no backup has."""
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'lost.db')}", pool_size=2)
    yield LocalStack.over(Store(database))
    database.close()


def finish(stack: LocalStack, *, present: bool) -> None:
    """A person does what the open ticket asks for."""
    [issue] = stack.tickets.open_issues()
    stack.system.change(ADA, BY_HAND, present=present)
    issue.phase = Phase.DONE


@pytest.mark.parametrize(
    "far", ["asked", pytest.param("given", marks=pytest.mark.long), pytest.param("over", marks=pytest.mark.long)]
)
def test_b6_no_twin_is_made_of_a_ticket_of_the_lost_time(store: Store, lost: LocalStack, far: str) -> None:
    """However far the lost life had come: the request that is handed in again asks by the ticket that is there."""
    lost.grant("r1", seconds=600, group=BY_HAND)
    lost.run(MINUTE)
    if far != "asked":
        finish(lost, present=True)
        lost.run(2 * MINUTE)
    if far == "over":
        lost.run(20 * MINUTE)
        finish(lost, present=False)
        lost.run(2 * MINUTE)
        assert lost.claim("r1").state is ClaimState.ENDED
    made = len(lost.tickets.issues)
    stack = LocalStack.over(store, like=lost)
    restoring(stack).begin()
    restoring(stack).look_for_tickets(stack.tickets)
    assert [(each.ticket.request_id, each.request_state) for each in restoring(stack).lost_tickets()] == [
        ("r1", None)
    ] * made
    stack.grant("r1", seconds=600, group=BY_HAND)
    restoring(stack).look_for_tickets(stack.tickets)
    restoring(stack).end()
    stack.run(MINUTE)
    if far != "given":
        finish(stack, present=True)
    stack.run(2 * MINUTE)
    assert stack.request("r1").state is RequestState.DONE
    assert stack.claim("r1").pre_existing is False
    first, *_ = restoring(stack).lost_tickets()
    assert (first.request_state, first.operation_state) == ("done", "done")
    stack.run(20 * MINUTE)
    finish(stack, present=False)
    stack.run(2 * MINUTE)
    assert stack.claim("r1").state is ClaimState.ENDED
    assert len(stack.tickets.issues) == max(made, 2)


def test_b6_a_ticket_of_the_lost_time_that_was_deleted_is_made_anew(store: Store, lost: LocalStack) -> None:
    lost.grant("r1", group=BY_HAND)
    lost.run(MINUTE)
    stack = LocalStack.over(store, like=lost)
    restoring(stack).begin()
    restoring(stack).look_for_tickets(stack.tickets)
    stack.tickets.issues.clear()
    stack.grant("r1", group=BY_HAND)
    restoring(stack).end()
    stack.run(5 * MINUTE)
    assert len(stack.tickets.open_issues()) == 1


def test_b6_tickets_that_the_backup_knows_or_that_are_another_requests_are_nobody_elses(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run(MINUTE)
    restoring(stack).begin()
    restoring(stack).look_for_tickets(stack.tickets)
    assert restoring(stack).lost_tickets() == []
    [issue] = stack.tickets.issues.values()
    issue.draft = replace(issue.draft, marker="lost-1")
    restoring(stack).look_for_tickets(stack.tickets)
    restoring(stack).end()
    stack.submit(id="r2", action="grant", subject={"id": BOB}, entitlement=BY_HAND)
    stack.run(MINUTE)
    assert len(stack.tickets.issues) == 2
    [found] = restoring(stack).lost_tickets()
    assert (found.ticket.marker, found.operation_state) == ("lost-1", None)


def test_b6_a_plan_of_before_the_restore_is_planned_anew_and_not_lost(stack: LocalStack) -> None:
    planning = LocalStack.over(stack.store, mode=Provisioning.PLAN, like=stack)
    planning.grant("r1", seconds=60)
    planning.run()
    restoring(stack).begin()
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.PLANNED
    restoring(stack).end()
    with stack.store.write() as work:
        work.requests.wake_planned(now=stack.clock.now())
    stack.run(timedelta(seconds=10))
    assert stack.claim("r1").state is ClaimState.ACTIVE
