from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from access.entitlements import Entitlement, EntitlementRef
from access.methods import Direction, Method
from access.patterns import matches_loosely, may_overlap
from access.policy import AccountProof, IsMeant, Policy, Rule
from access.ticket_routes import TicketRoute

ACCESS = TicketRoute(project="ACCESS")
BY_ID = EntitlementRef.parse("jira:group:9f1c:member")
BY_NAME = EntitlementRef.parse("jira:group:Zürich Admins:member")


def policy(*rules: Rule) -> Policy:
    return Policy(rules=rules, ticket=ACCESS)


def decided(
    *rules: Rule, refs: Sequence[EntitlementRef] = (BY_ID, BY_NAME), is_meant: IsMeant = lambda _: True
) -> Rule | None:
    return policy(*rules).rule_for(*refs, direction=Direction.GIVE, is_meant=is_meant)


def test_the_first_rule_that_matches_decides() -> None:
    narrow, wide = Rule("jira:group:Zürich*:member", give=Method.DENY), Rule("jira:*")
    assert decided(narrow, wide) is narrow
    assert decided(wide, narrow) is wide


def test_without_a_matching_rule_there_is_none() -> None:
    assert decided(Rule("jumpcloud:*")) is None
    assert decided() is None


@pytest.mark.parametrize(
    "pattern",
    [
        "jira:group:9f1c:member",
        "JIRA:Group:9f1c:MEMBER",
        "jira:group:Zu\N{COMBINING DIAERESIS}rich Admins:member",
        "jira:group:  Zürich Admins :member",
        "jira:group:* Admins:*",
        "jira:*",
    ],
)
def test_a_rule_matches_by_id_or_by_name(pattern: str) -> None:
    assert decided(Rule(pattern), is_meant=lambda _: False)


@pytest.mark.parametrize("pattern", ["jira:group:zürich ADMINS:member", "jira:group:9F1C:*"])
def test_an_allowing_rule_in_another_case_matches_where_its_name_is_found_to_be_the_same(pattern: str) -> None:
    spelled = pattern.replace("*", "member")
    assert decided(Rule(pattern), is_meant=lambda other: str(other) == spelled)
    assert not decided(Rule(pattern), is_meant=lambda other: str(other) != spelled)


@pytest.mark.parametrize(
    "pattern", ["jira:group:ZÜRICH ADMINS:member", "jira:group:zürich *:member", "jira:group:* ADMINS:*"]
)
def test_only_a_denying_rule_matches_more(pattern: str) -> None:
    """A7: other letters than A to Z, and names with a wildcard, have no other case."""
    assert not decided(Rule(pattern))
    assert decided(Rule(pattern, give=Method.DENY))


def test_a_rule_that_denies_taking_matches_more_for_taking_alone() -> None:
    rule = Rule("jira:group:ZÜRICH*:member", take=Method.DENY)
    assert policy(rule).rule_for(BY_NAME, direction=Direction.TAKE)
    assert not policy(rule).rule_for(BY_NAME, direction=Direction.GIVE)


def test_an_allowing_rule_for_one_name_never_allows_another() -> None:
    """A7: ``ß`` and ``ss`` are two names, and so are two that differ in case where both exist."""
    street = EntitlementRef.parse("jira:group:straße:member")
    assert not decided(Rule("jira:group:STRASSE:member"), refs=(street,))
    assert decided(Rule("jira:group:STRASSE:member", give=Method.DENY), refs=(street,))


NAMES = st.text(alphabet="aAbBßéÉ*?", min_size=1, max_size=5)


@given(pattern=NAMES, name=NAMES.filter(lambda text: not set(text) & set("*?")))
@example(pattern="?", name="ß")
def test_denying_matches_whatever_allowing_matches(pattern: str, name: str) -> None:
    refs = (EntitlementRef.parse(f"jira:group:{name}:member"),)
    written = f"jira:group:{pattern}:member"
    if decided(Rule(written), refs=refs):
        assert decided(Rule(written, give=Method.DENY), refs=refs)


@pytest.mark.parametrize(
    ("name", "wants"),
    [
        ("jira:group:site-ADMINS:member", True),
        ("jira:project-role:PAY:Administrators:assigned", True),
        ("jumpcloud:admin-role:Manager:assigned", True),
        ("jira:group:readers:member", False),
        ("jira:account:exists", False),
    ],
)
def test_what_gives_an_administrators_power_wants_a_proven_account_unless_its_rule_says_otherwise(
    name: str, *, wants: bool
) -> None:
    ref = EntitlementRef.parse(name)
    entitlement = Entitlement(ref=ref, named=ref, title=name)
    assert policy().wants_proof(Rule("*"), entitlement) is wants
    assert policy().wants_proof(Rule("*", proof=AccountProof.REQUIRED), entitlement)
    assert not policy().wants_proof(Rule("*", proof=AccountProof.OPTIONAL), entitlement)


def test_a_name_with_a_colon_cannot_pass_for_another_entitlement() -> None:
    sly = EntitlementRef.parse("jira:group:x%3Amember:member")
    assert not decided(Rule("jira:group:x:member"), refs=(sly,))


def test_each_direction_has_its_own_road() -> None:
    rule = Rule("*", give=Method.TICKET, take=Method.CONNECTOR, max_duration=timedelta(hours=8))
    assert rule.method(Direction.GIVE) is Method.TICKET
    assert rule.method(Direction.TAKE) is Method.CONNECTOR


def test_a_ticket_goes_where_its_rule_says_or_else_where_the_policy_says() -> None:
    security = TicketRoute(project="SEC")
    rules = policy(Rule("jira:*"), Rule("jumpcloud:*", ticket=security))
    assert rules.ticket_route(rules.rules[0]) is ACCESS
    assert rules.ticket_route(rules.rules[1]) is security
    assert rules.ticket_route(None) is ACCESS


@given(one=NAMES, other=NAMES, name=st.text(alphabet="ab", max_size=4))
def test_patterns_that_match_one_name_overlap(one: str, other: str, name: str) -> None:
    if matches_loosely(one, name) and matches_loosely(other, name):
        assert may_overlap(one, other)


def test_patterns_without_a_common_name_do_not_overlap() -> None:
    assert not may_overlap("jira:group:*", "jumpcloud:*")
    assert not may_overlap("a?", "a")
    assert not may_overlap("*a", "*b")
    assert may_overlap("a*b", "*" * 900 + "b")
