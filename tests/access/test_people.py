from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.entitlements import System
from access.people import (
    AccountRef,
    Addressed,
    Dispute,
    Link,
    Look,
    Match,
    Proof,
    Verdict,
    is_verified,
    judge_match,
    match_address,
)

ADDRESS = "ada@acme.example"
OURS = ("acme.example",)
JIRA = AccountRef(System.JIRA, "j1")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def user(key: str = "u1", **more: Any) -> Addressed:
    return Addressed(AccountRef(System.JUMPCLOUD, key), ADDRESS, is_user=True, **more)


def atlassian(key: str = "j1", **more: Any) -> Addressed:
    return Addressed(AccountRef(System.JIRA, key), ADDRESS, **more)


def administrator(key: str = "a1") -> Addressed:
    return Addressed(AccountRef(System.JUMPCLOUD, key), ADDRESS)


@pytest.mark.parametrize(
    ("holders", "proof"),
    [
        ([user(), atlassian()], Proof.SHOWN),
        ([user(), atlassian(managed=True)], Proof.MANAGED),
        ([user(), atlassian(shown=False, made_for="u1")], Proof.MADE),
    ],
)
def test_one_address_on_both_sides_is_proof(holders: list[Addressed], proof: Proof) -> None:
    assert match_address(holders, domains=OURS) == Match("u1", JIRA, proof, ADDRESS)


def test_a_managed_account_needs_no_domain_of_ours_since_the_organization_has_verified_it() -> None:
    assert isinstance(match_address([user(), atlassian(managed=True)], domains=()), Match)


@pytest.mark.parametrize(
    ("holders", "domains", "why"),
    [
        ([user(), atlassian()], (), "people.domains"),
        ([user(), atlassian()], ("example", "other.example", "b.acme.example"), "people.domains"),
        ([user(), user("u2"), atlassian()], OURS, "2 JumpCloud users"),
        ([user(), atlassian(), atlassian("j2")], OURS, "2 accounts"),
        ([user(), atlassian(managed=True), atlassian("j2", managed=True)], OURS, "2 accounts"),
        ([user(), atlassian(), administrator()], OURS, "2 accounts"),
        ([user(), administrator()], OURS, "links the administrator and the user to nobody"),
        ([user(), atlassian(shown=False)], OURS, "does not show its address"),
        ([user(), atlassian(shown=False, made_for="u2")], OURS, "does not show its address"),
    ],
)
def test_what_is_not_proven_is_disputed_and_says_why(
    holders: list[Addressed], domains: tuple[str, ...], why: str
) -> None:
    found = match_address(holders, domains=domains)
    assert isinstance(found, tuple)
    assert all(why in each.why for each in found)
    assert len(found) == sum(each.is_user for each in holders) * sum(not each.is_user for each in holders)


@pytest.mark.parametrize("holders", [[user()], [atlassian(), atlassian("j2")], [user(), user("u2")]])
def test_an_address_without_a_user_or_without_another_account_says_nothing(holders: list[Addressed]) -> None:
    assert match_address(holders, domains=OURS) is None


@pytest.mark.parametrize(
    ("domain", "verified"),
    [
        ("acme.example", "yes"),
        ("ACME.example", "yes"),
        ("xn--bcher-kva.example", "yes"),
        ("sub.acme.example", "no"),
        ("notacme.example", "no"),
    ],
)
def test_a_domain_below_a_verified_one_is_another_domain(domain: str, verified: str) -> None:
    assert is_verified(f"a@{domain}", ("acme.example", "Bücher.example")) is (verified == "yes")


MATCH = Match("u1", JIRA, Proof.SHOWN, ADDRESS)


def look(began: timedelta) -> Look:
    return Look(NOON + began, NOON + began + HOUR)


def link(**more: Any) -> Link:
    plain: dict[str, Any] = {
        "person": "u1",
        "account": JIRA,
        "proof": Proof.SHOWN,
        "address": ADDRESS,
        "joined": False,
        "seen_until": NOON,
    }
    return Link(**(plain | more))


@pytest.mark.parametrize(
    ("of_account", "began", "verdict"),
    [
        (None, HOUR, Verdict.SEEN),
        (link(), -HOUR, Verdict.KEEP),
        (link(), timedelta(0), Verdict.KEEP),
        (link(), timedelta(seconds=1), Verdict.JOINED),
        (link(address="other@acme.example"), HOUR, Verdict.SEEN),
        (link(person="u2"), HOUR, Verdict.SEEN),
        (link(joined=True), HOUR, Verdict.KEEP),
    ],
)
def test_a_match_joins_when_a_look_that_began_after_the_first_shows_it_again(
    of_account: Link | None, began: timedelta, verdict: Verdict
) -> None:
    assert judge_match(MATCH, look(began), of_account=of_account, of_person=(), split=False) is verdict


def test_an_account_that_is_joined_to_another_stays_there_and_is_disputed() -> None:
    joined = link(person="u2", joined=True)
    found = judge_match(MATCH, look(HOUR), of_account=joined, of_person=(), split=False)
    assert isinstance(found, Dispute)


def test_a_second_account_of_one_system_is_disputed() -> None:
    other = link(account=AccountRef(System.JIRA, "j2"), joined=True)
    found = judge_match(MATCH, look(HOUR), of_account=link(), of_person=(other,), split=False)
    assert isinstance(found, Dispute)


def test_what_a_person_split_is_not_joined_by_proof() -> None:
    assert judge_match(MATCH, look(HOUR), of_account=link(), of_person=(), split=True) is Verdict.KEEP


def test_jumpclouds_own_link_needs_no_second_look() -> None:
    linked = Match("u1", AccountRef(System.JUMPCLOUD, "a1"), Proof.LINKED, ADDRESS)
    assert judge_match(linked, look(HOUR), of_account=None, of_person=(), split=False) is Verdict.JOINED
