"""Extensions: a claim follows another on the same access, in one transaction, while the access is held.

Nothing is asked of the system: the claim on record says whose access it is, and the access was seen for it. So an extension
holds while the system is away, and comes before the end of the claim that it extends, or too late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from access import email_address
from access.accounts import Subject
from access.entitlements import Entitlement, EntitlementRef
from access.lifecycle import ClaimState, RequestState
from access.message import AccessRequest, Action
from access.methods import Direction
from access.operations import Claim, Lane, Request
from access.planning import Refusal, against_policy, rule_for
from access.policy import Rule
from access.provisioning import Provisioning
from access.timing import against_extension, extended_end
from store.unit_of_work import UnitOfWork
from tasks import claims, settlement
from tasks.guard import deprovisioned_by
from tasks.removal_targets import is_spelled_so
from tasks.services import Services, new_id

_log = structlog.get_logger(__name__)

_ASK_ANEW = "Ask anew with a request to grant."


@dataclass(frozen=True, slots=True)
class ComesAfter:
    """The claim is not extended before it is decided what becomes of an earlier request, which is to take the access away."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Extended:
    """The claim was extended, or would be where nothing is to be changed yet; ``what`` says so in one sentence."""

    what: str


def extend(services: Services, request: Request) -> Refusal | Extended | ComesAfter:
    """Extend the claim that a request means. Raises failure words, where a policy rule has to be looked up by its name."""
    with services.store.read() as work:
        meant = _meant_by(work, request.message)
    if isinstance(meant, Refusal):
        return meant
    rule = _rule_for(services, request, meant)
    if isinstance(rule, Refusal):
        return rule
    with services.store.write(holding=meant.access_key) as work:
        outcome = _follow(services, work, request, meant, rule)
        if isinstance(outcome, Extended) and services.mode is Provisioning.ON:
            settlement.finish(work, request.id, RequestState.DONE, now=services.clock.now(), reason=outcome.what)
    if isinstance(outcome, Extended):
        _log.info("request.extends", request_id=request.id, what=outcome.what)
    return outcome


def _follow(
    services: Services, work: UnitOfWork, request: Request, meant: Claim, rule: Rule
) -> Refusal | Extended | ComesAfter:
    """Commit the claim that follows, within the transaction that holds the access."""
    now = services.clock.now()
    line = work.claims.line_of(meant.request_id)
    stored = work.requests.get(request.id)
    if stored is None or stored.state not in (RequestState.RECEIVED, RequestState.PLANNED):
        return Extended("It was decided in the meantime.")
    old = line[-1]
    if old.state is not ClaimState.ACTIVE:
        return _not_held(old)
    if old.cut_short:
        return Refusal(f"The access of request {old.request_id} is being ended. {_ASK_ANEW}")
    if old.ends_at is None:
        return Refusal(f"The access of request {old.request_id} has no end, so there is nothing to extend.")
    open_request = deprovisioned_by(work, old.entitlement.system, old.account_id)
    if open_request is not None:
        return Refusal(f"Request {open_request} deprovisions {old.account_title} ({old.account_id}).")
    new_end = extended_end(request.message, old.ends_at)
    first_start = line[0].starts_at or now
    against = against_extension(
        old.ends_at, new_end, first_start=first_start, most=rule.max_duration, now=now, pattern=rule.pattern
    )
    if against is not None:
        return Refusal(against)
    until = f"{new_end:%Y-%m-%d %H:%M:%S} UTC"
    if services.mode is not Provisioning.ON:
        return Extended(f"Would extend the access of request {old.request_id} until {until}.")
    if earlier := [each for each in work.requests.removals_at(old) if each.sequence < request.sequence]:
        return ComesAfter(earlier[0].id)
    new = replace(
        old,
        id=new_id("cl"),
        request_id=request.id,
        state=ClaimState.PENDING,
        duration=request.message.duration,
        starts_at=None,
        ends_at=new_end,
        until_issue=request.message.until_issue,
        follows=old.id,
        first_request_id=old.origin,
    )
    if not claims.extend(work, old, new, now=now):
        return _not_held(old)
    return Extended(f"The access of request {old.request_id} lasts until {until}.")


def _rule_for(services: Services, request: Request, claim: Claim) -> Rule | Refusal:
    """The rule for giving that allows it, or why none does."""

    def is_meant(spelled: EntitlementRef) -> bool:
        # A rule in another case than the name: rare, and only the system knows whether both are one.
        found = services.connector(claim.entitlement.system, Lane.REVOKE).find_entitlement(spelled)
        return isinstance(found, Entitlement) and found.ref == claim.entitlement

    rule = rule_for(
        services.policy,
        claim.entitlement,
        claim.named,
        direction=Direction.GIVE,
        is_meant=is_meant,
        source=request.source,
    )
    if isinstance(rule, Refusal):
        return rule
    entitlement = Entitlement(ref=claim.entitlement, named=claim.named, title=claim.title)
    return against_policy(request.message, rule, Direction.GIVE, entitlement) or rule


def _meant_by(work: UnitOfWork, message: AccessRequest) -> Claim | Refusal:
    """The claim that a request to extend means, by ``claim_of``, or by its subject and entitlement."""
    if message.claim_of is not None:
        return _meant_by_claim(work, message, message.claim_of)
    asked = message.entitlement_ref
    found = [each for each in _active_claims_of(work, message) if _is_on(each, asked)]
    if not found:
        return Refusal(f"{message.who} has no access to {asked} that can be extended. {_ASK_ANEW}")
    if len(found) > 1:
        them = ", ".join(
            f"request {each.request_id} of {each.account_title}"
            + ("" if each.ends_at is None else f" until {each.ends_at:%Y-%m-%d %H:%M:%S} UTC")
            for each in sorted(found, key=lambda each: each.request_id)
        )
        return Refusal(f"Several claims match: {them}. Name one by claim_of.")
    return found[0]


def _active_claims_of(work: UnitOfWork, message: AccessRequest) -> Sequence[Claim]:
    who, system = message.who, message.entitlement_ref.system
    active = (ClaimState.ACTIVE,)
    if who.id or who.email:
        email = email_address.normalized(who.email) if who.email else None
        return work.claims.of_subject(system, account_id=who.id, email=email, states=active)
    return work.claims.asked_for(system, str(who), states=active)


def _meant_by_claim(work: UnitOfWork, message: AccessRequest, claim_of: str) -> Claim | Refusal:
    line = work.claims.line_of(claim_of)
    first = work.requests.get(line[0].origin) if line else work.requests.get(claim_of)
    if first is None or first.message.action is not Action.GRANT:
        return Refusal(f"claim_of names '{claim_of}', which is no request that gave access.")
    if not line:
        return Refusal(f"Request {claim_of} is {first.state} and has given no access yet. {_ASK_ANEW}")
    asked, claim = message.entitlement_ref, line[-1]
    if not (_is_on(claim, asked) or is_spelled_so(first.message.entitlement_ref, asked)):
        return Refusal(f"claim_of names '{claim_of}', which grants {first.message.entitlement_ref}, and not {asked}.")
    if not _is_same_subject(message.who, first.message.who, claim):
        return Refusal(f"claim_of names '{claim_of}', which is for {first.message.who} and not for {message.who}.")
    return claim


def _is_same_subject(asked: Subject, granted: Subject, claim: Claim) -> bool:
    """Whether nothing that the request says of its subject is another's, by the words of the grant and the claim."""
    emails = [email for email in (granted.email, claim.email) if email]
    return (
        (not asked.id or asked.id in (claim.account_id, granted.id))
        and (not asked.email or any(email_address.same(asked.email, email) for email in emails))
        and (not asked.username or asked.username == granted.username)
    )


def _is_on(claim: Claim, asked: EntitlementRef) -> bool:
    return is_spelled_so(claim.entitlement, asked) or is_spelled_so(claim.named, asked)


def _not_held(claim: Claim) -> Refusal:
    why = f", because {claim.why_ended}" if claim.why_ended else ""
    return Refusal(f"The access of request {claim.request_id} is {claim.state}{why}. {_ASK_ANEW}")
