"""Persons, the accounts joined to them, and what is disputed, in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, insert, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from access import email_address
from access.entitlements import System
from access.people import AccountRef, Dispute, Link, Proof
from access.snapshots import Snapshot
from store.person_tables import person_accounts, person_disputes, person_sources, person_splits, persons
from store.queries.parts import current_parts, named
from store.queries.people import PersonNow
from store.snapshot_tables import accounts


class Persons:
    """Writes persons, and reads what is written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, found: Sequence[PersonNow], *, now: datetime) -> None:
        """Store persons of whom nothing is stored yet, in one statement."""
        rows = [
            {"id": each.id, "title": each.title, "address": each.address, "status": each.status, "since": now}
            for each in found
        ]
        self._insert_all(persons, rows)

    def put(self, person: PersonNow, *, now: datetime) -> bool:
        """Store a person as the snapshot has it; False when somebody else has stored another change of status since."""
        values = {"title": person.title, "address": person.address, "status": person.status}
        if person.was is None:
            return self._insert(persons, id=person.id, since=now, **values)
        if person.status != person.was:
            values["since"] = now  # type: ignore[assignment] # the columns differ in type
        changed = update(persons).where(persons.c.id == person.id, persons.c.status == person.was)
        return self._connection.execute(changed.values(values)).rowcount == 1

    def seen(self, person: str, status: str, *, now: datetime) -> None:
        """A single read shows the person in this status: a snapshot that still shows something else is news again."""
        mine = update(persons).where(persons.c.id == person, persons.c.status != status)
        self._connection.execute(mine.values(status=status, since=now))

    def title_of(self, person: str) -> str:
        """What people call the person."""
        found = self._connection.execute(select(persons.c.title).where(persons.c.id == person)).scalar()
        return found or person

    def is_derived(self) -> bool:
        """Whether persons were derived from the directory before."""
        known = select(person_sources.c.system).where(person_sources.c.system == str(System.JUMPCLOUD))
        return self._connection.execute(known).first() is not None

    def note_sources(self, snapshots: Iterable[Snapshot], *, now: datetime) -> None:
        """Remember which snapshots persons are derived from."""
        for snapshot in snapshots:
            key = str(snapshot.system)
            self._connection.execute(delete(person_sources).where(person_sources.c.system == key))
            self._connection.execute(insert(person_sources).values(system=key, run_id=snapshot.run_id, at=now))

    def links(self) -> dict[AccountRef, Link]:
        """Every link, by its account."""
        return {link.account: link for link in map(_link, self._connection.execute(select(person_accounts)))}

    def link_of(self, account: AccountRef) -> Link | None:
        """What links an account to a person."""
        row = self._connection.execute(select(person_accounts).where(*_is(person_accounts, account))).first()
        return None if row is None else _link(row)

    def accounts_of(self, person: str) -> Sequence[Link]:
        """The accounts that are joined to a person, beside the user."""
        statement = select(person_accounts).where(
            person_accounts.c.person == person, person_accounts.c.joined.is_(True)
        )
        ordered = statement.order_by(person_accounts.c.system, person_accounts.c.account_id)
        return [_link(row) for row in self._connection.execute(ordered)]

    def splits(self) -> set[tuple[str, AccountRef]]:
        """What persons have decided not to be one person."""
        rows = self._connection.execute(select(person_splits))
        return {(row.person, AccountRef(System(row.system), row.account_id)) for row in rows}

    def put_link(self, link: Link, *, now: datetime) -> bool:
        """Store what proof says of an account, unless it is joined by now; whether it was stored."""
        values: dict[str, Any] = {
            "person": link.person,
            "proof": str(link.proof),
            "address": link.address,
            "joined": link.joined,
            "seen_until": link.seen_until,
            "joined_at": now if link.joined else None,
        }
        unjoined = update(person_accounts).where(
            *_is(person_accounts, link.account), person_accounts.c.joined.is_(False)
        )
        if self._connection.execute(unjoined.values(values)).rowcount:
            return True
        return self._insert(person_accounts, system=str(link.account.system), account_id=link.account.id, **values)

    def add_links(self, links: Sequence[Link]) -> None:
        """Store links of accounts of which nothing is stored yet, in one statement; none of them is joined."""
        rows = [
            {
                "system": str(link.account.system),
                "account_id": link.account.id,
                "person": link.person,
                "proof": str(link.proof),
                "address": link.address,
                "joined": False,
                "seen_until": link.seen_until,
            }
            for link in links
        ]
        self._insert_all(person_accounts, rows)

    def join_links(self, links: Sequence[Link], *, now: datetime) -> Sequence[Link]:
        """Join what was seen before of the same pairs, some statements for all; returns those that were not joined yet."""
        by_values: dict[tuple[System, Proof], list[Link]] = defaultdict(list)
        for link in links:
            by_values[link.account.system, link.proof].append(link)
        joined: set[tuple[str, str]] = set()
        a = person_accounts.c
        for (system, proof), some in by_values.items():
            pairs = [(link.account.id, link.person) for link in some]
            mine = tuple_(a.account_id, a.person).in_(pairs)
            changed = update(person_accounts).where(a.system == str(system), mine, a.joined.is_(False))
            values = {"joined": True, "joined_at": now, "proof": str(proof), "seen_until": some[0].seen_until}
            found = self._connection.execute(changed.values(values).returning(a.account_id, a.person))
            joined |= {(row.account_id, row.person) for row in found}
        return [link for link in links if (link.account.id, link.person) in joined]

    def forget_link(self, link: Link) -> None:
        """Forget a link that was seen, and is seen no more before a later look confirmed it."""
        mine = (*_is(person_accounts, link.account), person_accounts.c.person == link.person)
        self._connection.execute(delete(person_accounts).where(*mine, person_accounts.c.joined.is_(False)))

    def note_made(self, account: AccountRef, email: str, *, now: datetime) -> None:
        """Remember for whom we made an account: the one user who has the address in the current snapshot of the directory."""
        address = email_address.normalized(email)
        folded = func.lower(accounts.c.email)
        holders = select(accounts.c.id).where(
            accounts.c.part_id.in_(current_parts(named(str(System.JUMPCLOUD)))),
            accounts.c.kind == "user",
            folded.in_({address, email_address.lower_case(email)}),
        )
        found = list(self._connection.execute(holders.limit(2)).scalars())
        known = found and self._connection.execute(select(persons.c.id).where(persons.c.id == found[0])).first()
        if len(found) == 1 and known:
            self.put_link(Link(found[0], account, Proof.MADE, address, joined=False, seen_until=now), now=now)

    def decide_join(self, person: str, account: AccountRef, *, by: str, reason: str, now: datetime) -> None:
        """Join an account to a person, whatever joined or split it before."""
        self._undo(person_accounts, account)
        self._undo(person_disputes, account)
        mine = (*_is(person_splits, account), person_splits.c.person == person)
        self._connection.execute(delete(person_splits).where(*mine))
        self._connection.execute(
            insert(person_accounts).values(
                system=str(account.system),
                account_id=account.id,
                person=person,
                proof=str(Proof.DECIDED),
                joined=True,
                seen_until=now,
                joined_at=now,
                decided_by=by,
                reason=reason,
            )
        )

    def decide_split(self, person: str, account: AccountRef, *, by: str, reason: str, now: datetime) -> None:
        """Split an account from a person: no proof joins the two again."""
        for table in (person_accounts, person_disputes):
            self._connection.execute(delete(table).where(*_is(table, account), table.c.person == person))
        self._insert(
            person_splits,
            system=str(account.system),
            account_id=account.id,
            person=person,
            decided_by=by,
            reason=reason,
            decided_at=now,
        )

    def disputes(self) -> dict[tuple[str, AccountRef], str]:
        """What is disputed, and why."""
        rows = self._connection.execute(select(person_disputes))
        return {(row.person, AccountRef(System(row.system), row.account_id)): row.why for row in rows}

    def put_dispute(self, dispute: Dispute, *, now: datetime) -> None:
        """Store what is disputed; the moment at which that was first seen stays."""
        mine = and_(*_is(person_disputes, dispute.account), person_disputes.c.person == dispute.person)
        if self._connection.execute(update(person_disputes).where(mine).values(why=dispute.why)).rowcount:
            return
        key = {"system": str(dispute.account.system), "account_id": dispute.account.id, "person": dispute.person}
        self._insert(person_disputes, **key, why=dispute.why, first_seen=now)

    def end_dispute(self, person: str, account: AccountRef) -> None:
        """It is not disputed any more."""
        self._connection.execute(
            delete(person_disputes).where(*_is(person_disputes, account), person_disputes.c.person == person)
        )

    def _undo(self, table: Table, account: AccountRef) -> None:
        self._connection.execute(delete(table).where(*_is(table, account)))

    def _insert_all(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
            self._connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)

    def _insert(self, table: Table, **values: Any) -> bool:
        """Insert a row unless its key is there; whether it was inserted."""
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table).values(values).on_conflict_do_nothing().returning(literal(1))
        return self._connection.execute(statement).first() is not None


def _is(table: Table, account: AccountRef) -> tuple[ColumnElement[bool], ...]:
    return table.c.system == str(account.system), table.c.account_id == account.id


def _link(row: Any) -> Link:
    account = AccountRef(System(row.system), row.account_id)
    return Link(row.person, account, Proof(row.proof), row.address, row.joined, row.seen_until)
