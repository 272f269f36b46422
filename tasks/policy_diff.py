"""What another policy would mean for what is held now. Nothing is changed, and no system is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from access.entitlements import Entitlement, System
from access.lifecycle import ClaimState
from access.methods import Direction
from access.operations import Claim, Request
from access.planning import Refusal, against_policy, rule_for
from access.policy import Policy, Rule
from store.queries.differences import Differences
from store.queries.shown import Shown
from store.unit_of_work import Store
from tasks.managing import refs_of, title_of


class Means(StrEnum):
    """What another policy means for one claim or resource."""

    #: The claim's request would be refused today, and is not by the policy in force.
    REFUSED = "refused"
    #: The claim's request would be allowed today, and is refused by the policy in force.
    ALLOWED = "allowed"
    #: The access might not be held for so long: it would have to end earlier.
    EARLIER = "earlier"
    #: Access to the resource is compared with what should be, and is not so far.
    MANAGED = "managed"
    #: Access to the resource is compared with what should be no more.
    UNMANAGED = "unmanaged"


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One difference, with the reason. ``who``, the ends and the request are those of a claim, None for a resource."""

    means: Means
    system: System
    title: str
    why: str
    who: str | None = None
    request_id: str | None = None
    ends_at: datetime | None = None
    would_end_at: datetime | None = None


def policy_changes(store: Store, before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """The claims that stand and what would be otherwise for them, then the resources of the newest snapshots.

    Claims come in the order of their requests. A claim keeps its end when policy changes; what is told is whether it could be
    asked for again as it is. A rule in another case than a name counts as meant: only the system could tell.
    """
    with store.read() as work:
        standing = [
            (claim, request)
            for claim in work.claims.in_states((ClaimState.PENDING, ClaimState.ACTIVE))
            if (request := work.requests.get(claim.request_id)) is not None
        ]
        snapshots = [snapshot for system in System if (snapshot := work.snapshots.current(system)) is not None]
    for claim, request in sorted(standing, key=lambda each: (each[1].sequence, each[0].id)):
        if (change := _of_claim(claim, request, before, after)) is not None:
            yield change
    for snapshot in snapshots:
        with store.database.one_moment() as connection:
            differences = Differences(
                connection, Shown(snapshot.system, snapshot.run_id, snapshot.began_at, since=snapshot.began_at)
            )
            for resource in differences.resources():
                refs = refs_of(snapshot.system, resource)
                was, would = before.manages(*refs), after.manages(*refs)
                if was != would:
                    means = Means.MANAGED if would else Means.UNMANAGED
                    rule = after.rule_for(*refs, direction=Direction.GIVE)
                    why = "'manage'" if after.manage else "no rule" if rule is None else f"rule '{rule.pattern}'"
                    yield PolicyChange(means, snapshot.system, title_of(resource), why)


def _of_claim(claim: Claim, request: Request, before: Policy, after: Policy) -> PolicyChange | None:
    was, would = _verdict(claim, request, before), _verdict(claim, request, after)
    if isinstance(would, Refusal):
        return None if isinstance(was, Refusal) else _change(Means.REFUSED, claim, would.reason)
    if isinstance(was, Refusal):
        return _change(Means.ALLOWED, claim, f"Policy rule '{would.pattern}' allows it.")
    if claim.starts_at is None or would.max_duration is None:
        return None
    latest, most = claim.starts_at + would.max_duration, was.max_duration
    fits_so_far = most is None or most > would.max_duration
    if fits_so_far and (claim.ends_at is None or claim.ends_at > latest):
        why = f"Policy rule '{would.pattern}' allows {would.max_duration} at most."
        return _change(Means.EARLIER, claim, why, would_end_at=latest)
    return None


def _verdict(claim: Claim, request: Request, policy: Policy) -> Rule | Refusal:
    rule = rule_for(
        policy,
        claim.entitlement,
        claim.named,
        direction=Direction.GIVE,
        is_meant=lambda _: True,
        source=request.source,
    )
    if isinstance(rule, Refusal):
        return rule
    entitlement = Entitlement(ref=claim.entitlement, named=claim.named, title=claim.title)
    return against_policy(request.message, rule, Direction.GIVE, entitlement) or rule


def _change(means: Means, claim: Claim, why: str, *, would_end_at: datetime | None = None) -> PolicyChange:
    return PolicyChange(
        means,
        claim.entitlement.system,
        claim.title,
        why,
        claim.account_title,
        claim.request_id,
        claim.ends_at,
        would_end_at,
    )
