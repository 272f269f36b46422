"""The one statement that shows who holds what in a system: directly, and through which group.

The members of a group are found through the parts that hold them, not by an index over all memberships: every sync would pay
for such an index, and people ask now and then. One pass over the snapshot finds those parts first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    case,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)

from access.lifecycle import ClaimState
from store.queries.parts import current_parts, entitlement, given, holding, in_snapshot, project_key, snapshot_began
from store.snapshot_tables import accounts, grants, resources
from store.tables import claims

#: States in which a claim explains access that is there.
_EXPLAINS = [str(state) for state in (ClaimState.PENDING, ClaimState.ACTIVE, ClaimState.ENDING)]


@dataclass(frozen=True, slots=True)
class HeldBy:
    """Which grants to show; None is all. ``accounts`` are ids, ``resources`` kinds and ids."""

    kind: str | None = None
    accounts: Sequence[str] | None = None
    resources: Sequence[tuple[str, str]] | None = None
    status: str | None = None
    text: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether there can be no such grants, so that no query is needed."""
        return self.accounts == [] or self.resources == []


def grants_statement(system: ColumnElement[Any], held_by: HeldBy, *, in_order: bool) -> Select[Any]:
    """The statement for grants, each with its account, resource, group and claim."""
    held = union_all(_direct(system, held_by), _through(system, held_by)).cte("held")
    who, what, project, group = (
        accounts.alias("who"),
        resources.alias("what"),
        resources.alias("project"),
        resources.alias("through_group"),
    )
    written = entitlement(system, held.c.kind, held.c.resource)
    explained = _claims()
    statement = (
        select(
            system.label("system"),
            snapshot_began(system),
            held.c.account,
            who.c.title.label("account_title"),
            who.c.kind.label("account_kind"),
            who.c.status.label("account_status"),
            who.c.username,
            who.c.email,
            who.c.last_active,
            held.c.kind,
            held.c.resource,
            what.c.name.label("resource_name"),
            what.c.parent,
            project.c.name.label("parent_name"),
            project_key(project).label("parent_key"),
            written.label("entitlement"),
            held.c.through,
            group.c.name.label("through_name"),
            held.c.since,
            held.c.first_seen,
            explained.c.claim,
            explained.c.request_id,
            explained.c.ends_at,
        )
        .select_from(held)
        .outerjoin(who, and_(who.c.id == held.c.account, in_snapshot(who.c.part_id, system)))
        .outerjoin(what, _is(what, held.c.kind, held.c.resource, system))
        .outerjoin(project, _is(project, literal("project"), what.c.parent, system))
        .outerjoin(group, _is(group, literal("group"), held.c.through, system))
        .outerjoin(
            explained,
            and_(explained.c.access_key == held.c.account + literal(" ") + written, held.c.through.is_(None)),
        )
        .where(*holding(held_by.text, who.c.title, who.c.email, who.c.username, what.c.name))
        .where(*given(held_by.status, who.c.status))
    )
    if in_order:
        statement = statement.order_by(
            held.c.kind, held.c.resource, held.c.account, func.coalesce(held.c.through, literal(""))
        )
    return statement


def _direct(system: ColumnElement[Any], held_by: HeldBy) -> Select[Any]:
    g = grants.alias("direct")
    return select(
        g.c.principal.label("account"),
        g.c.kind,
        g.c.resource,
        literal(None, Text).label("through"),
        g.c.since,
        g.c.first_seen,
    ).where(
        g.c.part_id.in_(current_parts(system)),
        g.c.principal_kind == "account",
        *([] if held_by.accounts is None else [g.c.principal.in_(held_by.accounts)]),
        *_narrowed(g, held_by),
    )


def _through(system: ColumnElement[Any], held_by: HeldBy) -> Select[Any]:
    g, member, places = grants.alias("of_group"), grants.alias("member"), _places(system, held_by)
    return (
        select(
            member.c.principal.label("account"),
            g.c.kind,
            g.c.resource,
            g.c.principal.label("through"),
            func.coalesce(member.c.since, g.c.since).label("since"),
            case((member.c.first_seen > g.c.first_seen, member.c.first_seen), else_=g.c.first_seen).label("first_seen"),
        )
        .select_from(g)
        .join(places, places.c.resource == g.c.principal)
        .join(
            member,
            and_(
                member.c.part_id == places.c.part_id,
                member.c.kind == "group",
                member.c.resource == places.c.resource,
                member.c.principal_kind == "account",
            ),
        )
        .where(
            g.c.principal_kind == "group",
            in_snapshot(g.c.part_id, system),
            *([] if held_by.accounts is None else [member.c.principal.in_(held_by.accounts)]),
            *_narrowed(g, held_by),
        )
    )


def _places(system: ColumnElement[Any], held_by: HeldBy) -> CTE:
    """In which parts the members of each group are."""
    m = grants.alias("membership")
    statement = (
        select(m.c.part_id, m.c.resource)
        .where(m.c.part_id.in_(current_parts(system)), m.c.kind == "group", m.c.principal_kind == "account")
        .group_by(m.c.part_id, m.c.resource)
    )
    if held_by.accounts is not None:
        statement = statement.where(m.c.principal.in_(held_by.accounts))
    if held_by.resources is not None:
        g = grants.alias("holding")
        groups = select(g.c.principal).where(g.c.principal_kind == "group", *_narrowed(g, held_by))
        statement = statement.where(m.c.resource.in_(groups))
    return statement.cte("places").prefix_with("MATERIALIZED")


def _narrowed(g: FromClause, held_by: HeldBy) -> list[ColumnElement[bool]]:
    narrowed = given(held_by.kind, g.c.kind)
    if held_by.resources is not None:
        narrowed.append(tuple_(g.c.kind, g.c.resource).in_(held_by.resources))
    return narrowed


def _is(
    row: FromClause, kind: ColumnElement[Any], ident: ColumnElement[Any], system: ColumnElement[Any]
) -> ColumnElement[bool]:
    return and_(row.c.id == ident, row.c.kind == kind, in_snapshot(row.c.part_id, system))


def _claims() -> Any:
    """The claims that explain an access: their ids and requests, and when the last of them ends."""
    open_end = func.count().filter(claims.c.ends_at.is_(None))
    return (
        select(
            claims.c.access_key,
            func.aggregate_strings(claims.c.id, " ").label("claim"),
            func.aggregate_strings(claims.c.request_id, " ").label("request_id"),
            case((open_end > 0, null()), else_=func.max(claims.c.ends_at)).label("ends_at"),
        )
        .where(claims.c.state.in_(_EXPLAINS))
        .group_by(claims.c.access_key)
        .subquery("explained")
    )
