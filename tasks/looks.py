"""Looks at what an operation changes: what the system shows, and what that proves."""

from __future__ import annotations

from dataclasses import replace

from access.failures import Unseen
from access.lifecycle import STANDING, OperationState
from access.methods import Direction
from access.operations import Operation
from access.proof import Verdict, judge
from connectors.ports import Connector, Observation, Target
from tasks.services import Services


def look(connector: Connector, operation: Operation) -> Observation:
    """What the system shows. For a removal whose thing or account is missing, also whether that is proven to be gone."""
    target = Target.of(operation)
    if operation.direction is Direction.GIVE:
        return connector.observe(target)
    try:
        seen = connector.observe(target)
    except Unseen as failure:
        return Observation(present=False, evidence=str(failure), missing=_name(target))
    return proven_gone(connector, target, seen) if seen.missing else seen


def proven_gone(connector: Connector, target: Target, seen: Observation) -> Observation:
    """The look at something that is missing, with the proof that it is gone where the system gives one."""
    proof = connector.proof_of_gone(target)
    if proof is not None:
        return Observation(present=False, evidence=proof, gone=True)
    return replace(seen, missing=seen.missing or _name(target))


def _name(target: Target) -> str:
    """The name of a missing thing, for a system that does not tell what exactly is missing."""
    return str(target.entitlement)


def verdict_on(services: Services, operation: Operation, seen: Observation) -> Verdict:
    """What follows from a look that shows what the operation wants."""
    if seen.gone:
        return Verdict.DONE
    others_wrote_at, ours = None, None
    if operation.direction is Direction.GIVE:
        with services.store.read() as work:
            others_wrote_at = work.operations.last_write_at(operation.access_key, but=operation.id)
            standing = work.claims.on(operation.access_key, states=STANDING) if others_wrote_at else ()
        ours = any(not claim.pre_existing for claim in standing) if standing else None
    return judge(
        operation,
        others_wrote_at=others_wrote_at,
        ours=ours,
        now=services.clock.now(),
        stale_for=services.options.visible_within,
    )


def look_twice(services: Services, operation: Operation) -> None:
    """Have the operation looked at again after the time for which a look may be stale. Others may have the access until then."""
    now, stale_for = services.clock.now(), services.options.visible_within
    with services.store.write() as work:
        last = work.operations.last_write_at(operation.access_key, but=operation.id)
        settled_at = now if last is None or operation.direction is Direction.TAKE else last + stale_for
        since = operation.shown_since
        if since is None or since < min(settled_at, now):
            since = now if settled_at <= now else None
        work.operations.settle(
            operation.id,
            fence=operation.fence,
            state=str(OperationState.READY),
            shown_since=since,
            due_at=settled_at if since is None else max(now, since + stale_for),
            error="The system shows the access as it was asked for; a second look has to confirm that.",
        )
