"""Expressions for queries: what belongs to the current snapshot of a system, and how its rows are named."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, String, case, exists, func, literal, or_, select

from store.snapshot_tables import accounts, snapshot_parts, snapshots


def named(system: str) -> ColumnElement[Any]:
    """A system, as a value of a statement."""
    return literal(system, String)


def current_parts(system: ColumnElement[Any]) -> Select[Any]:
    """The numbers of the parts of the current snapshot, for queries that go through all its rows."""
    return select(snapshot_parts.c.part_id).where(snapshot_parts.c.run_id == _current_run(system))


def in_snapshot(part_id: ColumnElement[Any], system: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a row that was found by another index belongs to the current snapshot."""
    belongs = snapshot_parts.alias()
    return exists().where(belongs.c.part_id == part_id, belongs.c.run_id == _current_run(system))


def snapshot_began(system: ColumnElement[Any]) -> ColumnElement[Any]:
    """When the run behind the current snapshot began."""
    return select(snapshots.c.began_at).where(snapshots.c.system == system).scalar_subquery().label("began_at")


def entitlement(
    system: ColumnElement[Any], kind: ColumnElement[Any], resource: ColumnElement[Any]
) -> ColumnElement[Any]:
    """The written form, as ``EntitlementRef`` has it and claims keep it."""
    right = case((kind == "group", literal("member")), else_=literal("assigned"))
    escaped = func.replace(func.replace(resource, "%", "%25"), ":", "%3A")
    path = case((kind == "project-role", func.replace(escaped, "/", ":")), else_=escaped)
    return system + literal(":") + kind + literal(":") + path + literal(":") + right


def project_key(project: FromClause) -> ColumnElement[Any]:
    """The key of a project, from its row."""
    key: ColumnElement[Any] = project.c.attributes["key"].as_string()
    return key


def same_account(account: str) -> ColumnElement[bool]:
    """Whether an account is the one meant: by id, address or username."""
    folded = account.lower()
    return or_(
        accounts.c.id == account,
        func.lower(accounts.c.email) == folded,
        func.lower(accounts.c.username) == folded,
    )


def given(value: str | None, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """The condition that the column is the value; none without a value."""
    return [] if value is None else [column == value]


def holding(text: str | None, *columns: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """The condition that one of the columns contains the text, in any case; none without a text."""
    return [] if text is None else [or_(*(column.icontains(text, autoescape=True) for column in columns))]


def _current_run(system: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(snapshots.c.run_id).where(snapshots.c.system == system).scalar_subquery()
