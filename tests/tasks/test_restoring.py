"""After an older database was put back (B6): nothing is changed until asked for, and what these requests gave is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from access.entitlements import System
from access.lifecycle import ClaimState, RequestState
from access.provisioning import Provisioning
from store.database import Database
from store.unit_of_work import Store
from tasks.restoring import Restoring
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, START, LocalStack
from tests.store.snapshot_rows import SnapshotRows, account, group, store_snapshot

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
