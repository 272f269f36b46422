"""Ending access early, and extending it, on the word of a person: what is meant, and the requests that are handed in for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from access import email_address
from access.accounts import Subject
from access.durations import iso
from access.entitlements import EntitlementRef
from access.lifecycle import ClaimState
from access.message import Action
from access.operations import Claim, Request
from access.patterns import matches_loosely
from access.plans import Line, PlanKind
from access.reactions import Reaction
from access.remedies import WithRemedy
from access.sources import of_inbox
from store.plans import NUMBERS
from store.queries.endable import living_claims, undecided_grants
from store.unit_of_work import Store, UnitOfWork
from tasks.plans import add_plan
from tasks.services import new_id


class NothingMeant(WithRemedy, Exception):  # noqa: N818 - an answer to the person, not an error
    """What was named has nothing that could be ended or extended: ``what`` says so, and the ``remedy``."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Endable:
    """One access that could be ended. ``request_id`` is the request that gave it, or is to give it.

    ``subject`` and ``entitlement`` are as a request names them; ``ends_at`` is when it would end by itself.
    """

    request_id: str
    state: str
    account_title: str
    title: str
    entitlement: str
    subject: Mapping[str, str]
    ends_at: datetime | None = None
    pre_existing: bool | None = None
    #: The claim that stands; None of a grant that was not decided yet.
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The ids of the requests that were handed in, and the plan that those for claims are lines of, if they are."""

    ids: Sequence[str]
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class HandIn:
    """What requests of a person carry: the user of the operating system ``by``, and the words of that person."""

    by: str
    reason: str
    approved_by: str | None = None


def named(store: Store, request_ids: Iterable[str]) -> Sequence[Endable]:
    """What these requests, or what extended them, gave or are to give. Raises ``NothingMeant`` when one of them has nothing."""
    found: dict[str, Endable] = {}
    nothing: list[str] = []
    with store.read() as work:
        for request_id in request_ids:
            one = _of_request(work, request_id)
            if one is None:
                nothing.append(request_id)
            else:
                found[one.request_id] = one
    if nothing:
        raise NothingMeant(
            f"There is nothing to end of {', '.join(nothing)}.", "See 'provisor claims list --state active'."
        )
    return list(found.values())


def matching(store: Store, *, person: str | None = None, pattern: str | None = None) -> Sequence[Endable]:
    """What one person has, or what matches a pattern over entitlements, or both; what is still on its way too."""
    with store.database.read() as connection:
        claims = living_claims(connection, person=person)
        grants = undecided_grants(connection)
    found = [_of_claim(claim) for claim in claims if _matches(pattern, claim.entitlement, claim.named)]
    for grant in grants:
        about = grant.message.entitlement_ref
        if (person is None or _is_about(grant.message.who, person)) and _matches(pattern, about):
            found.append(_of_grant(grant))
    return found


def hand_in_ends(store: Store, ends: Sequence[Endable], words: HandIn, *, now: datetime) -> HandedIn:
    """Hand in a request to revoke for each, in one commit. Nothing else ends access on the word of a person.

    Several are a plan, which runs by itself as far as the fuse lets it. What is still on its way is called back at once.
    """
    lines = [_line(each, words) for each in ends] if len(ends) > 1 else []
    planned = [line for line in lines if line is not None]
    at_once = [each for each, line in zip(ends, lines, strict=True) if line is None] if lines else ends
    about = [
        {"subject": dict(each.subject), "entitlement": each.entitlement, "claim_of": each.request_id}
        for each in at_once
    ]
    with store.write(holding=NUMBERS) as work:
        handed_in = iter(_hand_in(work, Action.REVOKE, about, words, now=now))
        if not planned:
            return HandedIn(list(handed_in))
        plan = add_plan(
            work,
            PlanKind.BULK,
            f"End {len(planned)} accesses: {words.reason}",
            planned,
            now=now,
            maker=words.by,
            automatic=True,
            approver_said=words.approved_by,
        )
        numbers = count(1)
        ids = [next(handed_in) if line is None else f"{plan.id}.{next(numbers)}" for line in lines]
        return HandedIn(ids, plan.id)


def hand_in_extension(
    store: Store,
    meant: Endable,
    words: HandIn,
    *,
    duration: timedelta | None,
    ends_at: datetime | None,
    now: datetime,
) -> str:
    """Hand in a request to extend an access by ``duration``, or until ``ends_at``; its id."""
    about: dict[str, Any] = {
        "subject": dict(meant.subject),
        "entitlement": meant.entitlement,
        "claim_of": meant.request_id,
    }
    if duration is not None:
        about["duration"] = iso(duration)
    if ends_at is not None:
        about["ends_at"] = ends_at.isoformat()
    with store.write() as work:
        return _hand_in(work, Action.EXTEND, [about], words, now=now)[0]


def _line(each: Endable, words: HandIn) -> Line | None:
    """The line of a plan that ends a claim; None where no claim has an account yet."""
    claim = each.claim
    if claim is None or claim.account_id is None:
        return None
    return Line(
        reaction=Reaction.TAKE,
        system=claim.entitlement.system,
        account_id=claim.account_id,
        account_title=claim.account_title,
        title=claim.title,
        reason=words.reason,
        entitlement=claim.entitlement,
        claim_id=claim.id,
    )


def _hand_in(
    work: UnitOfWork, action: Action, about: Sequence[Mapping[str, Any]], words: HandIn, *, now: datetime
) -> Sequence[str]:
    stem = new_id(str(action))
    ids = [stem] if len(about) == 1 else [f"{stem}.{number}" for number in range(1, len(about) + 1)]
    said = {"reason": words.reason, "requested_by": words.by}
    said |= {"approved_by": words.approved_by} if words.approved_by else {}
    for request_id, each in zip(ids, about, strict=True):
        body = json.dumps({"id": request_id, "action": str(action)} | dict(each) | said).encode()
        work.inbox.add(body, content_type="application/json", source=of_inbox(words.by), now=now)
    return ids


def _of_request(work: UnitOfWork, request_id: str) -> Endable | None:
    line = work.claims.line_of(request_id)
    if line:
        return _of_claim(line[-1]) if line[-1].state in (ClaimState.PENDING, ClaimState.ACTIVE) else None
    request = work.requests.get(request_id)
    waits = request is not None and request.message.action is Action.GRANT and request.finished_at is None
    return _of_grant(request) if request is not None and waits else None


def _of_claim(claim: Claim) -> Endable:
    subject = {"id": claim.account_id} if claim.account_id else {"email": claim.email or ""}
    return Endable(
        claim.origin,
        str(claim.state),
        claim.account_title,
        claim.title,
        str(claim.entitlement),
        subject,
        claim.ends_at,
        claim.pre_existing,
        claim,
    )


def _of_grant(request: Request) -> Endable:
    message = request.message
    subject = message.subject.model_dump(exclude_none=True)
    about = str(message.entitlement_ref)
    return Endable(request.id, str(request.state), str(message.who), about, about, subject, message.ends_at)


def _is_about(who: Subject, person: str) -> bool:
    return person in (who.id, who.username) or (who.email is not None and email_address.same(who.email, person))


def _matches(pattern: str | None, *refs: EntitlementRef) -> bool:
    return pattern is None or any(matches_loosely(pattern, str(ref)) for ref in refs)
