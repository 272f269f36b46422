"""Snapshots of the system in memory, and their comparison with what should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from access.entitlements import EntitlementRef, System
from access.findings import Finding
from access.lifecycle import OperationState, RequestState
from access.methods import Direction
from access.operations import Purpose
from connectors.reading import AccountRow, AccountStatus, Row
from tasks.reconciliation import Outcome
from tests.fakes.local_stack import LocalStack
from tests.store.snapshot_rows import SnapshotRows, account, group, store_snapshot

SECOND = timedelta(seconds=1)

#: What turns the accesses that are held into those that a snapshot shows.
Distortion = Callable[[list[tuple[str, str]]], list[tuple[str, str]]]


def rows_of(stack: LocalStack, names: Sequence[str], held: Sequence[tuple[str, str]]) -> SnapshotRows:
    """The lists of the system: all accounts, the groups of these entitlements, and who is in them."""
    rows: list[Row] = [_account(stack, each) for each in stack.system.accounts]
    for name in names:
        key = EntitlementRef.parse(name).path[0]
        rows += group(key, key, *(who for who, ref in held if ref == name))
    return SnapshotRows(System.JUMPCLOUD, rows)


def _account(stack: LocalStack, key: str) -> AccountRow:
    status = AccountStatus.SUSPENDED if key in stack.system.suspended else AccountStatus.ACTIVE
    return account(key, stack.system.accounts[key], status=status)


def take_snapshot(
    stack: LocalStack, names: Sequence[str], *, distorted: Distortion = list, at: datetime | None = None
) -> None:
    """Take a complete snapshot now, a second after all that was done before. ``at``: when its reading began, if earlier."""
    stack.clock.advance(SECOND)
    held = [each for each in stack.system.held() if each[1] in names]
    store_snapshot(stack.store, rows_of(stack, names, distorted(held)), at=at or stack.clock.now())


def reconcile(stack: LocalStack, names: Sequence[str], *, distorted: Distortion = list) -> Outcome:
    """Take a snapshot and compare it."""
    take_snapshot(stack, names, distorted=distorted)
    return stack.reconciliation.reconcile(System.JUMPCLOUD)


def findings(stack: LocalStack) -> list[Finding]:
    """The open findings, oldest first."""
    with stack.store.read() as work:
        return list(reversed(work.findings.listed()))


def kinds(stack: LocalStack) -> list[tuple[str, str]]:
    """The open findings: their kinds and entitlements, or accounts."""
    return sorted((str(each.kind), str(each.entitlement or each.account_id)) for each in findings(stack))


def carry_out(stack: LocalStack) -> None:
    """Let plans begin, and carry out what they ask for."""
    stack.plans.run_due()
    stack.run()
    stack.plans.run_due()


def ended_badly(stack: LocalStack) -> list[str]:
    """The requests of lines of plans that did not get done."""
    with stack.store.read() as work:
        return [
            each.id for each in work.requests.recent() if each.source == "plan" and each.state is not RequestState.DONE
        ]


def note_late_write(stack: LocalStack) -> None:
    """A removal of an earlier claim whose write got no answer, and came through late."""
    given = stack.operation("r1")
    with stack.store.write() as work:
        late = replace(
            given,
            id="op-late",
            claim_id=None,
            purpose=Purpose.EXPIRY,
            direction=Direction.TAKE,
            state=OperationState.READY,
            before="present",
            wrote_at=stack.clock.now(),
            due_at=None,
            evidence=None,
            verified_at=None,
        )
        work.operations.add(late)
        work.operations.step("op-late", to=OperationState.DROPPED, states=(OperationState.READY,), error="not wanted")
    stack.clock.advance(timedelta(seconds=1))
