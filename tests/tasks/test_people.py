"""Persons, over whole snapshots: what joins them and keeps them joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from access import actors
from access.clock import ManualClock
from access.entitlements import System
from access.people import AccountRef, Proof
from connectors.reading import AccountKind, AccountRow, AccountStatus
from store.queries.people import PeopleQueries
from store.unit_of_work import Store
from tasks.decisions import NotPossible
from tasks.people import People
from tests.store.snapshot_rows import TAKEN, SnapshotRows, account, store_snapshot

DOMAINS = ("acme.example",)
HOUR = timedelta(hours=1)
ADA = AccountRef(System.JIRA, "j-ada")


@dataclass
class Office:
    """Snapshots of both systems, an hour apart, and the persons that are derived from them."""

    store: Store
    clock: ManualClock = field(default_factory=lambda: ManualClock(TAKEN))

    def __post_init__(self) -> None:
        self.people = People(self.store, self.clock, domains=DOMAINS)

    def look(self, jumpcloud: list[AccountRow] | None = None, jira: list[AccountRow] | None = None) -> None:
        """Take snapshots of what is given, and derive persons."""
        for system, rows in ((System.JUMPCLOUD, jumpcloud), (System.JIRA, jira)):
            if rows is not None:
                self.clock.advance(HOUR)
                store_snapshot(self.store, SnapshotRows(system, rows), at=self.clock.now())
        self.clock.advance(HOUR)
        self.people.refresh()

    def joined(self) -> dict[str, tuple[str, Proof]]:
        with self.store.read() as work:
            links = work.persons.links().values()
        return {link.account.id: (link.person, link.proof) for link in links if link.joined}

    def disputed(self) -> set[tuple[str, str]]:
        with self.store.read() as work:
            return {(person, account.id) for person, account in work.persons.disputes()}

    def statuses(self) -> dict[str, str]:
        with self.store.database.one_moment() as connection:
            return {row["person"]: row["status"] for row in PeopleQueries(connection).persons()}


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


def atlassian(key: str, email: str | None = None, **more: Any) -> AccountRow:
    return account(key, email, kind=AccountKind.ATLASSIAN, **more)


def test_a_shown_address_joins_when_both_sides_show_it_again(office: Office) -> None:
    users, accounts = [account("ada", "Ada@acme.example")], [atlassian("j-ada", "ada@ACME.example")]
    office.look(users, accounts)
    assert office.joined() == {}
    office.look(users)
    assert office.joined() == {}, "one side has not been read again"
    office.look(jira=accounts)
    assert office.joined() == {"j-ada": ("ada", Proof.SHOWN)}


def test_an_address_that_moved_between_the_looks_at_the_two_systems_joins_nobody(office: Office) -> None:
    """Jira is read while the address is Ada's, JumpCloud when it is Bob's."""
    office.look([account("bob", "bob@acme.example")], [atlassian("j-ada", "a@acme.example")])
    office.look([account("bob", "a@acme.example")])
    office.look(jira=[atlassian("j-ada", "ada.b@acme.example")])
    office.look([account("bob", "a@acme.example")], [atlassian("j-ada", "ada.b@acme.example")])
    assert office.joined() == {}


def test_a_join_lasts_when_the_address_changes_and_the_next_holder_is_disputed(office: Office) -> None:
    for _ in range(2):
        office.look([account("ada", "a@acme.example")], [atlassian("j-ada", "a@acme.example")])
    late = [atlassian("j-ada", "a@acme.example")]
    for _ in range(2):
        office.look([account("ada", "ada.b@acme.example"), account("bob", "a@acme.example")], late)
    assert office.joined() == {"j-ada": ("ada", Proof.SHOWN)}
    assert office.disputed() == {("bob", "j-ada")}


def test_hidden_addresses_and_several_candidates_are_disputed(office: Office) -> None:
    users = [account("ada", "a@acme.example"), account("bob", "b@acme.example"), account("eve", "e@else.example")]
    accounts = [
        atlassian("j-ada", "a@acme.example", email_source="provisor"),
        atlassian("j-bob", "b@acme.example"),
        atlassian("j-bob2", "b@acme.example"),
        atlassian("j-eve", "e@else.example"),
    ]
    for _ in range(3):
        office.look(users, accounts)
    assert office.joined() == {}
    assert office.disputed() == {("ada", "j-ada"), ("bob", "j-bob"), ("bob", "j-bob2"), ("eve", "j-eve")}
    office.look(users, accounts[3:])
    assert office.disputed() == {("eve", "j-eve")}


def test_a_managed_account_is_joined_on_any_domain_and_an_administrator_by_jumpclouds_link(office: Office) -> None:
    users = [
        account("ada", "a@else.example", attributes={"admin": "root"}),
        account("root", "a@else.example", kind=AccountKind.ADMIN),
    ]
    accounts = [atlassian("j-ada", "a@else.example", email_source="organization", attributes={"managed": True})]
    for _ in range(2):
        office.look(users, accounts)
    assert office.joined() == {"j-ada": ("ada", Proof.MANAGED), "root": ("ada", Proof.LINKED)}


def test_the_address_of_a_linked_administrator_is_the_users_too(office: Office) -> None:
    users = [
        account("ada", "a@acme.example", attributes={"admin": "root"}),
        account("root", "root@acme.example", kind=AccountKind.ADMIN),
    ]
    for _ in range(2):
        office.look(users, [atlassian("j-root", "root@acme.example")])
    assert office.joined() == {"j-root": ("ada", Proof.SHOWN), "root": ("ada", Proof.LINKED)}
    office.look(jira=[atlassian("j-root", "root@acme.example"), atlassian("j-ada", "a@acme.example")])
    assert office.disputed() == {("ada", "j-ada")}


@pytest.mark.parametrize("kind", [AccountKind.APP, AccountKind.CUSTOMER, AccountKind.UNKNOWN])
def test_apps_and_customers_are_nobody(office: Office, kind: AccountKind) -> None:
    for _ in range(2):
        office.look([account("ada", "a@acme.example")], [account("j", "a@acme.example", kind=kind)])
    assert (office.joined(), office.disputed()) == ({}, set())


def test_an_account_that_we_made_is_its_persons_though_it_hides_its_address(office: Office) -> None:
    users = [account("ada", "a@acme.example")]
    office.look(users, [])
    with office.store.write() as work:
        work.persons.note_made(ADA, "A@acme.example", now=office.clock.now())
    hidden = [atlassian("j-ada", "a@acme.example", email_source="provisor")]
    office.look(jira=hidden)
    assert office.joined() == {}, "the user may have got the address just now"
    office.look(users)
    assert office.joined() == {"j-ada": ("ada", Proof.MADE)}


def test_an_account_that_we_made_is_nobodys_when_the_address_moved_meanwhile(office: Office) -> None:
    office.look([account("ada", "a@acme.example")], [])
    with office.store.write() as work:
        work.persons.note_made(ADA, "a@acme.example", now=office.clock.now())
    hidden = [atlassian("j-ada", "a@acme.example", email_source="provisor")]
    for _ in range(3):
        office.look([account("ada", "ada.b@acme.example"), account("bob", "a@acme.example")], hidden)
    assert office.joined() == {}


def test_a_persons_decision_joins_and_splits_for_good_and_is_audited(office: Office) -> None:
    users, accounts = [account("ada", "a@acme.example")], [atlassian("j-ada", "a@acme.example")]
    office.look(users, accounts)
    office.people.split("ada", ADA, by="grace", reason="two people")
    for _ in range(3):
        office.look(users, accounts)
    assert (office.joined(), office.disputed()) == ({}, set())
    office.people.join("ada", ADA, by="grace", reason="one after all")
    office.look(users, accounts)
    assert office.joined() == {"j-ada": ("ada", Proof.DECIDED)}
    with office.store.read() as work:
        rows = [row for _, row in work.audit.after(0) if row.actor == actors.operator("grace")]
    told = [(row.event, row.detail["reason"]) for row in rows]
    assert told == [("person.split", "two people"), ("person.joined", "one after all")]


def test_an_account_is_not_taken_from_one_person_for_another_without_a_split(office: Office) -> None:
    office.look([account("ada", "a@acme.example"), account("bob", "b@acme.example")], [atlassian("j-ada")])
    office.people.join("ada", ADA, by="grace", reason="hers")
    with pytest.raises(NotPossible, match="joined to ada"):
        office.people.join("bob", ADA, by="grace", reason="his")


def test_persons_follow_the_directory_and_are_kept_when_they_are_gone(office: Office) -> None:
    office.look([account("ada", "a@acme.example"), account("bob", "b@acme.example")], [])
    office.look([account("ada", "a@acme.example", status=AccountStatus.SUSPENDED)], [])
    assert office.statuses() == {"ada": "suspended", "bob": "gone"}
    office.look([account("ada", "a@acme.example"), account("bob", "b@acme.example")], [])
    assert office.statuses() == {"ada": "active", "bob": "active"}


def test_nothing_new_changes_nothing(office: Office) -> None:
    office.look([account("ada", "a@acme.example")], [atlassian("j-ada", "a@acme.example")])
    with office.store.read() as work:
        before = len(work.audit.after(0))
    assert office.people.refresh() is False
    with office.store.read() as work:
        assert len(work.audit.after(0)) == before
