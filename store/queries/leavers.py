"""What a person holds, as the current snapshots show it and as claims say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Text, and_, cast, func, select

from access.entitlements import EntitlementRef, System
from access.leavers import Held, HeldClaim
from access.lifecycle import ClaimState
from access.operations import Claim, access_key
from access.people import AccountRef
from store.queries.parts import entitlement, in_snapshot, named
from store.rows import from_row
from store.snapshot_tables import accounts, grants, resources
from store.tables import claims

_LIVING = (str(ClaimState.PENDING), str(ClaimState.ACTIVE))


def held_by(connection: Connection, account: AccountRef) -> Sequence[Held]:
    """What an account holds itself, once each: what its snapshot shows, and what claims say that gave it."""
    title, kind = _account(connection, account)
    reasons = _claims(connection, account)
    found: dict[EntitlementRef, Held] = {}
    for row in _grants(connection, account):
        ref = EntitlementRef.parse(row["entitlement"])
        found[ref] = Held(
            account,
            title,
            ref,
            _title(account.system, row),
            shown=True,
            claims=_held_claims(reasons.pop(access_key(account.id, None, ref), ())),
            by_itself=_by_itself(row["attributes"] or {}),
            out_of_reach=_OUT_OF_REACH if kind == "admin" else None,
        )
    for group in reasons.values():
        claim = group[0]
        if claim.entitlement.path:
            found[claim.entitlement] = Held(
                account, title, claim.entitlement, claim.title, shown=False, claims=_held_claims(group)
            )
    return list(found.values())


_OUT_OF_REACH = "Provisor cannot change an administrator's account; take the role away in the JumpCloud console"


def _by_itself(attributes: Mapping[str, Any]) -> str | None:
    if attributes.get("follows_a_rule"):
        return "the group's members follow a rule, which decides"
    if attributes.get("external_synced") or attributes.get("managed_by") == "external":
        return "an identity provider fills the group, and takes out whom it suspends"
    return None


def _account(connection: Connection, account: AccountRef) -> tuple[str, str | None]:
    system = named(str(account.system))
    statement = select(accounts.c.title, accounts.c.kind).where(
        accounts.c.id == account.id, in_snapshot(accounts.c.part_id, system)
    )
    row = connection.execute(statement).first()
    return (account.id, None) if row is None else (row.title, row.kind)


def _grants(connection: Connection, account: AccountRef) -> Sequence[Mapping[str, Any]]:
    system, g, r = named(str(account.system)), grants.c, resources.c
    project = resources.alias("project")
    statement = (
        select(
            g.kind,
            func.coalesce(r.name, g.resource).label("name"),
            cast(project.c.name, Text).label("parent"),
            r.attributes,
            entitlement(system, g.kind, g.resource).label("entitlement"),
        )
        .select_from(grants)
        .outerjoin(resources, and_(r.id == g.resource, r.kind == g.kind, in_snapshot(r.part_id, system)))
        .outerjoin(
            project,
            and_(project.c.id == r.parent, project.c.kind == "project", in_snapshot(project.c.part_id, system)),
        )
        .where(g.principal == account.id, g.principal_kind == "account", in_snapshot(g.part_id, system))
        .order_by(g.kind, g.resource)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def _title(system: System, row: Mapping[str, Any]) -> str:
    of = f" in {row['parent']}" if row["parent"] else ""
    return f"{system.label} {row['kind'].replace('-', ' ')} {row['name']}{of}"


def _claims(connection: Connection, account: AccountRef) -> dict[str, list[Claim]]:
    """The account's claims that are reasons for access, by the key of the access."""
    statement = select(claims).where(
        claims.c.account_id == account.id, claims.c.system == str(account.system), claims.c.state.in_(_LIVING)
    )
    found: dict[str, list[Claim]] = {}
    for row in connection.execute(statement.order_by(claims.c.id)).mappings():
        claim = from_row(Claim, row)
        found.setdefault(claim.access_key, []).append(claim)
    return found


def _held_claims(found: Sequence[Claim]) -> tuple[HeldClaim, ...]:
    return tuple(
        HeldClaim(claim.id, bool(claim.pre_existing), claim.state is ClaimState.PENDING, claim.ends_at)
        for claim in found
    )
