"""Claims: what the beginning and the end of one reason for access mean for the access itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from access.lifecycle import STANDING, ClaimState
from access.operations import Claim


@dataclass(frozen=True, slots=True)
class Keep:
    """The access stays; ``why`` says in a clause for which reason."""

    why: str


@dataclass(frozen=True, slots=True)
class TakeAway:
    """No reason is left for the access."""


def when_over(claim: Claim, others: Iterable[Claim]) -> Keep | TakeAway:
    """What the end of ``claim`` means for the access: the last claim takes it away, unless the access was there before.

    ``others`` are the claims on the same access, in any state. A pending claim is no reason to keep the access: if it came
    to nothing, nobody would take the access away.
    """
    holding = [other for other in others if other.id != claim.id and other.state is ClaimState.ACTIVE]
    if holding:
        return Keep(f"another claim holds the access (request {holding[0].request_id})")
    if claim.pre_existing:
        return Keep("the access was there before the first claim")
    return TakeAway()


def inherits_pre_existing(others: Iterable[Claim], *, was_there: bool) -> bool:
    """Whether a claim that becomes active stands on access that was there before Provisor gave any.

    ``was_there`` is what the system showed before our first write. If the access was absent then, we gave it. Else the other
    claims that stand on it decide: it is pre-existing only if it was so for each of them.
    """
    standing = [other for other in others if other.state in STANDING]
    return was_there and all(other.pre_existing for other in standing)
