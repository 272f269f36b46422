"""Persons: derived from each new pair of snapshots, and what a person decides about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import structlog

from access import actors
from access.clock import Clock
from access.entitlements import System
from access.joining import Pair, Stored, derive
from access.leavers import LeaverKind
from access.lifecycle import LeaverState
from access.people import AccountRef, Dispute, Link, Look, Proof
from access.snapshots import Snapshot
from store.queries.people import PeopleQueries, PersonNow
from store.unit_of_work import Store, UnitOfWork
from tasks.decisions import NotPossible

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Rows that one transaction writes: removals wait for it.
_PIECE = 100
#: The same for rows that one statement writes.
_MANY = 1000


class People:
    """Keeps persons up to date. ``domains`` are verified to be ours."""

    def __init__(self, store: Store, clock: Clock, *, domains: Collection[str] = ()) -> None:
        self._store = store
        self._clock = clock
        self._domains = domains

    def refresh(self) -> bool:
        """Derive persons anew where there are newer snapshots; whether there were. Doing it again changes nothing."""
        with self._store.database.read() as connection:
            queries = PeopleQueries(connection)
            current = queries.snapshots()
            if System.JUMPCLOUD not in current or queries.sources() == _runs(current):
                return False
        with self._store.read() as work:
            first = not work.persons.is_derived()
            stored, before = Stored(work.persons.links(), work.persons.splits()), work.persons.disputes()
        with self._store.database.one_moment() as connection:
            queries = PeopleQueries(connection)
            current = queries.snapshots()
            changed = list(queries.changed_persons())
            linked = list(queries.linked_administrators())
            found = derive(queries.addressed(), linked, _look_of(current), stored, domains=self._domains)
        self._store_persons(changed, first=first)
        self._write_links(found.new, found.lost, stored.links)
        self._write_disputes(found.disputes, before)
        with self._store.write() as work:
            work.persons.note_sources(current.values(), now=self._clock.now())
        _log.info("people.derived", changed=len(changed), links=len(found.new), disputes=len(found.disputes))
        return True

    def _store_persons(self, changed: Sequence[PersonNow], *, first: bool) -> None:
        def put(work: UnitOfWork, person: PersonNow) -> None:
            now = self._clock.now()
            if not work.persons.put(person, now=now) or person.was == person.status:
                return
            if person.was is not None:
                work.audit.record(f"person.{person.status}", "person", person.id, now=now, was=person.was)
            if not first:
                _follow(work, person, now=now)

        # Whoever is new at the first look is no news.
        known = [each for each in changed if not first or each.was is not None]
        self._write_at_once(
            [each for each in changed if first and each.was is None],
            lambda work, some: work.persons.add(some, now=self._clock.now()),
        )
        self._write(known, put)

    def _write_links(self, new: Sequence[Link], lost: Sequence[Link], stored: Mapping[AccountRef, Link]) -> None:
        def put(work: UnitOfWork, link: Link) -> None:
            now = self._clock.now()
            if work.persons.put_link(link, now=now) and link.joined:
                _joined(work, link, now=now)

        def join(work: UnitOfWork, some: Sequence[Link]) -> None:
            now = self._clock.now()
            for link in work.persons.join_links(some, now=now):
                _joined(work, link, now=now)

        fresh = [link for link in new if not link.joined and link.account not in stored]
        confirmed = [link for link in new if link.joined and _same_pair(link, stored.get(link.account))]
        done = {*fresh, *confirmed}
        others = [link for link in new if link not in done]
        self._write_at_once(fresh, lambda work, some: work.persons.add_links(some))
        self._write_at_once(confirmed, join)
        self._write(others, put)
        self._write(lost, lambda work, link: work.persons.forget_link(link))

    def _write_disputes(self, open_: Mapping[Pair, Dispute], before: Mapping[Pair, str]) -> None:
        told = [each for key, each in open_.items() if before.get(key) != each.why]
        self._write(told, lambda work, dispute: work.persons.put_dispute(dispute, now=self._clock.now()))
        over = [key for key in before if key not in open_]
        self._write(over, lambda work, key: work.persons.end_dispute(*key))

    def _write_at_once(self, rows: Sequence[T], write: Callable[[UnitOfWork, Sequence[T]], object]) -> None:
        """Write rows by one statement for many, in short transactions."""
        for start in range(0, len(rows), _MANY):
            with self._store.write() as work:
                write(work, rows[start : start + _MANY])

    def _write(self, rows: Sequence[T], write: Callable[[UnitOfWork, T], object]) -> None:
        """Write rows in short transactions."""
        for start in range(0, len(rows), _PIECE):
            with self._store.write() as work:
                for row in rows[start : start + _PIECE]:
                    write(work, row)

    def join(self, person: str, account: AccountRef, *, by: str, reason: str) -> None:
        """A person decides that an account is a person's. Raises ``NotPossible`` for one that is joined to another."""
        now = self._clock.now()
        with self._store.write() as work:
            link = work.persons.link_of(account)
            if link is not None and link.joined and link.person != person:
                raise NotPossible(
                    f"{account} is joined to {link.person}.", "Use 'provisor people split' for that one first."
                )
            if account == AccountRef(System.JUMPCLOUD, person):
                raise NotPossible(f"{account} is the person itself.", "Name another account.")
            work.persons.decide_join(person, account, by=by, reason=reason, now=now)
            _record(
                work,
                "person.joined",
                person,
                account,
                now=now,
                actor=actors.operator(by),
                reason=reason,
                proof=str(Proof.DECIDED),
            )

    def split(self, person: str, account: AccountRef, *, by: str, reason: str) -> None:
        """A person decides that an account is not a person's, now and later."""
        now = self._clock.now()
        with self._store.write() as work:
            work.persons.decide_split(person, account, by=by, reason=reason, now=now)
            _record(work, "person.split", person, account, now=now, actor=actors.operator(by), reason=reason)


def _follow(work: UnitOfWork, person: PersonNow, *, now: datetime) -> None:
    """Have somebody looked at who seems to leave, or to come back. Whoever had left before the first look is no news."""
    open_ = work.leavers.open_of(person.id)
    if open_ is not None:
        if open_.state is LeaverState.LEFT and person.status == "gone" and open_.kind is not LeaverKind.DELETED:
            work.leavers.step(open_, to=LeaverState.NOTICED, kind=str(LeaverKind.DELETED), due_at=now)
        else:
            work.leavers.set(open_, due_at=now)
    elif person.status != "active":
        kind = LeaverKind.DELETED if person.status == "gone" else LeaverKind.SUSPENDED
        if work.leavers.notice(person.id, kind, now=now, was=person.was) is not None:
            work.audit.record("leaver.noticed", "person", person.id, now=now, kind=str(kind))


def _same_pair(link: Link, stored: Link | None) -> bool:
    return stored is not None and stored.person == link.person


def _joined(work: UnitOfWork, link: Link, *, now: datetime) -> None:
    _record(work, "person.joined", link.person, link.account, now=now, proof=str(link.proof))


def _record(work: UnitOfWork, event: str, person: str, account: AccountRef, **detail: object) -> None:
    work.audit.record(event, "person", person, account=str(account), **detail)  # type: ignore[arg-type] # ``now`` is among them


def _runs(current: Mapping[System, Snapshot]) -> dict[str, str]:
    return {str(system): snapshot.run_id for system, snapshot in current.items()}


def _look_of(current: Mapping[System, Snapshot]) -> Look:
    return Look(
        min(snapshot.began_at for snapshot in current.values()),
        max(snapshot.completed_at for snapshot in current.values()),
    )
