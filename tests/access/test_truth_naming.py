"""Whom and what a ticket means: proof, or candidates."""

from __future__ import annotations

import pytest

from access.accounts import Account
from access.entitlements import ResourceKind, System
from access.truth import Reason
from access.truth_naming import Accounts, NameProof, SaidPerson, Thing, Things, Unclear, addresses_in, the_thing

JIRA, JUMPCLOUD = System.JIRA, System.JUMPCLOUD
GROUP, ROLE = ResourceKind.GROUP, ResourceKind.PROJECT_ROLE


def account(ident: str, title: str, email: str | None = None, username: str | None = None) -> Account:
    return Account(JUMPCLOUD, ident, title, email=email, username=username)


ADA = account("1", "Ada Lovelace", "ada@acme.example", "ada")
KIM, OTHER_KIM = account("2", "Kim Lee", "kim@acme.example"), account("3", "Kim Lee", "kim.lee@acme.example")
HIDDEN = account("4", "Grace Hopper")
TWICE = (account("5", "One", "team@acme.example"), account("6", "Two", "TEAM@acme.example"))
EVERYBODY = (ADA, KIM, OTHER_KIM, HIDDEN, *TWICE)

MEANT: list[tuple[SaidPerson, Account | Reason]] = [
    (SaidPerson("ada@acme.example"), ADA),
    (SaidPerson("Ada Lovelace <Ada@ACME.example>"), ADA),
    (SaidPerson("ADA"), Reason.PERSON_AMBIGUOUS),
    (SaidPerson("1"), ADA),
    (SaidPerson("Ada Lovelace"), Reason.PERSON_AMBIGUOUS),
    (SaidPerson("kim lee"), Reason.PERSON_AMBIGUOUS),
    (SaidPerson("team@acme.example"), Reason.PERSON_AMBIGUOUS),
    (SaidPerson("grace@acme.example"), Reason.ADDRESS_HIDDEN),
    (SaidPerson("Nobody Here"), Reason.PERSON_UNKNOWN),
    (SaidPerson("Ada", "712020:ada", "ada@acme.example"), ADA),
    (SaidPerson("Grace Hopper", "712020:grace"), Reason.ADDRESS_HIDDEN),
]


@pytest.mark.parametrize(("said", "meant"), MEANT, ids=[str(row[0].text) for row in MEANT])
def test_an_account_is_meant_by_proof_alone(said: SaidPerson, meant: Account | Reason) -> None:
    found = Accounts(JUMPCLOUD, EVERYBODY).meant(said)
    assert (found.reason if isinstance(found, Unclear) else found) == meant


def test_a_full_name_proves_where_names_are_unique_and_one_account_has_it() -> None:
    accounts = Accounts(JUMPCLOUD, EVERYBODY)
    assert accounts.meant(SaidPerson("ada lovelace"), NameProof.UNIQUE) == ADA
    found = accounts.meant(SaidPerson("Kim Lee"), NameProof.UNIQUE)
    assert isinstance(found, Unclear)
    assert "kim@acme.example" in found.because
    assert "kim.lee@acme.example" in found.because


def test_a_username_proves_where_tickets_name_people_by_usernames() -> None:
    accounts = Accounts(JUMPCLOUD, EVERYBODY)
    assert accounts.meant(SaidPerson("ADA"), NameProof.USERNAME) == ADA
    assert isinstance(accounts.meant(SaidPerson("ada lovelace"), NameProof.USERNAME), Unclear)
    assert isinstance(accounts.meant(SaidPerson("ada"), NameProof.UNIQUE), Unclear), "a first name is no username"


def test_without_hidden_addresses_an_unknown_address_is_nobodys() -> None:
    found = Accounts(JUMPCLOUD, [ADA]).meant(SaidPerson("bob@acme.example"))
    assert isinstance(found, Unclear)
    assert found.reason is Reason.PERSON_UNKNOWN


def test_an_account_of_jira_is_found_by_its_id_there_and_by_nothing_else() -> None:
    accounts = Accounts(JIRA, [account("712020:ada", "Ada")])
    assert accounts.meant(SaidPerson("Ada", "712020:ada")) == account("712020:ada", "Ada")
    gone = accounts.meant(SaidPerson("Ada", "712020:former", "ada@acme.example"), NameProof.UNIQUE)
    assert isinstance(gone, Unclear)


def test_addresses_are_found_in_any_text() -> None:
    assert addresses_in("Ada <ada@acme.example>, (bob@acme.example); mailto:eve@acme.example.") == [
        "ada@acme.example", "bob@acme.example", "eve@acme.example",
    ]  # fmt: skip


ENGINEERING, ADMINS = Thing(GROUP, "g1", "Engineering"), Thing(GROUP, "g2", "admins")
DEVELOPERS = Thing(ROLE, "10001/10002", "Developers", ("PAY", "Payments"))
LEADS = Thing(ROLE, "10001/10003", "Tech - Leads", ("PAY", "Payments"))
THINGS = {
    JUMPCLOUD: Things(JUMPCLOUD, [ENGINEERING, ADMINS]),
    JIRA: Things(JIRA, [Thing(GROUP, "j1", "admins"), DEVELOPERS, LEADS]),
}
KINDS = [(JUMPCLOUD, GROUP), (JIRA, GROUP), (JIRA, ROLE)]

NAMED: list[tuple[str, Thing | Reason]] = [
    ("Engineering", ENGINEERING),
    ("engineering ", ENGINEERING),
    ("g1", ENGINEERING),
    ("PAY:Developers", DEVELOPERS),
    ("PAY / Developers", DEVELOPERS),
    ("Payments - developers", DEVELOPERS),
    ("PAY Developers", DEVELOPERS),
    ("PAY: Tech - Leads", LEADS),
    ("jira:project-role:PAY:Developers:assigned", DEVELOPERS),
    ("jira:project-role:10001:10002:assigned", DEVELOPERS),
    ("jira:group:admins:member", Thing(GROUP, "j1", "admins")),
    ("The VPN", ENGINEERING),
    ("admins", Reason.RESOURCE_AMBIGUOUS),
    ("Enginering", Reason.RESOURCE_UNKNOWN),
    ("PAY", Reason.RESOURCE_UNKNOWN),
    ("CRM:Developers", Reason.RESOURCE_UNKNOWN),
]


@pytest.mark.parametrize(("text", "meant"), NAMED)
def test_a_resource_is_meant_by_its_one_name(text: str, meant: Thing | Reason) -> None:
    found = the_thing(text, KINDS, {"the vpn": "jumpcloud:group:Engineering:member"}, THINGS)
    assert (found.reason if isinstance(found, Unclear) else found[1]) == meant


def test_a_name_that_is_not_there_names_what_is_near() -> None:
    found = the_thing("Enginering", KINDS, {}, THINGS)
    assert isinstance(found, Unclear)
    assert "near it: Engineering" in found.because


def test_an_account_itself_is_a_thing() -> None:
    found = the_thing("anything", [(JIRA, ResourceKind.ACCOUNT)], {}, THINGS)
    assert not isinstance(found, Unclear)
    assert (found[0], found[1].kind) == (JIRA, ResourceKind.ACCOUNT)
