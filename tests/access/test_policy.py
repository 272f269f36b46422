from datetime import timedelta

import pytest

from access.entitlements import EntitlementRef
from access.methods import Direction, Method
from access.policy import Policy, Rule, TicketRoute

ACCESS = TicketRoute(project="ACCESS")
BY_ID = EntitlementRef.parse("jira:group:9f1c:member")
BY_NAME = EntitlementRef.parse("jira:group:Zürich Admins:member")


def policy(*rules: Rule) -> Policy:
    return Policy(rules=rules, ticket=ACCESS)


def test_the_first_rule_that_matches_decides() -> None:
    narrow, wide = Rule("jira:group:Zürich*:member", give=Method.DENY), Rule("jira:*")
    assert policy(narrow, wide).rule_for(BY_ID, BY_NAME) is narrow
    assert policy(wide, narrow).rule_for(BY_ID, BY_NAME) is wide


def test_without_a_matching_rule_there_is_none() -> None:
    assert policy(Rule("jumpcloud:*")).rule_for(BY_ID, BY_NAME) is None
    assert policy().rule_for(BY_ID) is None


@pytest.mark.parametrize(
    "pattern",
    ["jira:group:9f1c:member", "JIRA:group:9F1C:member", "jira:group:zürich admins:member", "jira:group:* admins:*"],
)
def test_a_rule_matches_by_id_or_by_name_in_any_case(pattern: str) -> None:
    assert Rule(pattern).matches((BY_ID, BY_NAME))


def test_spaces_around_a_name_do_not_hide_it_from_a_rule() -> None:
    padded = EntitlementRef.parse("jira:group:  Padded team :member")
    assert Rule("jira:group:padded team:member", give=Method.DENY).matches((padded,))
    assert Rule("jira:group: Padded team:member").matches((EntitlementRef.parse("jira:group:padded team:member"),))


def test_a_name_with_a_colon_cannot_pass_for_another_entitlement() -> None:
    sly = EntitlementRef.parse("jira:group:x%3Amember:member")
    assert not Rule("jira:group:x:member").matches((sly,))


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
