"""The ledger as it is written: in the transactions in which access is seen gone or missing, and removals begin to wait.

``access.ledger`` decides what counts; this module gathers the facts and writes the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from access.ledger import Cause, Ended, Overstay, SeenBy, Understay, Whose, divide, held_until, overdue_since
from access.lifecycle import STANDING, ClaimState
from access.methods import Direction, Method
from access.operations import Claim, Operation, Purpose
from store.outbox import Topic
from store.unit_of_work import UnitOfWork

#: A removal that was written so lately before it was seen gone needs no other witness of when the access was there.
_FRESH = timedelta(seconds=3)


def waits_for(work: UnitOfWork, operation: Operation, cause: Cause, *, now: datetime) -> None:
    """From now on a removal waits for ``cause``. What gives access has no place in the ledger."""
    if operation.direction is Direction.TAKE:
        work.ledger.mark(Topic.OPERATION, operation.id, cause, since=now)


def close(
    work: UnitOfWork, key: str, *, ended: Ended, now: datetime, operation: Operation | None = None
) -> Overstay | None:
    """Write down the time past due of an access that ends now, if there is one. Call it before the claims are changed.

    ``operation`` is the removal that found the access gone, where one did.
    """
    overstay = running(work, key, now=now, operation=operation)
    if overstay is None or overstay.total <= timedelta(0):
        return None
    closed = replace(overstay, ended=ended)
    work.ledger.add(closed)
    return closed


def seen_gone(work: UnitOfWork, operation: Operation, *, now: datetime) -> None:
    """A removal has found its access gone: its time past due is over, or it is missing to a claim that holds it."""
    if close(work, operation.access_key, ended=Ended.GONE, now=now, operation=operation) is None:
        lost(work, operation.access_key, seen_by=SeenBy.REMOVAL, now=now, there_at=operation.there_at)


def running(work: UnitOfWork, key: str, *, now: datetime, operation: Operation | None = None) -> Overstay | None:
    """The time past due of this access up to now; None when there is a reason for the access, or never was one."""
    claims = work.claims.on(key, states=(*STANDING, ClaimState.ENDED))
    takers = [each for each in work.operations.not_over_at(key) if each.direction is Direction.TAKE]
    if operation is not None and operation.id not in [each.id for each in takers]:
        takers.append(operation)
    asking = [each.id for each in takers if each.purpose is Purpose.REQUEST]
    asked_by = work.ledger.asked_at(asking) if asking else {}
    asked = {claim.id: asked_by[claim.ended_by] for claim in claims if claim.ended_by in asked_by}
    still_asked = {claim.id: work.requests.removals_at(claim) for claim in claims if _is_past_its_end(claim, now)}
    for claim_id, requests in still_asked.items():
        moments = [each.received_at for each in requests] + [asked[each] for each in (claim_id,) if each in asked]
        if moments:
            asked[claim_id] = min(moments)
    held = [each for each in takers if each.before == "present" or each.there_at is not None]
    asked_at = min((asked_by[each.id] for each in held if each.id in asked_by), default=None)
    since = overdue_since(claims, asked=asked, now=now, asked_at=asked_at)
    if since is None:
        return None
    if (told := work.ledger.last_until(key)) is not None:
        since = max(since, told)
    standing = [claim for claim in claims if claim.state in STANDING]
    last = max(standing, key=lambda claim: held_until(claim, asked_at=asked.get(claim.id)) or since, default=None)
    remover = operation or (takers[-1] if takers else None)
    whose = _whose(key, last, remover)
    waits = work.ledger.waits(
        operation_ids=[each.id for each in takers],
        request_ids={
            *(each.request_id for each in takers),
            *(each.id for requests in still_asked.values() for each in requests),
        },
        since=since,
    )
    # Nothing proves that access was there all the time that no claim stood on.
    there = None if last is None else _there_at(work, last, remover, now=now)
    bound = now - max(since, there or since)
    return Overstay(whose, since, now, divide(since, max(since, now), waits), max(timedelta(0), bound))


def _is_past_its_end(claim: Claim, now: datetime) -> bool:
    """Whether the claim's time is up: then it may end by that while a request to take it away is still to be carried out."""
    return claim.state in STANDING and claim.ends_at is not None and claim.ends_at <= now


def all_running(work: UnitOfWork, *, now: datetime) -> Sequence[Overstay]:
    """The access that is held past due now, the longest first."""
    found = (running(work, key, now=now) for key in work.ledger.overdue_keys(now=now))
    return sorted((each for each in found if each is not None), key=lambda each: each.since)


def lost(work: UnitOfWork, key: str, *, seen_by: SeenBy, now: datetime, there_at: datetime | None = None) -> None:
    """Access on which claims stand was seen missing. ``there_at`` is when it was last seen, where that is known."""
    holding = _holding(work, key, now=now)
    if not holding:
        return
    last_seen = max(each for each in (holding[0].starts_at, there_at) if each is not None)
    work.ledger.open_loss(key, holding[0].id, since=now, bound=max(timedelta(0), now - last_seen), seen_by=seen_by)


def found(work: UnitOfWork, key: str, *, now: datetime) -> None:
    """Access was seen that claims stand on: if it was missing, it is not any more."""
    _end_loss(work, key, ended="back", now=now)


def claim_over(work: UnitOfWork, claim: Claim, *, now: datetime) -> None:
    """A claim holds its access no longer: when none does, the access is not missing any more."""
    if not [each for each in _holding(work, claim.access_key, now=now) if each.id != claim.id]:
        _end_loss(work, claim.access_key, ended="over", now=now)


def missing(work: UnitOfWork, *, now: datetime) -> Sequence[Understay]:
    """The access that is missing now."""
    rows = work.ledger.losses()
    found = []
    for row in rows:
        claim = work.claims.get(row["claim_id"])
        if claim is not None:
            bound = timedelta(microseconds=row["bound_us"])
            found.append(
                Understay(_whose(row["access_key"], claim, None), row["since"], now, SeenBy(row["seen_by"]), bound)
            )
    return found


def _end_loss(work: UnitOfWork, key: str, *, ended: str, now: datetime) -> None:
    row = work.ledger.end_loss(key)
    claim = None if row is None else work.claims.get(row["claim_id"])
    if row is None or claim is None or now <= row["since"]:
        return
    until = min(now, claim.ends_at or now) if ended == "over" else now
    if until <= row["since"]:
        return
    bound = timedelta(microseconds=row["bound_us"])
    work.ledger.add_understay(
        Understay(_whose(key, claim, None), row["since"], until, SeenBy(row["seen_by"]), bound, ended)
    )


def _holding(work: UnitOfWork, key: str, *, now: datetime) -> Sequence[Claim]:
    active = work.claims.on(key, states=(ClaimState.ACTIVE,))
    return [claim for claim in active if claim.ends_at is None or claim.ends_at > now]


def _there_at(work: UnitOfWork, claim: Claim | None, operation: Operation | None, *, now: datetime) -> datetime | None:
    """When the access was there for certain, as late as is known: by a look, a write, the claim's beginning, a snapshot."""
    known = [None if claim is None else claim.starts_at]
    if operation is not None:
        known.append(operation.there_at)
        if operation.via is Method.CONNECTOR and operation.before == "present":
            known.append(operation.wrote_at)
    there = max((each for each in known if each is not None), default=None)
    if there is not None and there >= now - _FRESH:
        return there
    of = claim or operation
    if of is None or of.account_id is None:
        return there
    shown = work.ledger.shown_at(of.entitlement.system, of.entitlement, of.account_id)
    return max((each for each in (there, shown) if each is not None), default=None)


def _whose(key: str, claim: Claim | None, operation: Operation | None) -> Whose:
    of = claim or operation
    assert of is not None
    return Whose(
        access_key=key,
        entitlement=of.entitlement,
        title=of.title,
        account_id=of.account_id,
        account_title=of.account_title,
        email=of.email,
        request_id=of.request_id,
        claim_id=None if claim is None else claim.id,
        operation_id=None if operation is None else operation.id,
    )
