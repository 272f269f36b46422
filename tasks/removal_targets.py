"""Whose access, and which, a request to take access away means.

The ids of the claim that stands decide, whatever a search says today: an account may be suspended, have another address, or
be gone with its group. What the request names and what the claim says must not contradict each other. Where nothing proves the
account, a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from access import email_address
from access.accounts import Account, NoMatch, Subject
from access.entitlements import Entitlement, EntitlementRef, ResourceKind
from access.lifecycle import STANDING
from access.message import AccessRequest, Action
from access.operations import Claim, Request
from access.planning import Refusal, account_of
from access.text import plain_name, same_name
from connectors.ports import Connector
from store.unit_of_work import Store
from tasks.revocation import claims_up_to


@dataclass(frozen=True, slots=True)
class Meant:
    """The account and the entitlement that a request means; ``NoMatch`` of either when that is not clear."""

    account: Account | NoMatch
    entitlement: Entitlement | NoMatch


def meant_by(store: Store, connector: Connector, request: Request) -> Meant | Refusal:
    """What the request takes away. Raises failure words."""
    message = request.message
    asked = message.entitlement_ref
    # What a person decided is about that account alone.
    who = Subject(id=request.settled_account) if request.settled_account else message.who
    if message.claim_of is not None:
        return _meant_by_claim(store, connector, message, message.claim_of, who)
    found = account_of(asked.system) if asked.kind is ResourceKind.ACCOUNT else connector.find_entitlement(asked)
    account = connector.find_account(who)
    if isinstance(account, NoMatch) and account.contradiction:
        return Refusal(account.sentence())
    claims = _claims_of_subject(store, request, who)
    if asked.kind is ResourceKind.ACCOUNT:
        # This takes more than a claim gave, so a claim counts only if its account was proven to be the subject's.
        proven = [claim for claim in claims if who.id or claim.account_proven]
        return _with_account_of(account, proven, Meant(account, found), who, gave_it=False)
    on_access: Sequence[Claim] = [claim for claim in claims if _is_on(claim, found, asked)]
    if not on_access and (others := _named_so(claims, asked)):
        if isinstance(found, Entitlement) or len({claim.entitlement for claim in others}) > 1:
            today = f" is {found.ref} today, and" if isinstance(found, Entitlement) else ":"
            them = ", ".join(f"request {claim.request_id} has a claim on {claim.entitlement}" for claim in others)
            return Refusal(f"{asked}{today} {them}. Name the one that is meant by its id.")
        on_access = others
    if on_access and isinstance(found, NoMatch):
        found = _entitlement_of(on_access[0], connector)
    return _with_account_of(account, on_access, Meant(account, found), who, gave_it=True)


def _with_account_of(
    account: Account | NoMatch, claims: Sequence[Claim], meant: Meant, who: Subject, *, gave_it: bool
) -> Meant | Refusal:
    """``meant`` with the account that the subject's claims are about, unless another account is proven to be the subject's.

    ``gave_it`` says that the claims gave what is to be taken away. Else another account that is probable stands against them.
    """
    held = {claim.account_id: _account_of(claim) for claim in claims if claim.account_id}
    if not held:
        return meant
    if isinstance(account, Account) and account.email_proven:
        if account.id in held:
            return meant
        named = _written(account, *held.values())
        return Refusal(NoMatch(f"The account {who}", named, contradiction=True).sentence())
    probable = {account.id: account} if isinstance(account, Account) else {}
    if len(held) > 1 or not (gave_it or probable.keys() <= held.keys()):
        both = probable | held
        nobody = NoMatch(f"The account {who}", _written(*both.values()), unproven=True, ids=tuple(both))
        return replace(meant, account=nobody)
    (claimed,) = held.values()
    return replace(meant, account=replace(probable.get(claimed.id, claimed), email_proven=True))


def _meant_by_claim(
    store: Store, connector: Connector, message: AccessRequest, claim_of: str, who: Subject
) -> Meant | Refusal:
    """What the request means that the grant ``claim_of`` gave. A grant of other access, or of somebody else, is refused."""
    with store.read() as work:
        grant = work.requests.get(claim_of)
        claim = next(reversed(work.claims.line_of(claim_of)), None)
    if grant is None or grant.message.action not in (Action.GRANT, Action.EXTEND):
        return Refusal(f"claim_of names '{claim_of}', which is no request to grant access.")
    entitlement = (
        _entitlement_of(claim, connector) if claim else connector.find_entitlement(grant.message.entitlement_ref)
    )
    if not _is_same_access(connector, message.entitlement_ref, grant, claim, entitlement):
        return Refusal(
            f"claim_of names '{claim_of}', which grants {grant.message.entitlement_ref}, and not {message.entitlement_ref}."
        )
    by_claim = claim is not None and claim.account_id is not None
    account = _account_of(claim) if claim is not None and by_claim else connector.find_account(grant.message.who)
    other = _other_subject(connector, who, grant, claim, account)
    whose = _written(account) if isinstance(account, Account) else (str(grant.message.who),)
    if isinstance(other, Account) or (other is not None and (other.contradiction or who.id)):
        named = _written(other) if isinstance(other, Account) else other.candidates
        return Refusal(
            f"claim_of names '{claim_of}', which is for {grant.message.who} and not for {who}: {', '.join((*whose, *named))}."
        )
    if other is not None:
        candidates = (*whose, *other.candidates)
        ids = (account.id,) if isinstance(account, Account) else ()
        return Meant(NoMatch(f"The account {who}", candidates, unproven=True, ids=ids), entitlement)
    if isinstance(account, Account):
        current = connector.find_account(Subject(id=account.id))
        proven = by_claim or account.email_proven
        account = replace(current if isinstance(current, Account) else account, email_proven=proven)
    return Meant(account, entitlement)


def _is_same_access(
    connector: Connector, asked: EntitlementRef, grant: Request, claim: Claim | None, found: Entitlement | NoMatch
) -> bool:
    granted = [grant.message.entitlement_ref] + ([claim.entitlement, claim.named] if claim is not None else [])
    if any(is_spelled_so(each, asked) for each in granted):
        return True
    if asked.system is not grant.message.entitlement_ref.system or isinstance(found, NoMatch):
        return False
    now = connector.find_entitlement(asked)
    return isinstance(now, Entitlement) and now.ref == found.ref


def _other_subject(
    connector: Connector, asked: Subject, grant: Request, claim: Claim | None, account: Account | NoMatch
) -> Account | NoMatch | None:
    """Whom the request names other than the subject of the grant, ``NoMatch`` where that is not clear; None for the same."""
    granted = grant.message.who
    account_id = account.id if isinstance(account, Account) else granted.id
    emails = {email for email in (granted.email, claim.email if claim else None) if email}
    known = not asked.id or asked.id in (account_id, granted.id)
    known = known and (not asked.email or any(email_address.same(asked.email, email) for email in emails))
    known = known and (not asked.username or asked.username == granted.username)
    if known:
        return None
    found = connector.find_account(asked)
    return None if isinstance(found, Account) and found.id == account_id else found


def _claims_of_subject(store: Store, request: Request, subject: Subject) -> Sequence[Claim]:
    """The subject's claims of requests that came in before this one."""
    if not (subject.id or subject.email):
        return ()
    email = email_address.normalized(subject.email) if subject.email else None
    system = request.message.entitlement_ref.system
    with store.read() as work:
        standing = work.claims.of_subject(system, account_id=subject.id, email=email, states=STANDING)
        return claims_up_to(work, standing, request)


def _is_on(claim: Claim, found: Entitlement | NoMatch, asked: EntitlementRef) -> bool:
    return claim.entitlement == (found.ref if isinstance(found, Entitlement) else asked)


def _named_so(claims: Sequence[Claim], asked: EntitlementRef) -> Sequence[Claim]:
    """The claims on the access that is asked for, by its name when they began: exactly, else in another case."""
    exact = [claim for claim in claims if is_spelled_so(claim.named, asked)]
    return exact or [claim for claim in claims if _is_kind_of(claim.named, asked) and _may_be_named_so(claim, asked)]


def is_spelled_so(one: EntitlementRef, other: EntitlementRef) -> bool:
    """Whether two names of entitlements are one, but for accents and spaces around them."""
    return _is_kind_of(one, other) and [*map(plain_name, one.path)] == [*map(plain_name, other.path)]


def _may_be_named_so(claim: Claim, asked: EntitlementRef) -> bool:
    return all(map(same_name, claim.named.path, asked.path))


def _is_kind_of(one: EntitlementRef, other: EntitlementRef) -> bool:
    return (one.system, one.kind) == (other.system, other.kind)


def _entitlement_of(claim: Claim, connector: Connector) -> Entitlement:
    """What the claim is about, and why only a person changes that today."""
    kind = claim.entitlement.kind
    by_person = None if kind is ResourceKind.ACCOUNT else connector.why_by_person(claim.entitlement)
    return Entitlement(ref=claim.entitlement, named=claim.named, title=claim.title, by_person=by_person)


def _account_of(claim: Claim) -> Account:
    assert claim.account_id is not None
    return Account(claim.entitlement.system, claim.account_id, claim.account_title)


def _written(*accounts: Account) -> tuple[str, ...]:
    return tuple(f"{account.title} ({account.id})" for account in accounts)
