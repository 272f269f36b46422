"""Whether an operation is still wanted, asked in the same transaction that commits its intent."""

from __future__ import annotations

from dataclasses import dataclass

from access.guard import NO_TERMS, Barred, Facts, judge
from access.lifecycle import ClaimState
from access.methods import Direction
from access.operations import Operation, Purpose
from store.unit_of_work import UnitOfWork
from tasks.guard import deprovisioned_by


@dataclass(frozen=True, slots=True)
class NotWanted:
    """The operation is to be dropped; ``why`` is the reason in a clause."""

    why: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """The operation is to wait a moment; ``why`` is the reason in a clause."""

    why: str


def objection(work: UnitOfWork, operation: Operation) -> NotWanted | NotYet | Barred | None:
    """The reason against carrying the operation out now; None when there is none.

    Nothing is given while a request to deprovision the account is open: asked here, in the transaction, no request slips by.

    Access that is to be given again is not taken away first: an expiry waits while a newer grant is on its way, which may
    still fail, and is dropped when a newer claim holds the access. A request to take access away waits for nothing.
    """
    if operation.direction is Direction.GIVE:
        if operation.claim_id and (why := work.claims.why_over(operation.claim_id)) is not None:
            return NotWanted(why)
        open_request = deprovisioned_by(work, operation.system, operation.account_id)
        facts = Facts(who=f"{operation.account_title} ({operation.account_id})", deprovisioned_by=open_request)
        ruling = judge(Direction.GIVE, facts, NO_TERMS)
        return ruling if isinstance(ruling, Barred) else None
    if work.claims.on(operation.access_key, states=(ClaimState.ACTIVE,)):
        return NotWanted("a newer claim holds the access")
    if operation.purpose is Purpose.EXPIRY and work.claims.on(operation.access_key, states=(ClaimState.PENDING,)):
        return NotYet("a newer request for the access is on its way")
    return None
