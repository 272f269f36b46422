"""Queries on persons: what the current snapshots say of them, and who they are for people who ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, case, exists, func, literal, or_, select

from access import email_address
from access.entitlements import System
from access.people import AccountRef, Addressed, Match, Proof
from access.snapshots import Snapshot
from store.person_tables import person_accounts, person_disputes, person_sources, persons
from store.queries.parts import current_parts, holding, in_snapshot, named
from store.rows import from_row
from store.snapshot_tables import accounts, snapshots

_USERS = "user"
#: The kinds of account that a person can have beside the user.
_OTHERS = ("admin", "atlassian")
_FETCH = 1000


@dataclass(frozen=True, slots=True)
class PersonNow:
    """A user of the directory as the snapshot has it; ``status`` is active, suspended or gone."""

    id: str
    title: str
    address: str | None
    status: str
    was: str | None


class PeopleQueries:
    """Reads persons and what they are derived from. Long results are fetched bit by bit, within ``Database.one_moment``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def snapshots(self) -> dict[System, Snapshot]:
        """The current snapshots, by system."""
        found = self._connection.execute(select(snapshots)).mappings().all()
        return {snapshot.system: snapshot for snapshot in (from_row(Snapshot, row) for row in found)}

    def sources(self) -> dict[str, str]:
        """The runs that persons were last derived from, by system."""
        rows = self._connection.execute(select(person_sources.c.system, person_sources.c.run_id)).all()
        return {row.system: row.run_id for row in rows}

    def changed_persons(self) -> Iterator[PersonNow]:
        """The users of the directory that are new or not as they are stored, and those that are gone."""
        directory, a, p = named(str(System.JUMPCLOUD)), accounts.c, persons.c
        status = case((a.status.in_(("suspended", "deleted")), "suspended"), else_="active")
        differs = or_(p.id.is_(None), p.status != status, p.title != a.title, p.address.is_distinct_from(a.email))
        statement = (
            select(a.id, a.title, a.email, status.label("status"), p.status.label("was"))
            .select_from(accounts.outerjoin(persons, p.id == a.id))
            .where(a.part_id.in_(current_parts(directory)), a.kind == _USERS, differs)
            .execution_options(yield_per=_FETCH)
        )
        for row in self._connection.execute(statement):
            yield PersonNow(row.id, row.title, row.email, row.status, row.was)
        there = exists().where(a.id == p.id, a.kind == _USERS, in_snapshot(a.part_id, directory))
        gone = select(p.id, p.title, p.address, p.status).where(p.status != "gone", ~there)
        for lost in self._connection.execute(gone):
            yield PersonNow(lost.id, lost.title, lost.address, "gone", lost.status)

    def addressed(self) -> Iterator[Addressed]:
        """Every account of a kind that persons have, with its address; those without one are left out."""
        a, made = accounts.c, person_accounts
        for system in System:
            made_for = and_(
                made.c.system == str(system),
                made.c.account_id == a.id,
                made.c.proof == "made",
                made.c.joined.is_(False),
            )
            statement = (
                select(
                    a.id,
                    a.kind,
                    a.email,
                    a.email_source,
                    a.attributes["managed"].as_boolean().label("managed"),
                    made.c.person,
                )
                .select_from(accounts.outerjoin(made, made_for))
                .where(
                    a.part_id.in_(current_parts(named(str(system)))),
                    a.kind.in_((_USERS, *_OTHERS)),
                    a.status != "deleted",
                    func.coalesce(a.email, "") != "",
                )
                .execution_options(yield_per=_FETCH)
            )
            for row in self._connection.execute(statement):
                yield Addressed(
                    AccountRef(system, row.id),
                    email_address.normalized(row.email),
                    is_user=row.kind == _USERS,
                    shown=row.email_source != "provisor",
                    managed=bool(row.managed) and row.email_source != "provisor",
                    made_for=row.person,
                )

    def names(self) -> dict[tuple[str, str], str]:
        """What to call the person of each account that is joined to a person, and of that user: the address, or the id.

        Keys are the system and the id of the account.
        """
        joined, p = person_accounts, persons.c
        each = joined.join(persons, p.id == joined.c.person)
        whose = select(joined.c.system, joined.c.account_id, p.id, p.address).select_from(each).where(joined.c.joined)
        found: dict[tuple[str, str], str] = {}
        for row in self._connection.execute(whose.execution_options(yield_per=_FETCH)):
            name = email_address.lower_case(row.address or "") or row.id
            found[row.system, row.account_id] = found[str(System.JUMPCLOUD), row.id] = name
        return found

    def linked_administrators(self) -> Iterator[Match]:
        """The administrators that JumpCloud itself links to a user."""
        directory = named(str(System.JUMPCLOUD))
        user, admin = accounts.alias("user_account"), accounts.alias("admin_account")
        statement = (
            select(user.c.id.label("user"), admin.c.id.label("admin"), admin.c.email)
            .join(admin, admin.c.id == user.c.attributes["admin"].as_string())
            .where(
                user.c.kind == _USERS,
                user.c.part_id.in_(current_parts(directory)),
                admin.c.kind == "admin",
                in_snapshot(admin.c.part_id, directory),
            )
        )
        for row in self._connection.execute(statement):
            address = email_address.normalized(row.email or "")
            yield Match(row.user, AccountRef(System.JUMPCLOUD, row.admin), Proof.LINKED, address)

    def persons(self, *, text: str | None = None, disputed: bool = False) -> Iterator[Mapping[str, Any]]:
        """The persons by name, each with how many accounts are joined to them and how many may be theirs."""
        joined = _counted(person_accounts, person_accounts.c.joined.is_(True)).subquery("joined_accounts")
        open_ = _counted(person_disputes).subquery("open_disputes")
        p = persons.c
        statement = (
            select(
                p.id.label("person"),
                p.title,
                p.address.label("email"),
                p.status,
                p.since,
                func.coalesce(joined.c.found, 0).label("accounts"),
                func.coalesce(open_.c.found, 0).label("disputed"),
            )
            .select_from(persons)
            .outerjoin(joined, joined.c.person == p.id)
            .outerjoin(open_, open_.c.person == p.id)
            .where(*holding(text, p.title, p.address, p.id))
            .order_by(func.lower(p.title), p.id)
            .execution_options(yield_per=_FETCH)
        )
        if disputed:
            statement = statement.where(open_.c.found > 0)
        for row in self._connection.execute(statement).mappings():
            yield dict(row)

    def named(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The persons of this id, address, JumpCloud username, or that an account of this id or address is joined to."""
        directory, folded = named(str(System.JUMPCLOUD)), name.lower()
        a, p = accounts.c, persons.c
        users = select(a.id).where(
            func.lower(a.username) == folded, a.kind == _USERS, in_snapshot(a.part_id, directory)
        )
        joined = select(person_accounts.c.person).where(
            person_accounts.c.joined.is_(True),
            or_(
                person_accounts.c.account_id == name,
                literal(name) == person_accounts.c.system + ":" + person_accounts.c.account_id,
            ),
        )
        statement = select(persons).where(
            or_(p.id == name, func.lower(p.address) == folded, p.id.in_(users), p.id.in_(joined))
        )
        return [dict(row) for row in self._connection.execute(statement.order_by(p.id)).mappings()]

    def accounts_of(self, person: str) -> Sequence[Mapping[str, Any]]:
        """The accounts of a person beside the user, joined or seen once, each with the title that its snapshot has."""
        return self._accounts(person_accounts, person_accounts.c.person == person)

    def disputes_of(self, person: str) -> Sequence[Mapping[str, Any]]:
        """The accounts that may be a person's."""
        return self._accounts(person_disputes, person_disputes.c.person == person)

    def account(self, system: System, account_id: str) -> Mapping[str, Any] | None:
        """One account of the current snapshot."""
        found = select(accounts).where(accounts.c.id == account_id, in_snapshot(accounts.c.part_id, named(str(system))))
        row = self._connection.execute(found).mappings().first()
        return None if row is None else dict(row)

    def _accounts(self, table: Any, whose: Any) -> list[Mapping[str, Any]]:
        a = accounts.c
        found: list[Mapping[str, Any]] = []
        for system in sorted(System):
            there = and_(a.id == table.c.account_id, in_snapshot(a.part_id, named(str(system))))
            statement = (
                select(table, a.title, a.status, a.kind)
                .select_from(table.outerjoin(accounts, there))
                .where(whose, table.c.system == str(system))
                .order_by(table.c.account_id)
            )
            found += [dict(row) for row in self._connection.execute(statement).mappings()]
        return found


def _counted(table: Any, *where: Any) -> Select[Any]:
    return select(table.c.person, func.count().label("found")).where(*where).group_by(table.c.person)
