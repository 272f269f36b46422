"""Whether an operation is still wanted, asked in the same transaction that commits its intent."""

from __future__ import annotations

from dataclasses import dataclass

from access.lifecycle import ClaimState
from access.methods import Direction
from access.operations import Operation, Purpose
from store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class NotWanted:
    """The operation is to be dropped; ``why`` is the reason in a clause."""

    why: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """The operation is to wait a moment; ``why`` is the reason in a clause."""

    why: str


def objection(work: UnitOfWork, operation: Operation) -> NotWanted | NotYet | None:
    """The reason against carrying the operation out now; None when there is none.

    Access that is to be given again is not taken away first: an expiry waits while a newer grant is on its way, which may
    still fail, and is dropped when a newer claim holds the access. A request to take access away waits for nothing.
    """
    if operation.direction is Direction.GIVE:
        why = work.claims.why_void(operation.claim_id) if operation.claim_id else None
        return None if why is None else NotWanted(why)
    if work.claims.on(operation.access_key, states=(ClaimState.ACTIVE,)):
        return NotWanted("a newer claim holds the access")
    if operation.purpose is Purpose.EXPIRY and work.claims.on(operation.access_key, states=(ClaimState.PENDING,)):
        return NotYet("a newer request for the access is on its way")
    return None
