"""What a complete snapshot shows of claimed access is in the ledger: that it is missing, is back, or was there late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from access.entitlements import System
from access.ledger import SeenBy, Understay
from store.database import Database
from store.unit_of_work import Store
from tasks import ledger
from tasks.ledger_snapshots import SnapshotLooks
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, TERMS, LocalStack
from tests.store.snapshot_rows import SnapshotRows, account, group, store_snapshot
from ticketing.ports import Phase

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(f"{request.param}_url"), pool_size=4)
    yield Store(database)
    database.close()


def take_snapshot(stack: LocalStack) -> None:
    """A complete snapshot of what the system holds now, and what Provisor makes of it."""
    members = {name: [ADA] if stack.has(f"jumpcloud:group:{name}:member") else [] for name in ("api", "by-hand")}
    rows = [account(ADA, "ada@example.com"), *(row for name in members for row in group(name, name, *members[name]))]
    store_snapshot(stack.store, SnapshotRows(System.JUMPCLOUD, rows), at=stack.clock.now())
    SnapshotLooks(stack.store, visible_within=TERMS.visible_within).turn()


def understays(stack: LocalStack) -> list[Understay]:
    with stack.store.read() as work:
        return [*work.ledger.understays(), *ledger.missing(work, now=stack.clock.now())]


def test_claimed_access_that_a_snapshot_does_not_show_is_missing_until_one_does(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10 * 3600)
    stack.run(HOUR)
    take_snapshot(stack)
    assert understays(stack) == []
    stack.system.change(ADA, GROUP, present=False)
    stack.run(HOUR)
    lost_at = stack.clock.now()
    take_snapshot(stack)
    take_snapshot(stack)
    stack.run(HOUR)
    [lasting] = understays(stack)
    assert (lasting.since, lasting.ended, lasting.seen_by) == (lost_at, None, SeenBy.SNAPSHOT)
    stack.system.change(ADA, GROUP, present=True)
    take_snapshot(stack)
    [over] = understays(stack)
    assert (over.since, over.until, over.ended) == (lost_at, stack.clock.now(), "back")


def test_access_is_missing_no_longer_than_it_is_claimed(stack: LocalStack) -> None:
    stack.grant("r1", seconds=3 * 3600)
    stack.run(HOUR)
    stack.system.change(ADA, GROUP, present=False)
    take_snapshot(stack)
    stack.run(5 * HOUR)
    [over] = understays(stack)
    assert (over.until, over.ended) == (stack.claim("r1").ends_at, "over")


def test_a_claim_that_is_younger_than_the_snapshot_is_not_missed(stack: LocalStack) -> None:
    stack.grant("r1", seconds=10 * 3600)
    stack.run()
    stack.system.change(ADA, GROUP, present=False)
    take_snapshot(stack)
    assert understays(stack) == []


def test_a_snapshot_that_shows_access_past_due_narrows_what_is_not_known(stack: LocalStack) -> None:
    """A person does what the ticket asks for, and closes it later: nobody looked, but for the snapshot."""
    stack.grant("r1", seconds=10, group=BY_HAND)
    work_on_the_ticket(stack, closes_after=timedelta(0))
    stack.run(MINUTE)
    take_snapshot(stack)
    work_on_the_ticket(stack, closes_after=MINUTE)
    with stack.store.read() as work:
        [found] = work.ledger.overstays()
    # The ticket was opened a minute before the snapshot.
    assert MINUTE <= found.bound < 2 * MINUTE
    assert found.total >= found.bound + MINUTE / 2


def work_on_the_ticket(stack: LocalStack, *, closes_after: timedelta) -> None:
    stack.run()
    [issue] = stack.tickets.open_issues()
    wanted = not stack.has(BY_HAND)
    stack.system.change(ADA, BY_HAND, present=wanted)
    stack.run(closes_after)
    issue.phase = Phase.DONE
    stack.run(MINUTE / 4)
