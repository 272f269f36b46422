"""Whether an operation is still wanted: asked in the very transaction that commits to carrying it out."""

from __future__ import annotations

from dataclasses import dataclass

from access.lifecycle import ClaimState
from access.methods import Direction
from access.operations import Operation, Purpose
from store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class NotWanted:
    """It is to be dropped; ``why`` is the reason in a clause."""

    why: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """It is to wait a moment; ``why`` is the reason in a clause."""

    why: str


def objection(work: UnitOfWork, operation: Operation) -> NotWanted | NotYet | None:
    """What stands against carrying the operation out now; None when nothing does.

    Access that is given again is not taken away first: an expiry waits for a newer grant that is on its way, since that may
    yet fail, and gives way to one that holds the access. A request to take it away waits for nobody.
    """
    if operation.direction is Direction.GIVE:
        why = work.claims.why_void(operation.claim_id) if operation.claim_id else None
        return None if why is None else NotWanted(why)
    if work.claims.on(operation.access_key, states=(ClaimState.ACTIVE,)):
        return NotWanted("a newer claim holds the access")
    if operation.purpose is Purpose.EXPIRY and work.claims.on(operation.access_key, states=(ClaimState.PENDING,)):
        return NotYet("a newer request for the access is on its way")
    return None
