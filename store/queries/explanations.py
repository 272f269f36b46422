"""What explains a difference besides claims and baselines: a group of the directory that fills this one, an account of ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, and_, exists, func, literal, select

from access.entitlements import System
from access.lifecycle import ClaimState, OperationState
from access.message import CHILD
from access.methods import Direction
from access.planning import account_of
from store.finding_tables import managed
from store.leases import among
from store.person_tables import person_accounts
from store.queries.parts import current_parts, in_snapshot, named
from store.snapshot_tables import grants
from store.tables import claims, operations


def has_through_group(
    holder: ColumnElement[Any], application: Callable[[FromClause], ColumnElement[bool]], system: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether the current snapshot shows that a group of the holder has an application, which ``application`` picks."""
    a, g = grants.alias("bound"), grants.alias("member")
    return exists().where(
        a.c.kind == "application",
        application(a),
        a.c.principal_kind == "group",
        in_snapshot(a.c.part_id, system),
        g.c.kind == "group",
        g.c.resource == a.c.principal,
        g.c.principal == holder,
        g.c.principal_kind == "account",
        in_snapshot(g.c.part_id, system),
    )


def is_passed_on(fed_by: ColumnElement[Any], holder: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the directory's group that fills a resource has the person to whom the holder is proven to belong."""
    g, link = grants.alias("filling"), person_accounts.c
    return exists().where(
        link.system == str(System.JIRA),
        link.account_id == holder,
        link.joined,
        g.c.kind == "group",
        g.c.resource == fed_by,
        g.c.principal == link.person,
        g.c.principal_kind == "account",
        g.c.part_id.in_(current_parts(named(str(System.JUMPCLOUD)))),
    )


def is_missing_where_filled() -> ColumnElement[bool]:
    """Whether a claim goes through a group of the directory, and is not there either: there it is a finding."""
    child = claims.alias("child")
    return and_(
        managed.c.fed_by.is_not(None),
        ~is_passed_on(managed.c.fed_by, claims.c.account_id),
        exists().where(
            child.c.request_id == claims.c.request_id + literal(CHILD), among(child.c.state, (ClaimState.ACTIVE,))
        ),
    )


def came_with(holder: ColumnElement[Any], system: System, *, since: datetime) -> ColumnElement[Any]:
    """The request by which we made the holder's account since a time."""
    o = operations.alias("making")
    return (
        select(func.min(o.c.request_id))
        .where(
            o.c.access_key == holder + literal(f" {account_of(system).ref}", Text),
            o.c.direction == str(Direction.GIVE),
            o.c.wrote_at.is_not(None),
            o.c.verified_at >= since,
            among(o.c.state, (OperationState.DONE,)),
        )
        .scalar_subquery()
    )
