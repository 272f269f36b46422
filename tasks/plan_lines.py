"""What has to hold when a line of a plan begins that rests on a finding, and how a claim's access is given again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from access.entitlements import System
from access.lifecycle import ClaimState, LineState, OperationState
from access.methods import Direction
from access.operations import Operation, Purpose, access_key
from access.plans import Line
from access.reactions import Reaction
from access.snapshots import RunState
from store.outbox import Topic, WakeUp
from store.unit_of_work import UnitOfWork
from tasks.services import new_id

#: Of a line that does not begin: its id, and why.
Unwanted = tuple[str, str]


def no_basis(work: UnitOfWork, system: System, *, now: datetime, stale_after: timedelta) -> str | None:
    """Why no removal may rest on the newest snapshot of a system; None when one may."""
    snapshot = work.snapshots.current(system)
    if snapshot is None:
        return f"there is no complete snapshot of {system}"
    last = work.sync_runs.last(system)
    if last is not None and last.state is RunState.FAILED and last.started_at > snapshot.began_at:
        return f"the last sync of {system} failed: {last.error}"
    if snapshot.age(now) > stale_after:
        return f"the snapshot of {system} is older than {stale_after.total_seconds() / 3600:g} hours"
    return None


def is_compared(work: UnitOfWork, system: System) -> bool:
    """Whether the newest snapshot of a system was compared: what findings say is of that snapshot."""
    snapshot, reconciled = work.snapshots.current(system), work.findings.reconciled(system)
    return snapshot is not None and reconciled is not None and snapshot.run_id == reconciled.run_id


def sort_out(work: UnitOfWork, lines: Sequence[Line], *, now: datetime) -> tuple[list[Line], list[Unwanted]]:
    """The lines that are still wanted, and those that are not, of what a finding asked for."""
    numbers = [line.finding_id for line in lines if line.finding_id is not None]
    lasting = work.findings.actionable(numbers, now=now) if numbers else frozenset()
    wanted: list[Line] = []
    unwanted: list[Unwanted] = []
    for line in lines:
        why = _why_not(work, line, lasting)
        if why is None:
            wanted.append(line)
        else:
            unwanted.append((line.id, why))
    return wanted, unwanted


def _why_not(work: UnitOfWork, line: Line, lasting: frozenset[str]) -> str | None:
    if line.finding_id is None:
        return None
    if line.finding_id not in lasting:
        return "The finding is over, adopted or ignored."
    if not line.reaction.takes or line.entitlement is None:
        return None
    key = access_key(line.account_id, None, line.entitlement)
    holding = work.claims.on(key, states=(ClaimState.PENDING, ClaimState.ACTIVE))
    return f"Request {holding[0].request_id} asked for it by now." if holding else None


def gives_again(line: Line) -> bool:
    """Whether the line gives what a claim that stands is about, and needs no request of its own."""
    return line.reaction is Reaction.GIVE and line.claim_id is not None and line.finding_id is not None


def give_again(work: UnitOfWork, line: Line, *, now: datetime) -> WakeUp | None:
    """Give what a claim that stands is about, by the way it was given first; None when the claim is over."""
    assert line.claim_id is not None
    claim = work.claims.get(line.claim_id)
    if claim is None or claim.state is not ClaimState.ACTIVE:
        return None
    given = [
        each
        for each in work.operations.of_request(claim.request_id, purpose=Purpose.REQUEST)
        if each.claim_id == claim.id and each.direction is Direction.GIVE
    ]
    if not given or any(each.state not in _OVER for each in given):
        return None
    operation = _anew(given[-1], position=len(given), now=now, why=f"plan {line.plan_id} gives it again")
    work.operations.add(operation)
    work.audit.record(
        "claim.given_again",
        "claim",
        claim.id,
        now=now,
        request_id=claim.request_id,
        operation=operation.id,
        plan=line.id,
    )
    return WakeUp(Topic.OPERATION, operation.id, operation.lane)


_OVER = (OperationState.DONE, OperationState.FAILED, OperationState.DROPPED)


def _anew(given: Operation, *, position: int, now: datetime, why: str) -> Operation:
    return replace(
        given,
        id=new_id("op"),
        position=position,
        state=OperationState.READY,
        why=why,
        created_at=now,
        begun_at=now,
        due_at=now,
        before=None,
        wrote_at=None,
        accepted_at=None,
        shown_since=None,
        evidence=None,
        error=None,
        tries=0,
        fence=0,
        first_tried_at=None,
        verified_at=None,
        missing=None,
    )


def end_claims_by_clock(work: UnitOfWork, lines: Sequence[Line], *, now: datetime) -> None:
    """Let these claims end by their time, as any other."""
    for line in lines:
        claim = None if line.claim_id is None else work.claims.get(line.claim_id)
        if claim is not None and claim.state is ClaimState.ACTIVE:
            work.claims.set(claim.id, due_at=now, dispatched_until=None)
    work.plans.step_lines([line.id for line in lines], to=LineState.DONE, states=(LineState.WAITING,))
