"""The statements that compare the current snapshot of a system with claims and baselines: only differences leave the database.

What an operation that is not over explains, or one that wrote or read later than the snapshot began, is no difference: the
snapshot may show the time before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Select,
    Text,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)

from access.entitlements import RIGHTS, EntitlementRef, ResourceKind, System
from access.findings import Difference, FindingKind
from access.lifecycle import ClaimState, OperationState, TicketState
from access.methods import Direction
from access.planning import account_of
from store.finding_tables import baseline, managed
from store.leases import among
from store.operations import ALIVE
from store.queries.explanations import came_with, has_through_group, is_missing_where_filled, is_passed_on
from store.queries.filled import Filling, filling
from store.queries.parts import current_parts, named, project_key
from store.queries.shown import Shown, ShownResource
from store.snapshot_tables import accounts, grants, resources, snapshot_parts, snapshots
from store.tables import claims, operations, tickets

#: So long after a write of ours went out a change that it explains may show: later, somebody else made it.
_LATE = timedelta(hours=24)

#: Rows fetched from the database at a time.
_FETCH = 1000

_EXPLAINING = (ClaimState.PENDING, ClaimState.ACTIVE, ClaimState.ENDING)
#: Kinds of accounts that are people's own.
_PEOPLES = ("user", "atlassian")


class Differences:
    """The differences between a snapshot and what should be. Asked on a connection that shows one moment."""

    def __init__(self, connection: Connection, shown: Shown) -> None:
        self._shown = shown
        if connection.dialect.name == "postgresql":
            # All rows of each statement are wanted. By itself the server plans a cursor for its first rows; and it takes a run
            # that it has no statistics of for a few rows. Either way it would look everything up row by row [measured].
            for setting in ("cursor_tuple_fraction = 1", "enable_nestloop = off", "work_mem = '64MB'"):
                connection.exec_driver_sql(f"SET LOCAL {setting}")
        self._connection = connection.execution_options(stream_results=True, yield_per=_FETCH)

    def all(self) -> Iterator[Difference]:
        """All of them, each once; access of deprovisioned accounts is left over, whatever else it is."""
        left_over = list(self._leftover())
        yield from left_over
        keys = {each.key for each in left_over}
        yield from (each for each in self._unexpected() if each.key not in keys)
        yield from self._missing()
        yield from self._dangling()
        yield from self._unverified()
        yield from self._disputed()
        if self._shown.system is System.JIRA:
            yield from self.orphans()

    def is_current(self) -> bool:
        """Whether the snapshot is still the newest: the rows of an older one are deleted."""
        found = select(snapshots.c.run_id).where(snapshots.c.system == str(self._shown.system))
        return self._connection.execute(found).scalar() == self._shown.run_id

    def resources(self) -> Iterator[ShownResource]:
        """The resources that access is to."""
        project = resources.alias("project")
        is_parent = and_(
            project.c.id == resources.c.parent, project.c.kind == "project", project.c.part_id.in_(self._parts())
        )
        found = (
            select(
                resources.c.kind,
                resources.c.id,
                resources.c.name,
                project_key(project).label("parent_key"),
                resources.c.attributes,
            )
            .select_from(resources)
            .outerjoin(project, is_parent)
            .where(self._in_snapshot(resources), resources.c.kind.in_(_HELD))
            .order_by(resources.c.kind, resources.c.id)
        )
        for row in self._connection.execute(found):
            of_product = bool((row.attributes or {}).get("of_product"))
            yield ShownResource(row.kind, row.id, row.name, row.parent_key, of_product)

    def filling(self) -> Filling:
        """Which groups of the directory fill those of Jira; of other systems there are none."""
        return filling(self._connection) if self._shown.system is System.JIRA else Filling()

    def managed_grants(self) -> int:
        """How many accounts hold managed resources directly."""
        held = select(func.count()).select_from(grants).join(managed, self._is_managed(grants))
        held = held.where(self._in_snapshot(grants), grants.c.principal_kind == "account")
        return self._connection.execute(held).scalar_one()

    def people(self) -> int:
        """How many accounts of people the snapshot shows."""
        found = select(func.count()).select_from(accounts)
        return self._connection.execute(
            found.where(self._in_snapshot(accounts), accounts.c.kind.in_(_PEOPLES))
        ).scalar_one()

    def holders(self, managed_ids: list[int]) -> Iterator[tuple[int, str, str]]:
        """Who holds these managed resources for a reason of their own: the number of the resource, the kind of holder, its id."""
        ours = exists().where(
            claims.c.access_key == _key(grants),
            among(claims.c.state, _EXPLAINING),
            claims.c.pre_existing.is_(False),
        )
        found = (
            select(managed.c.id, grants.c.principal_kind, grants.c.principal)
            .select_from(managed)
            .join(grants, self._is_managed(grants))
            .where(self._in_snapshot(grants), managed.c.id.in_(managed_ids), ~ours)
        )
        yield from map(tuple, self._connection.execute(found))

    def left_baseline(self) -> Iterator[tuple[int, str, str, datetime | None]]:
        """The holders of baselines that the snapshot does not show, and since when that is doubted."""
        found = select(baseline.c.managed_id, baseline.c.holder_kind, baseline.c.holder, baseline.c.doubted_at)
        found = found.select_from(baseline).join(managed, managed.c.id == baseline.c.managed_id)
        there = self._holds(baseline.c.holder, baseline.c.holder_kind)
        yield from map(
            tuple, self._connection.execute(found.where(self._of_system(), managed.c.gone.is_(False), ~there))
        )

    def back_in_baseline(self) -> Iterator[tuple[int, str, str]]:
        """The holders of baselines that were doubted, and are shown."""
        found = select(baseline.c.managed_id, baseline.c.holder_kind, baseline.c.holder)
        found = (
            found.select_from(baseline)
            .join(managed, managed.c.id == baseline.c.managed_id)
            .where(baseline.c.doubted_at.is_not(None))
        )
        there = self._holds(baseline.c.holder, baseline.c.holder_kind)
        yield from map(tuple, self._connection.execute(found.where(self._of_system(), there)))

    def _unexpected(self) -> Iterator[Difference]:
        key = _key(grants)
        claimed = exists().where(
            claims.c.access_key == key,
            or_(among(claims.c.state, _EXPLAINING), claims.c.ended_at >= self._shown.began_at),
        )
        before = exists().where(
            baseline.c.managed_id == managed.c.id,
            baseline.c.holder_kind == grants.c.principal_kind,
            baseline.c.holder == grants.c.principal,
        )
        found = (
            select(
                key.label("access_key"),
                grants.c.principal,
                grants.c.principal_kind,
                managed.c.entitlement,
                managed.c.title,
                managed.c.fed_by,
                managed.c.of_product,
            )
            .select_from(grants)
            .join(managed, self._is_managed(grants))
            .where(self._in_snapshot(grants), managed.c.baseline_at.is_not(None), ~before, ~claimed)
            .where(~self._busy(key))
            .cte("found")
            .prefix_with("MATERIALIZED")
        )
        taken = self._last(found.c.access_key, Direction.TAKE)
        given = self._last(found.c.access_key, Direction.GIVE)
        statement = select(
            *found.c,
            self._title_of(found.c.principal, found.c.principal_kind),
            and_(taken.is_not(None), or_(given.is_(None), taken > given)).label("returned"),
            self._gave_late(found.c.access_key).label("ours_at"),
            came_with(found.c.principal, self._shown.system, since=self._shown.since).label("came_with"),
        ).where(or_(found.c.fed_by.is_(None), ~is_passed_on(found.c.fed_by, found.c.principal)))
        for row in self._connection.execute(statement).mappings():
            kind = FindingKind.RETURNED if row["returned"] else FindingKind.UNEXPECTED
            how = (
                "came back after it was taken away"
                if row["returned"]
                else "is explained by no claim, and was not there before"
            )
            found_so = self._access(kind, row, f"{row['title']} {how}.", ours_at=row["ours_at"])
            if row["of_product"] and row["came_with"]:
                cause = f"Jira put the account there when request {row['came_with']} made it"
                found_so = replace(found_so, cause=cause)
            yield found_so

    def _leftover(self) -> Iterator[Difference]:
        key = _key(grants)
        deprovisioned = self._deprovisioned()
        for start in range(0, len(deprovisioned), _FETCH):
            found = (
                select(
                    key.label("access_key"),
                    grants.c.principal,
                    grants.c.principal_kind,
                    managed.c.entitlement,
                    managed.c.title,
                    self._title_of(grants.c.principal, grants.c.principal_kind),
                )
                .select_from(grants)
                .join(managed, self._is_managed(grants))
                .where(grants.c.principal.in_(deprovisioned[start : start + _FETCH]))
                .where(grants.c.principal_kind == "account", self._in_snapshot(grants), ~self._busy(key))
            )
            for row in self._connection.execute(found).mappings():
                what = f"The account was deprovisioned, and still holds {row['title']}."
                yield self._access(FindingKind.LEFTOVER, row, what)

    def _deprovisioned(self) -> list[str]:
        """The accounts that were deprovisioned before the snapshot, and not made again."""
        o, other = operations, operations.alias("other")
        account = str(account_of(self._shown.system).ref)
        given = exists().where(
            other.c.entitlement == account,
            other.c.account_id == o.c.account_id,
            other.c.direction == str(Direction.GIVE),
        )
        found = select(o.c.account_id).where(
            o.c.entitlement == account,
            o.c.direction == str(Direction.TAKE),
            among(o.c.state, (OperationState.DONE,)),
            o.c.verified_at < self._shown.began_at,
            ~given,
        )
        return sorted(set(self._connection.execute(found).scalars()))

    def _missing(self) -> Iterator[Difference]:
        statement = (
            select(*_CLAIM, self._took_late(claims.c.access_key).label("ours_at"))
            .select_from(claims)
            .join(managed, managed.c.entitlement == claims.c.entitlement)
            .where(*self._standing(), managed.c.gone.is_(False), self._has_account(claims.c.account_id))
            # Two conditions, as a database joins each by itself, and not both in one.
            .where(
                ~self._holds(claims.c.account_id, literal("account", Text)),
                ~self._comes_with_a_group(claims.c.account_id),
            )
            .where(~self._busy(claims.c.access_key))
            .where(~is_missing_where_filled())
        )
        for row in self._connection.execute(statement).mappings():
            what = f"Request {row['request_id']} gave {row['title']}, and it is not there."
            yield self._claimed(FindingKind.MISSING, row, what, ours_at=row["ours_at"])

    def _dangling(self) -> Iterator[Difference]:
        no_account = ~self._has_account(claims.c.account_id)
        statement = (
            select(*_CLAIM, no_account.label("no_account"))
            .select_from(claims)
            .outerjoin(managed, managed.c.entitlement == claims.c.entitlement)
            .where(*self._standing(), or_(managed.c.gone.is_(True), no_account))
            .where(~self._busy(claims.c.access_key))
        )
        for row in self._connection.execute(statement).mappings():
            gone = "its account" if row["no_account"] else row["title"]
            what = f"Request {row['request_id']} has a claim, and {gone} is gone."
            yield self._claimed(FindingKind.DANGLING, row, what)

    def _unverified(self) -> Iterator[Difference]:
        """What people said they did, and the snapshot does not show: the ticket's operation is not over."""
        account = operations.c.account_id
        there = or_(self._holds(account, literal("account", Text)), self._comes_with_a_group(account))
        giving = operations.c.direction == str(Direction.GIVE)
        statement = (
            select(operations, tickets.c.issue_key)
            .select_from(operations)
            .join(tickets, tickets.c.operation_id == operations.c.id)
            .join(managed, managed.c.entitlement == operations.c.entitlement)
            .where(among(tickets.c.state, (TicketState.ANSWERED,)), tickets.c.answered_at < self._shown.began_at)
            .where(
                self._of_system(), operations.c.account_id.is_not(None), or_(and_(giving, ~there), and_(~giving, there))
            )
        )
        for row in self._connection.execute(statement).mappings():
            what = "it is not there" if row["direction"] == Direction.GIVE else "it is still there"
            yield Difference(
                FindingKind.UNVERIFIED,
                self._shown.system,
                row["access_key"],
                row["account_id"],
                row["account_title"],
                f"Ticket {row['issue_key']} was closed as done for {row['title']}, and {what}.",
                EntitlementRef.parse(row["entitlement"]),
                row["title"],
                row["claim_id"],
                row["request_id"],
            )

    def _disputed(self) -> Iterator[Difference]:
        """Accounts of people that show one address."""
        address = func.lower(accounts.c.email)
        found = (
            select(
                address.label("address"),
                func.min(accounts.c.id).label("first"),
                func.aggregate_strings(accounts.c.id, ", ").label("all"),
            )
            .where(self._in_snapshot(accounts), *_shows_address(accounts))
            .group_by(address)
            .having(func.count() > 1)
        )
        for row in self._connection.execute(found).mappings():
            what = f"The accounts {row['all']} show one address."
            key = f"address {row['address']}"
            yield Difference(FindingKind.DISPUTED, self._shown.system, key, row["first"], row["address"], what)

    def orphans(self) -> Iterator[Difference]:
        """Jira accounts whose person, joined by the address that both systems show, is suspended or deleted in JumpCloud."""
        theirs, other = accounts.alias("theirs"), accounts.alias("other")
        parts = current_parts(named(str(System.JUMPCLOUD)))
        address = func.lower(accounts.c.email)
        usable = exists().where(
            other.c.part_id.in_(parts),
            func.lower(other.c.email) == address,
            other.c.status.not_in(_SHUT),
            other.c.kind == "user",
        )
        found = (
            select(accounts.c.id, accounts.c.title, theirs.c.title.label("person"), theirs.c.status)
            .select_from(accounts)
            .join(theirs, func.lower(theirs.c.email) == address)
            .where(self._in_snapshot(accounts), *_shows_address(accounts), accounts.c.status == "active")
            .where(theirs.c.part_id.in_(parts), theirs.c.kind == "user", theirs.c.status.in_(_SHUT), ~usable)
        )
        for row in self._connection.execute(found).mappings():
            what = f"{row['person']} is {row['status']} in JumpCloud, and this account is active."
            key = f"account {row['id']}"
            yield Difference(FindingKind.ORPHAN, self._shown.system, key, row["id"], row["title"], what)

    # Conditions

    def _of_system(self) -> ColumnElement[bool]:
        return managed.c.system == str(self._shown.system)

    def _in_snapshot(self, table: FromClause) -> ColumnElement[bool]:
        return table.c.part_id.in_(self._parts())

    def _parts(self) -> Select[Any]:
        return select(snapshot_parts.c.part_id).where(snapshot_parts.c.run_id == self._shown.run_id)

    def _is_managed(self, g: FromClause) -> ColumnElement[bool]:
        return and_(self._of_system(), managed.c.kind == g.c.kind, managed.c.resource == g.c.resource)

    def _holds(self, holder: ColumnElement[Any], kind: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the snapshot shows that somebody holds the managed resource."""
        g = grants.alias("held")
        return exists().where(
            g.c.principal == holder,
            g.c.principal_kind == kind,
            g.c.kind == managed.c.kind,
            g.c.resource == managed.c.resource,
            g.c.part_id.in_(self._parts()),
        )

    def _comes_with_a_group(self, account: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the managed resource is an application that a group of the account has."""
        system = named(str(self._shown.system))
        through = has_through_group(account, lambda a: a.c.resource == managed.c.resource, system)
        return and_(managed.c.kind == "application", through)

    def _has_account(self, account_id: ColumnElement[Any]) -> ColumnElement[bool]:
        a = accounts.alias("whose")
        return exists().where(a.c.id == account_id, a.c.part_id.in_(self._parts()), a.c.status != "deleted")

    def _busy(self, key: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether an operation explains whatever the snapshot shows of an access."""
        began = self._shown.began_at
        newer = (operations.c.wrote_at >= began, operations.c.verified_at >= began)
        return exists().where(operations.c.access_key == key, or_(among(operations.c.state, ALIVE), *newer))

    def _standing(self) -> list[ColumnElement[bool]]:
        return [
            claims.c.system == str(self._shown.system),
            among(claims.c.state, (ClaimState.ACTIVE,)),
            claims.c.account_id.is_not(None),
            claims.c.starts_at < self._shown.began_at,
        ]

    @staticmethod
    def _last(key: ColumnElement[Any], way: Direction) -> ColumnElement[Any]:
        """When an operation this way was last seen done at an access."""
        o = operations.alias(f"last_{way}")
        last = select(func.max(o.c.verified_at)).where(o.c.access_key == key, o.c.direction == str(way))
        return last.where(among(o.c.state, (OperationState.DONE,))).scalar_subquery()

    def _gave_late(self, key: ColumnElement[Any]) -> ColumnElement[Any]:
        """When a write of ours went out lately that was given up, and may have given the access."""
        o = operations.alias("late")
        given_up = among(o.c.state, (OperationState.FAILED, OperationState.DROPPED))
        sent = o.c.wrote_at >= self._shown.began_at - _LATE
        last = select(func.max(o.c.wrote_at)).where(o.c.access_key == key, o.c.direction == str(Direction.GIVE))
        return last.where(given_up, sent).scalar_subquery()

    def _took_late(self, key: ColumnElement[Any]) -> ColumnElement[Any]:
        """When a write of ours went out that may have taken the access: since the claim began, or neither answered nor seen."""
        o = operations.alias("late")
        never_told = and_(o.c.accepted_at.is_(None), o.c.verified_at.is_(None))
        late = or_(o.c.wrote_at >= claims.c.starts_at, never_told)
        sent = o.c.wrote_at >= self._shown.began_at - _LATE
        last = select(func.max(o.c.wrote_at)).where(o.c.access_key == key, o.c.direction == str(Direction.TAKE))
        return last.where(sent, late).scalar_subquery()

    def _title_of(self, holder: ColumnElement[Any], kind: ColumnElement[Any]) -> ColumnElement[Any]:
        a, r = accounts.alias("titled"), resources.alias("named")
        who = select(func.min(a.c.title)).where(a.c.id == holder, a.c.part_id.in_(self._parts())).scalar_subquery()
        group = select(func.min(r.c.name)).where(r.c.id == holder, r.c.kind == "group", r.c.part_id.in_(self._parts()))
        return func.coalesce(case((kind == "group", group.scalar_subquery()), else_=who), holder).label("account_title")

    def _access(
        self, kind: FindingKind, row: RowMapping, detail: str, *, ours_at: datetime | None = None
    ) -> Difference:
        return Difference(
            kind,
            self._shown.system,
            row["access_key"],
            row["principal"],
            row["account_title"],
            detail,
            EntitlementRef.parse(row["entitlement"]),
            row["title"],
            group=row["principal_kind"] == "group",
            ours_at=ours_at,
        )

    def _claimed(
        self, kind: FindingKind, row: RowMapping, detail: str, *, ours_at: datetime | None = None
    ) -> Difference:
        return Difference(
            kind,
            self._shown.system,
            f"claim {row['id']}",
            row["account_id"],
            row["account_title"],
            detail,
            EntitlementRef.parse(row["entitlement"]),
            row["title"],
            row["id"],
            row["request_id"],
            ours_at=ours_at,
        )


_CLAIM = (
    claims.c.id,
    claims.c.request_id,
    claims.c.account_id,
    claims.c.account_title,
    claims.c.entitlement,
    claims.c.title,
)
#: The kinds of resources that access is to, but for the account itself.
_HELD = [str(kind) for kind in RIGHTS if kind is not ResourceKind.ACCOUNT]
_SHUT = ("suspended", "deleted")


def _key(g: FromClause) -> ColumnElement[Any]:
    return g.c.principal + literal(" ", Text) + managed.c.entitlement


def _shows_address(a: FromClause) -> list[ColumnElement[bool]]:
    """That the system itself shows an address of a person's account."""
    source = func.coalesce(a.c.email_source, "")
    return [a.c.email.is_not(None), a.c.email != "", source != "provisor", a.c.kind.in_(_PEOPLES)]
