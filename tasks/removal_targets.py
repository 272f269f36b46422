"""Whose access, and which, a request to take access away means.

The ids of the claim that stands decide, whatever a search says today: an account may be suspended, have another address, or
be gone with its group. What the request names and what the claim says must not contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from access import email_address
from access.accounts import Account, NoMatch, Subject
from access.claims import STANDING
from access.entitlements import Entitlement, EntitlementRef, ResourceKind
from access.message import AccessRequest, Action
from access.operations import Claim, Request
from access.planning import Refusal, account_of
from access.text import normalized_name
from connectors.ports import Connector
from store.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class Meant:
    """The account and the entitlement that a request means; several of either when that is not clear."""

    account: Account | NoMatch
    entitlement: Entitlement | NoMatch


def meant_by(store: Store, connector: Connector, request: Request) -> Meant | Refusal:
    """What the request takes away. Raises failure words."""
    message = request.message
    asked = message.entitlement_ref
    if message.claim_of is not None:
        return _meant_by_claim(store, connector, message, message.claim_of)
    found = account_of(asked.system) if asked.kind is ResourceKind.ACCOUNT else connector.find_entitlement(asked)
    account = connector.find_account(message.who)
    if isinstance(account, NoMatch) and account.contradiction:
        return Refusal(account.sentence())
    claims = _claims_of_subject(store, message)
    if asked.kind is ResourceKind.ACCOUNT:
        return _with_account_of(account, claims, Meant(account, found), message)
    on_access = [claim for claim in claims if _is_on(claim, found, asked)]
    if not on_access and (others := [claim for claim in claims if _names(claim, asked)]):
        if isinstance(found, Entitlement):
            return Refusal(
                f"{asked} is {found.ref} today, and the claim of request {others[0].request_id} is on "
                f"{others[0].entitlement}. Name the one that is meant by its id."
            )
        on_access = others
    if on_access and isinstance(found, NoMatch):
        found = _entitlement_of(on_access[0])
    return _with_account_of(account, on_access, Meant(account, found), message)


def _with_account_of(
    account: Account | NoMatch, claims: Sequence[Claim], meant: Meant, message: AccessRequest
) -> Meant | Refusal:
    """``meant`` with the account that the subject's claims are about."""
    ids = {claim.account_id for claim in claims if claim.account_id}
    if not ids:
        return meant
    if isinstance(account, Account) and account.id in ids:
        return replace(meant, account=replace(account, email_proven=True))
    if len(ids) > 1 or (isinstance(account, Account) and account.email_proven):
        named = sorted(ids) + ([f"{account.title} ({account.id})"] if isinstance(account, Account) else [])
        return Refusal(
            f"{message.who} is not one account: {', '.join(named)}. Send the request again with the id of the one that is meant."
        )
    return replace(meant, account=_account_of(claims[0]))


def _meant_by_claim(store: Store, connector: Connector, message: AccessRequest, claim_of: str) -> Meant | Refusal:
    """What the request means that the grant ``claim_of`` gave. A grant of other access, or of somebody else, is refused."""
    with store.read() as work:
        grant = work.requests.get(claim_of)
        claim = work.claims.of_request(claim_of)
    if grant is None or grant.message.action is not Action.GRANT:
        return Refusal(f"claim_of names '{claim_of}', which is no request to grant access.")
    entitlement = _entitlement_of(claim) if claim else connector.find_entitlement(grant.message.entitlement_ref)
    if not _is_same_access(connector, message.entitlement_ref, grant, claim, entitlement):
        return Refusal(
            f"claim_of names '{claim_of}', which grants {grant.message.entitlement_ref}, and not {message.entitlement_ref}."
        )
    if claim is not None and claim.account_id is not None:
        account: Account | NoMatch = _account_of(claim)
    else:
        account = connector.find_account(grant.message.who)
    if not _is_same_subject(connector, message.who, grant, claim, account):
        whose = account.id if isinstance(account, Account) else grant.message.who
        return Refusal(
            f"claim_of names '{claim_of}', which is for {grant.message.who} ({whose}), and not for {message.who}."
        )
    if isinstance(account, Account):
        current = connector.find_account(Subject(id=account.id))
        account = replace(current if isinstance(current, Account) else account, email_proven=True)
    return Meant(account, entitlement)


def _is_same_access(
    connector: Connector, asked: EntitlementRef, grant: Request, claim: Claim | None, found: Entitlement | NoMatch
) -> bool:
    if _same_name(asked, grant.message.entitlement_ref) or (claim is not None and _names(claim, asked)):
        return True
    if asked.system is not grant.message.entitlement_ref.system or isinstance(found, NoMatch):
        return False
    now = connector.find_entitlement(asked)
    return isinstance(now, Entitlement) and now.ref == found.ref


def _is_same_subject(
    connector: Connector, asked: Subject, grant: Request, claim: Claim | None, account: Account | NoMatch
) -> bool:
    """Whether nothing that is named of the subject speaks against the subject of the grant."""
    granted = grant.message.who
    account_id = account.id if isinstance(account, Account) else granted.id
    if asked.id and asked.id not in (account_id, granted.id):
        return False
    emails = {email for email in (granted.email, claim.email if claim else None) if email}
    known = not asked.email or any(email_address.same(asked.email, email) for email in emails)
    known = known and (not asked.username or asked.username == granted.username)
    if known:
        return True
    found = connector.find_account(asked)
    return isinstance(found, Account) and found.id == account_id


def _claims_of_subject(store: Store, message: AccessRequest) -> Sequence[Claim]:
    subject = message.who
    if not (subject.id or subject.email):
        return ()
    email = email_address.normalized(subject.email) if subject.email else None
    system = message.entitlement_ref.system
    with store.read() as work:
        return work.claims.of_subject(system, account_id=subject.id, email=email, states=STANDING)


def _is_on(claim: Claim, found: Entitlement | NoMatch, asked: EntitlementRef) -> bool:
    return claim.entitlement == (found.ref if isinstance(found, Entitlement) else asked)


def _names(claim: Claim, asked: EntitlementRef) -> bool:
    return claim.entitlement == asked or _same_name(claim.named, asked)


def _same_name(one: EntitlementRef, other: EntitlementRef) -> bool:
    return (one.system, one.kind) == (other.system, other.kind) and [*map(normalized_name, one.path)] == [
        *map(normalized_name, other.path)
    ]


def _entitlement_of(claim: Claim) -> Entitlement:
    return Entitlement(ref=claim.entitlement, named=claim.named, title=claim.title)


def _account_of(claim: Claim) -> Account:
    assert claim.account_id is not None
    return Account(claim.entitlement.system, claim.account_id, claim.account_title, email=claim.email)
