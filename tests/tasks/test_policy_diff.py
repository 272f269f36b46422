"""A changed policy is compared with what is held, before it is in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.methods import Method
from access.policy import Policy, Rule
from access.ticket_routes import TicketRoute
from tasks.policy_diff import policy_changes
from tests.fakes.local_stack import BY_HAND, GROUP, LocalStack
from tests.fakes.reconciled_stack import take_snapshot

HOUR = timedelta(hours=1)
RULES = st.lists(
    st.builds(
        Rule,
        pattern=st.sampled_from(
            ["*", "jumpcloud:group:*:member", GROUP, "jumpcloud:group:API:member", BY_HAND, "jira:*"]
        ),
        give=st.sampled_from(list(Method)),
        max_duration=st.sampled_from([None, HOUR, 4 * HOUR]),
        required=st.sampled_from([(), ("approved_by",)]),
        sources=st.sampled_from([(), ("local:*",)]),
    ),
    max_size=4,
)


def policy(*rules: Rule, **more: Any) -> Policy:
    return Policy(rules, TicketRoute("ACCESS"), **more)


def told(stack: LocalStack, after: Policy, before: Policy) -> list[tuple[str, str]]:
    return [(str(each.means), each.request_id or each.title) for each in policy_changes(stack.store, before, after)]


ALL = policy(Rule("jumpcloud:group:*:member"))


@pytest.fixture
def held(stack: LocalStack) -> LocalStack:
    """Access for two hours, access without an end, and two groups in a snapshot."""
    stack.grant("short", seconds=7200)
    stack.grant("lasting", group="jumpcloud:group:other:member")
    stack.run()
    take_snapshot(stack, [GROUP, "jumpcloud:group:other:member"])
    return stack


def test_a_claim_that_no_rule_would_give_is_told_with_the_reason(held: LocalStack) -> None:
    after = policy(Rule(GROUP, give=Method.DENY), Rule("jumpcloud:group:*:member"))
    found = list(policy_changes(held.store, ALL, after))
    assert [(str(each.means), each.request_id) for each in found] == [("refused", "short"), ("unmanaged", None)]
    assert "does not allow to give" in found[0].why


def test_a_fact_that_the_request_did_not_carry_refuses_it(held: LocalStack) -> None:
    after = policy(Rule("jumpcloud:group:*:member", required=("change",)))
    assert told(held, after, ALL)[:2] == [("refused", "short"), ("refused", "lasting")]


def test_an_end_that_would_be_earlier_is_told_and_one_that_fits_is_not(held: LocalStack) -> None:
    assert told(held, policy(Rule("jumpcloud:group:*:member", max_duration=4 * HOUR)), ALL) == [("earlier", "lasting")]
    found = list(policy_changes(held.store, ALL, policy(Rule("jumpcloud:group:*:member", max_duration=HOUR))))
    assert [each.request_id for each in found] == ["short", "lasting"]
    assert found[0].ends_at is not None
    assert found[0].would_end_at == found[0].ends_at - HOUR


def test_what_becomes_managed_and_what_is_managed_no_more(held: LocalStack) -> None:
    only_one = replace(ALL, manage=("jumpcloud:group:other:member",))
    assert told(held, only_one, ALL) == [("unmanaged", "api")]
    assert told(held, ALL, only_one) == [("managed", "api")]


def test_what_the_policy_in_force_refuses_already_is_no_change(held: LocalStack) -> None:
    assert [each for each in told(held, policy(), policy()) if each[0] == "refused"] == []
    assert ("allowed", "short") in told(held, ALL, policy())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(before=RULES, after=RULES)
def test_a_policy_differs_from_no_copy_of_itself_and_the_way_back_tells_the_opposite(
    held: LocalStack, before: list[Rule], after: list[Rule]
) -> None:
    one, other = policy(*before), policy(*after)
    assert told(held, one, policy(*before)) == []
    opposite = {"refused": "allowed", "allowed": "refused", "managed": "unmanaged", "unmanaged": "managed"}
    there = [each for each in told(held, other, one) if each[0] != "earlier"]
    back = [each for each in told(held, one, other) if each[0] != "earlier"]
    assert [(opposite[means], what) for means, what in there] == back
