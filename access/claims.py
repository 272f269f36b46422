"""Claims: what the end of one reason for access means for the access itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from access.lifecycle import ClaimState
from access.operations import Claim


@dataclass(frozen=True, slots=True)
class Keep:
    """The access stays; ``why`` says what it stands on."""

    why: str


@dataclass(frozen=True, slots=True)
class TakeAway:
    """Nothing holds the access any more."""


def when_over(claim: Claim, others: Iterable[Claim]) -> Keep | TakeAway:
    """What the end of ``claim`` does to the access: the last claim out takes it, unless it was there before the first.

    ``others`` are the other claims on the same access, in any state. One that is pending holds nothing: it may never come
    to be, and then nobody would take the access.
    """
    holding = [other for other in others if other.id != claim.id and other.state is ClaimState.ACTIVE]
    if holding:
        return Keep(f"another claim holds the access (request {holding[0].request_id})")
    if claim.pre_existing:
        return Keep("the access was there before the first claim")
    return TakeAway()


def inherits_pre_existing(others: Iterable[Claim], *, was_there: bool) -> bool:
    """Whether a claim that becomes active stands on access that was there before Provisor gave any.

    ``was_there`` is what the system showed before our first write: what was not there then is ours, whatever stood before.
    Where earlier claims still stand, or are just ending, they know better: what they gave is not pre-existing, what they
    found is.
    """
    standing = [other for other in others if other.state in STANDING]
    return was_there and all(other.pre_existing for other in standing)


#: States in which a claim stands on access that was seen.
STANDING = (ClaimState.ACTIVE, ClaimState.ENDING)
