"""Whose access a request to take away means, what forbids giving, and the order of requests for one person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState
from access.methods import Method
from access.policy import MissingAccount, Rule, Suspended
from access.provisioning import Provisioning
from store.unit_of_work import Store
from tests.fakes.local_stack import ADA, GROUP, RULES, LocalStack
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ADA_BY_ADDRESS = {"email": "ada@example.com"}


def granted(stack: LocalStack, **more: Any) -> None:
    stack.grant("r1", subject=ADA_BY_ADDRESS, **more)
    stack.run()
    assert stack.has()


@pytest.mark.parametrize("since", ["suspended", "another address"])
@pytest.mark.parametrize("claim_of", [{}, {"claim_of": "r1"}], ids=["all", "claim_of"])
@pytest.mark.parametrize("subject", [ADA_BY_ADDRESS, {"id": ADA}], ids=["address", "id"])
def test_taking_away_acts_on_the_account_of_the_claim_whatever_a_search_says(
    stack: LocalStack, since: str, claim_of: dict[str, str], subject: dict[str, str]
) -> None:
    granted(stack)
    if since == "suspended":
        stack.system.suspended.add(ADA)
    else:
        stack.system.accounts[ADA] = "countess@example.com"
    stack.revoke("r2", subject=subject, **claim_of)
    stack.run(MINUTE)
    assert not stack.has()
    assert stack.request("r2").state is RequestState.DONE
    assert stack.claim("r1").state is ClaimState.ENDED
    assert stack.operation("r2").account_id == ADA


def test_an_address_that_somebody_else_has_by_now_is_refused_naming_both(stack: LocalStack) -> None:
    granted(stack)
    stack.system.accounts |= {ADA: "countess@example.com", "u9": "ada@example.com"}
    stack.system.change("u9", GROUP, present=True)
    stack.revoke("r2", subject=ADA_BY_ADDRESS)
    stack.run(MINUTE)
    request = stack.request("r2")
    assert request.state is RequestState.REFUSED
    assert ADA in (request.reason or "")
    assert "u9" in (request.reason or "")
    assert stack.has()
    assert stack.system.has("u9", GROUP)


@pytest.mark.parametrize("claim_of", [{}, {"claim_of": "r1"}], ids=["all", "claim_of"])
@pytest.mark.parametrize("subject", [ADA_BY_ADDRESS, {"id": ADA}], ids=["address", "id"])
def test_a_claim_on_a_group_that_is_gone_ends_with_the_proof_of_that(
    stack: LocalStack, claim_of: dict[str, str], subject: dict[str, str]
) -> None:
    granted(stack)
    stack.system.missing[GROUP] = True
    stack.revoke("r2", subject=subject, **claim_of)
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.DONE
    assert "gone with what it was to" in (stack.claim("r1").why_ended or "")


def test_a_claim_on_a_group_that_cannot_be_seen_does_not_end(stack: LocalStack) -> None:
    granted(stack)
    stack.system.missing[GROUP] = False
    stack.revoke("r2", claim_of="r1")
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.BLOCKED
    assert stack.claim("r1").state is ClaimState.ENDING


@pytest.mark.parametrize(
    "other",
    [
        {"action": "deprovision_account", "subject": {"id": "u2"}, "system": "jumpcloud"},
        {"action": "revoke", "subject": {"id": "u2"}, "entitlement": GROUP},
        {"action": "grant", "subject": {"id": "u2"}, "entitlement": GROUP},
        {"action": "grant", "subject": {"id": ADA}, "entitlement": "jumpcloud:group:other:member"},
    ],
    ids=["a deprovision", "a revoke", "somebody else's grant", "a grant of other access"],
)
@pytest.mark.parametrize("pending", [True, False], ids=["pending", "done"])
def test_claim_of_touches_only_a_grant_of_the_very_same_access(
    store: Store, other: dict[str, Any], *, pending: bool
) -> None:
    stack = LocalStack.over(store, mode=Provisioning.PLAN if pending else Provisioning.ON)
    stack.submit(id="r1", **other)
    stack.run(MINUTE)
    before = stack.request("r1").state
    loud = LocalStack.over(store, like=stack)
    loud.revoke("r2", claim_of="r1")
    loud.run(MINUTE)
    assert loud.request("r2").state is RequestState.REFUSED
    assert "claim_of names 'r1'" in (loud.request("r2").reason or "")
    assert loud.request("r1").state is before


def test_a_revoke_is_not_done_while_the_claim_that_it_names_is_still_ending(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    stack.system.missing[GROUP] = False
    stack.run(2 * MINUTE)
    assert stack.claim("r1").state is ClaimState.ENDING
    stack.revoke("r2", claim_of="r1")
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.BLOCKED
    del stack.system.missing[GROUP]
    stack.run(2 * HOUR)
    assert not stack.has()
    assert stack.claim("r1").state is ClaimState.ENDED
    assert stack.request("r2").state is RequestState.DONE


@pytest.mark.parametrize("action", ["grant", "revoke"])
def test_an_address_and_an_id_that_contradict_each_other_are_refused_naming_both(
    stack: LocalStack, action: str
) -> None:
    stack.submit(id="r1", action=action, subject={"email": "ada@example.com", "id": "u2"}, entitlement=GROUP)
    stack.run()
    request = stack.request("r1")
    assert request.state is RequestState.REFUSED
    assert "u2" in (request.reason or "")
    assert "ada@example.com" in (request.reason or "")
    assert stack.system.sent == []


def test_facts_that_are_required_for_giving_are_not_required_for_taking(store: Store) -> None:
    rules = (Rule("*", required=("approved_by",), required_to_take=("reason",)),)
    stack = LocalStack.over(store, rules=rules)
    stack.grant("r1", approved_by="alan@example.com")
    stack.run()
    stack.revoke("r2", claim_of="r1")
    stack.run()
    assert "requires reason" in (stack.request("r2").reason or "")
    stack.revoke("r3", claim_of="r1", reason="moved on")
    stack.run()
    assert stack.request("r3").state is RequestState.DONE


@pytest.mark.parametrize("suspended", Suspended)
def test_d5_policy_decides_what_a_suspended_person_is_given(store: Store, suspended: Suspended) -> None:
    stack = LocalStack.over(store, rules=(Rule("*", suspended=suspended),))
    stack.system.suspended.add(ADA)
    stack.grant("r1")
    stack.run()
    assert stack.has() is (suspended is Suspended.GIVE)
    if suspended is Suspended.REFUSE:
        assert "is suspended" in (stack.request("r1").reason or "")


def test_d5_an_open_deprovision_bars_grants_and_a_verified_one_ends_the_claims(stack: LocalStack) -> None:
    stack.grant("r1")
    stack.run()
    stack.submit(id="r2", action="deprovision_account", subject={"id": ADA}, system="jumpcloud")
    stack.run()
    assert stack.operation("r2").via is Method.TICKET
    stack.grant("r3", group="jumpcloud:group:other:member")
    stack.run()
    assert stack.request("r3").state is RequestState.REFUSED
    assert "Request r2 deprovisions" in (stack.request("r3").reason or "")
    stack.system.suspended.add(ADA)
    stack.tickets.open_issues()[0].phase = Phase.DONE
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.DONE
    assert stack.claim("r1").state is ClaimState.ENDED


def test_what_is_on_its_way_to_an_account_is_called_back_by_its_deprovision(stack: LocalStack) -> None:
    stack.grant("r1", group="jumpcloud:group:by-hand:member")
    stack.run()
    stack.submit(id="r2", action="deprovision_account", subject={"id": ADA}, system="jumpcloud")
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.WITHDRAWN


@pytest.mark.parametrize("first", ["r1", "r2"])
def test_a_grant_waits_for_the_account_that_an_earlier_request_makes(store: Store, first: str) -> None:
    stack = LocalStack.over(store, rules=(Rule("jumpcloud:account:*", missing_account=MissingAccount.REFUSE), *RULES))
    eve = {"email": "eve@example.com"}
    stack.submit(id="r1", action="create_account", subject=eve, system="jumpcloud")
    stack.grant("r2", subject=eve)
    stack.handle(sorted(stack.sweep(), key=lambda wake_up: wake_up.ref != first))
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.RECEIVED
    stack.system.accounts["u7"] = "eve@example.com"
    stack.tickets.open_issues()[0].phase = Phase.DONE
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.DONE
    assert stack.system.has("u7", GROUP)


def test_a_request_that_came_in_while_provisioning_was_off_is_planned_by_plan(store: Store) -> None:
    off = LocalStack.over(store, mode=Provisioning.OFF)
    off.grant("r1")
    off.run()
    assert off.request("r1").reason == "Provisioning is off."
    plan = LocalStack.over(store, like=off, mode=Provisioning.PLAN)
    with store.write() as work:
        work.requests.wake_planned(now=plan.clock.now())
    plan.run()
    assert plan.request("r1").state is RequestState.PLANNED


def test_in_plan_nothing_is_final(store: Store) -> None:
    plan = LocalStack.over(store, mode=Provisioning.PLAN, rules=())
    plan.grant("r1")
    plan.run()
    assert plan.request("r1").state is RequestState.RECEIVED
    assert "No policy rule" in (plan.request("r1").reason or "")
    mended = LocalStack.over(store, like=plan, mode=Provisioning.PLAN)
    with store.write() as work:
        work.requests.wake_planned(now=mended.clock.now())
    mended.run()
    assert mended.request("r1").state is RequestState.PLANNED
    assert mended.operation("r1").state is OperationState.READY
