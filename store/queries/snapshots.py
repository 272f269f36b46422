"""Queries on the current snapshots: accounts, resources and grants as people ask for them, a row at a time.

A grant that comes through a group is computed from the group's grant and the group's members when it is asked for. So the
row names the group, and a change of the group shows at once in everything that it gives.

A snapshot may have thousands of parts and a million rows. So rows are found by indexes that begin with the account or the
resource, and only then checked to be of the current snapshot: in the other order, a planner may go through all parts for
each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, null, or_, select

from access.snapshots import Snapshot
from store.database import Database
from store.queries.grants import HeldBy, grants_statement
from store.queries.parts import (
    current_parts,
    entitlement,
    given,
    holding,
    in_snapshot,
    named,
    project_key,
    same_account,
    snapshot_began,
)
from store.rows import from_row
from store.snapshot_tables import accounts, grants, resources, snapshots
from store.snapshots import TABLES

#: Rows fetched from the database at a time.
_FETCH = 1000


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows to show; None is any. ``text`` may stand in names, titles, usernames and addresses, in any case.

    ``account`` is an id, an address or a username; ``resource`` an id, or a name in any case, of a role also ``KEY:role``.
    """

    system: str | None = None
    kind: str | None = None
    status: str | None = None
    text: str | None = None
    account: str | None = None
    resource: str | None = None
    limit: int | None = None


@contextmanager
def one_moment(database: Database) -> Iterator[Queries]:
    """Queries that all show the same moment of the store, however many they are and however long their rows are read."""
    with database.one_moment() as connection:
        yield Queries(connection)


class Queries:
    """Reads the current snapshots. Rows are mappings; each has the ``system`` and when its snapshot ``began_at``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.execution_options(stream_results=True, yield_per=_FETCH)

    def snapshots(self, system: str | None = None) -> list[Snapshot]:
        """The current snapshots, by system."""
        statement = select(snapshots).order_by(snapshots.c.system)
        if system is not None:
            statement = statement.where(snapshots.c.system == system)
        return [from_row(Snapshot, row) for row in self._connection.execute(statement).mappings().all()]

    def accounts(self, filters: Filters) -> Iterator[Mapping[str, Any]]:
        """The accounts, by system and title."""
        a = accounts.c
        shown = [column for column in a if column.name != "part_id"]
        return self._of_each(
            filters,
            lambda system: (
                select(system.label("system"), snapshot_began(system), *shown)
                .where(
                    a.part_id.in_(current_parts(system)), *given(filters.kind, a.kind), *given(filters.status, a.status)
                )
                .where(*holding(filters.text, a.title, a.username, a.email, a.id))
                .where(*([] if filters.account is None else [same_account(filters.account)]))
                .order_by(func.lower(a.title), a.id)
            ),
        )

    def resources(self, filters: Filters) -> Iterator[Mapping[str, Any]]:
        """The resources, by system, kind and name.

        With the entitlement each carries, and how many accounts and groups hold it directly.
        """
        return self._of_each(filters, lambda system: _resources(system, filters))

    def grants(self, filters: Filters, *, in_order: bool = False) -> Iterator[Mapping[str, Any]]:
        """The grants that accounts hold, direct and through groups, with the claims that explain those that are direct.

        ``in_order``: by kind, resource, account and group within a system, the same in every snapshot; else as they come.
        """
        return self._of_each(filters, lambda system: self._grants(system, filters, in_order=in_order))

    def counts(self, system: str) -> dict[str, int]:
        """How many accounts, resources and direct grants the current snapshot of a system has."""
        current = current_parts(named(system))
        return {
            name: self._connection.execute(
                select(func.count()).select_from(table).where(table.c.part_id.in_(current))
            ).scalar_one()
            for name, table in TABLES.items()
        }

    def _of_each(
        self, filters: Filters, statement: Callable[[ColumnElement[Any]], Select[Any] | None]
    ) -> Iterator[Mapping[str, Any]]:
        """The rows of a statement for each system that has a snapshot, one system after the other."""
        left = filters.limit
        for snapshot in self.snapshots(filters.system):
            if (asked := statement(named(str(snapshot.system)))) is None or left == 0:
                continue
            for row in self._connection.execute(asked if left is None else asked.limit(left)).mappings():
                left = None if left is None else left - 1
                yield dict(row)

    def _grants(self, system: ColumnElement[Any], filters: Filters, *, in_order: bool) -> Select[Any] | None:
        held_by = HeldBy(
            kind=filters.kind,
            accounts=None if filters.account is None else self._account_ids(system, filters.account),
            resources=None if filters.resource is None else self._resource_ids(system, filters),
            status=filters.status,
            text=filters.text,
        )
        return None if held_by.nothing else grants_statement(system, held_by, in_order=in_order)

    def _account_ids(self, system: ColumnElement[Any], account: str) -> Sequence[str]:
        """Ids of the accounts meant. ``account`` itself is one of them: an account that no list shows may hold grants."""
        found = select(accounts.c.id).where(accounts.c.part_id.in_(current_parts(system)), same_account(account))
        return [account, *self._connection.execute(found).scalars()]

    def _resource_ids(self, system: ColumnElement[Any], filters: Filters) -> Sequence[tuple[str, str]]:
        """Kind and id of the resources meant."""
        found = _named_resources(select(resources.c.kind, resources.c.id), system, filters)
        return [(kind, ident) for kind, ident in self._connection.execute(found)]


def _resources(system: ColumnElement[Any], filters: Filters) -> Select[Any]:
    r, g = resources.c, grants.c
    holders = (
        select(
            g.kind,
            g.resource,
            func.count().filter(g.principal_kind == "account").label("holders"),
            func.count().filter(g.principal_kind == "group").label("holder_groups"),
        )
        .where(g.part_id.in_(current_parts(system)))
        .group_by(g.kind, g.resource)
        .subquery("held")
    )
    shown = select(
        system.label("system"),
        snapshot_began(system),
        *(column for column in r if column.name != "part_id"),
        _PROJECT.c.name.label("parent_name"),
        project_key(_PROJECT).label("parent_key"),
        case((r.kind == "project", null()), else_=entitlement(system, r.kind, r.id)).label("entitlement"),
        func.coalesce(holders.c.holders, 0).label("holders"),
        func.coalesce(holders.c.holder_groups, 0).label("holder_groups"),
    )
    return (
        _named_resources(shown, system, filters)
        .outerjoin(holders, and_(holders.c.kind == r.kind, holders.c.resource == r.id))
        .where(*holding(filters.text, r.name, r.id))
        .order_by(r.kind, func.lower(r.name), r.id)
    )


_PROJECT = resources.alias("project")


def _named_resources(shown: Select[Any], system: ColumnElement[Any], filters: Filters) -> Select[Any]:
    """Those of the snapshot that are meant, each with its project."""
    r, project = resources.c, _PROJECT
    statement = (
        shown.select_from(resources)
        .outerjoin(
            project,
            and_(project.c.id == r.parent, project.c.kind == "project", in_snapshot(project.c.part_id, system)),
        )
        .where(r.part_id.in_(current_parts(system)), *given(filters.kind, r.kind))
    )
    if filters.resource is None:
        return statement
    folded = filters.resource.lower()
    role = and_(r.kind == "project-role", func.lower(project_key(project) + ":" + r.name) == folded)
    return statement.where(or_(r.id == filters.resource, func.lower(r.name) == folded, role))
