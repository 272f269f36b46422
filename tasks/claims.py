"""The changes of a claim, each with its audit row, within the caller's transaction.

``access.claims`` decides what the end of a claim means for the access; this module writes it.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from access.claims import inherits_pre_existing
from access.entitlements import System
from access.findings import ADOPTION
from access.ledger import Ended
from access.lifecycle import STANDING, ClaimState
from access.methods import Direction
from access.operations import Claim, Operation, Purpose, access_key
from access.timing import end_of
from store.unit_of_work import UnitOfWork
from tasks import ledger

_log = structlog.get_logger(__name__)


def activate(work: UnitOfWork, operation: Operation, account_id: str, *, was_there: bool, now: datetime) -> None:
    """The access of the operation's claim was seen: start the claim's clock.

    ``was_there`` is whether the system showed the access before our first write.
    """
    if operation.claim_id is None:
        return
    key = access_key(account_id, None, operation.entitlement)
    claim, others = work.claims.with_standing(operation.claim_id, key)
    if claim is None or claim.state is not ClaimState.PENDING:
        return
    revoked = _is_being_revoked(work, key)
    if others or revoked:
        ledger.close(work, key, ended=Ended.HELD, now=now)
        ledger.found(work, key, now=now)
    if not was_there or revoked:
        was_there = False
        if others:
            work.claims.clear_pre_existing(key)
    elif not others and _is_adopted(work, claim):
        was_there = False  # Nothing explained it before this claim, so that the claim's end takes it away.
    elif not others and work.restores.explains(claim.request_id, key):
        was_there = False  # It was given for this very request, in the time that a restored database does not know.
    ends = end_of(now, duration=claim.duration, fixed=claim.ends_at)
    pre_existing = inherits_pre_existing(others, was_there=was_there)
    work.claims.step(
        claim.id,
        to=ClaimState.ACTIVE,
        states=(ClaimState.PENDING,),
        account_id=account_id,
        access_key=key,
        pre_existing=pre_existing,
        starts_at=now,
        ends_at=ends,
        due_at=ends,
    )
    if claim.until_issue is not None:
        work.awaited_issues.add(claim.id, claim.until_issue, now=now)
    _record(work, "active", claim, now, ends_at=None if ends is None else ends.isoformat(), pre_existing=pre_existing)


def extend(work: UnitOfWork, old: Claim, new: Claim, *, now: datetime) -> bool:
    """Put ``new``, which is pending, in the place of ``old`` in one step; whether ``old`` was still active.

    The access was seen for the old claim, so the new one is active at once; what was there before the first stays so.
    """
    assert new.ends_at is not None, "an extension has an end"
    why = f"extended by request {new.request_id}"
    if not work.claims.step(
        old.id, to=ClaimState.ENDED, states=(ClaimState.ACTIVE,), ended_at=now, why_ended=why, due_at=None
    ):
        return False
    _record(work, "ended", old, now, why=why)
    work.claims.add(new)
    if new.until_issue is not None:
        work.awaited_issues.add(new.id, new.until_issue, now=now)
    work.claims.step(new.id, to=ClaimState.ACTIVE, states=(ClaimState.PENDING,), starts_at=now, due_at=new.ends_at)
    _record(
        work,
        "active",
        new,
        now,
        ends_at=new.ends_at.isoformat(),
        pre_existing=new.pre_existing,
        follows=old.id,
        ended_before=None if old.ends_at is None else old.ends_at.isoformat(),
    )
    return True


def end_now(work: UnitOfWork, claim: Claim, *, now: datetime) -> bool:
    """Let a claim that is active end now, as at the end of its time; whether it was to last longer."""
    if claim.state is not ClaimState.ACTIVE or (claim.ends_at is not None and claim.ends_at <= now):
        return False
    work.claims.set(claim.id, ends_at=now, due_at=now, dispatched_until=None, cut_short=True)
    return True


def begin_ending(work: UnitOfWork, claim: Claim, operation: Operation, *, now: datetime) -> None:
    """The claim ends when ``operation``, which takes the access away, is done."""
    tied = {"ended_by": operation.id, "due_at": None}
    if work.claims.step(claim.id, to=ClaimState.ENDING, states=(ClaimState.ACTIVE,), **tied):
        ledger.claim_over(work, claim, now=now)
        late = None if claim.ends_at is None else (now - claim.ends_at).total_seconds()
        by = None if operation.purpose is Purpose.EXPIRY else operation.request_id
        _record(work, "ending", claim, now, operation=operation.id, by=by, late_seconds=late)


def end(work: UnitOfWork, claim: Claim, *, why: str, now: datetime) -> None:
    """The claim is over, and nothing is left to be done for it."""
    alive = (ClaimState.ACTIVE, ClaimState.ENDING)
    if work.claims.step(claim.id, to=ClaimState.ENDED, states=alive, ended_at=now, why_ended=why, due_at=None):
        if claim.state is ClaimState.ACTIVE:
            ledger.claim_over(work, claim, now=now)
        _record(work, "ended", claim, now, why=why)


def end_all_of(work: UnitOfWork, operation: Operation, *, why: str, now: datetime) -> None:
    """End the claims that ``operation`` was to end."""
    for claim in work.claims.ended_by(operation.id):
        end(work, claim, why=why, now=now)


def end_on(work: UnitOfWork, access_key: str, *, why: str, now: datetime) -> None:
    """End all claims on this access that only wait for it to be taken away."""
    for claim in work.claims.on(access_key, states=(ClaimState.ENDING,)):
        end(work, claim, why=why, now=now)


def end_of_account(work: UnitOfWork, system: System, account_id: str, *, why: str, now: datetime) -> None:
    """End all claims of an account that is deprovisioned."""
    for claim in work.claims.of_account(system, account_id, states=STANDING):
        ledger.close(work, claim.access_key, ended=Ended.GONE, now=now)
        end(work, claim, why=why, now=now)


def void(work: UnitOfWork, claim: Claim, *, why: str, now: datetime) -> None:
    """The claim comes to nothing: its access was never seen."""
    if work.claims.step(claim.id, to=ClaimState.VOID, states=(ClaimState.PENDING,), why_ended=why, ended_at=now):
        _record(work, "void", claim, now, why=why)


def _is_adopted(work: UnitOfWork, claim: Claim) -> bool:
    """Whether a person has the claim hold access that was found."""
    request = work.requests.get(claim.request_id)
    return request is not None and request.source == ADOPTION


def _is_being_revoked(work: UnitOfWork, key: str) -> bool:
    """Whether a request to take this access away is not done yet. Access found before it is no reason to keep the access."""
    return any(
        other.direction is Direction.TAKE and other.purpose is Purpose.REQUEST
        for other in work.operations.not_over_at(key)
    )


def _record(work: UnitOfWork, change: str, claim: Claim, now: datetime, **detail: object) -> None:
    work.audit.record(f"claim.{change}", "claim", claim.id, now=now, request_id=claim.request_id, **detail)
    _log.info(f"claim.{change}", claim_id=claim.id, request_id=claim.request_id, **detail)
