"""Whose access a request to take away means, what forbids giving, and the order of requests for one person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from access.lifecycle import ClaimState, OperationState, RequestState
from access.methods import Method
from access.policy import MissingAccount, Rule, Suspended
from access.provisioning import Provisioning
from store.alarms import AlarmKind
from store.tables import claims
from store.unit_of_work import Store
from tasks.decisions import Decisions, NotPossible
from tests.fakes.local_stack import ADA, GROUP, RULES, TICKET_TERMS, LocalStack
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
    """A8: a search finds no account that is suspended, or has another address."""
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


@pytest.mark.parametrize(("asked", "meant"), [("Team", True), ("TEAM", True), ("Teams", False)])
def test_a_name_that_a_group_had_when_it_was_given_means_the_claim_in_any_case(
    stack: LocalStack, asked: str, *, meant: bool
) -> None:
    """The group has another name by now, and the claim knows its id."""
    stack.system.names["jumpcloud:group:Team:member"] = GROUP
    stack.grant("r1", group="jumpcloud:group:Team:member")
    stack.run()
    assert stack.has()
    stack.system.names.clear()
    stack.system.missing[f"jumpcloud:group:{asked}:member"] = False
    stack.revoke("r2", group=f"jumpcloud:group:{asked}:member")
    stack.run(MINUTE)
    assert stack.has() is not meant
    assert (stack.claim("r1").state is ClaimState.ENDED) is meant


def test_an_address_that_somebody_else_has_by_now_is_refused_naming_both(stack: LocalStack) -> None:
    """A1, A12: the claim and the address name two accounts."""
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
    """A9: the claim knows its ids."""
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
    """A10: nothing else is withdrawn or ended."""
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


def test_a_username_means_nobody_whose_claim_has_no_address(stack: LocalStack) -> None:
    stack.grant("r1", subject={"id": ADA})
    stack.run()
    with stack.store.database.write() as connection:
        connection.execute(update(claims).values(email=None))
    stack.revoke("r2", subject={"username": "eve"})
    stack.run(MINUTE)
    assert stack.has()
    assert stack.claim("r1").state is ClaimState.ACTIVE


@pytest.mark.parametrize(("asked", "state"), [("new name", RequestState.DONE), ("other", RequestState.REFUSED)])
def test_claim_of_knows_a_group_that_was_renamed_since(stack: LocalStack, asked: str, state: RequestState) -> None:
    old, new = (f"jumpcloud:group:{name}:member" for name in ("old name", "new name"))
    stack.system.names = {old: GROUP}
    stack.grant("r1", group=old)
    stack.run()
    stack.system.names = {new: GROUP}
    stack.revoke("r2", group=f"jumpcloud:group:{asked}:member", claim_of="r1")
    stack.run(MINUTE)
    assert stack.request("r2").state is state
    assert stack.has() is (state is RequestState.REFUSED)


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
    """A12."""
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


def test_a_revoke_whose_account_nothing_proves_waits_and_goes_on_when_an_account_shows_the_address(
    stack: LocalStack,
) -> None:
    """A3: blocked and not refused, with an alarm at once."""
    stack.system.change(ADA, GROUP, present=True)
    stack.revoke("r1", subject={"email": "countess@example.com"})
    stack.run()
    assert stack.request("r1").state is RequestState.BLOCKED
    with stack.store.read() as work:
        assert [(alarm.kind, alarm.ref) for alarm in work.alarms.lasting()] == [(AlarmKind.BLOCKED, "r1")]
    assert stack.has()
    stack.system.accounts[ADA] = "countess@example.com"
    stack.run(HOUR)
    assert stack.request("r1").state is RequestState.DONE
    assert not stack.has()


@pytest.mark.parametrize("action", ["revoke", "deprovision_account"])
def test_a_person_decides_whose_access_is_meant_and_the_audit_says_who_and_why(stack: LocalStack, action: str) -> None:
    stack.system.change(ADA, GROUP, present=True)
    about = {"entitlement": GROUP} if action == "revoke" else {"system": "jumpcloud"}
    stack.submit(id="r1", action=action, subject={"email": "countess@example.com"}, **about)
    stack.run()
    decisions = Decisions(stack.store, stack.clock, by="grace")
    with pytest.raises(NotPossible):
        decisions.settle_account("r2", ADA, reason="no such request")
    decisions.settle_account("r1", ADA, reason="asked her")
    stack.run(MINUTE)
    operation = stack.operation("r1")
    assert (operation.account_id, operation.account_title) == (ADA, "ada@example.com")
    with stack.store.read() as work:
        (settled,) = [row for row in work.audit.of_request("r1") if row.event == "request.settled"]
    assert settled.actor == "operator:grace"
    assert settled.detail == {"account": ADA, "reason": "asked her"}
    with pytest.raises(NotPossible):
        decisions.settle_account("r1", ADA, reason="too late")


def test_an_account_that_a_person_names_and_that_is_not_there_leaves_the_request_blocked(stack: LocalStack) -> None:
    stack.revoke("r1", subject={"email": "countess@example.com"})
    stack.run()
    Decisions(stack.store, stack.clock, by="grace").settle_account("r1", "u9", reason="a slip")
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.BLOCKED
    assert "u9" in (stack.request("r1").reason or "")


def test_more_than_a_claim_gave_is_taken_only_where_its_account_was_proven(stack: LocalStack) -> None:
    """A2: the address beside an id is the sender's word, and proves nothing about later requests by that address."""
    stack.system.hidden.add("u2")
    stack.grant("r1", subject={"email": "ada@example.org", "id": "u2"})
    stack.run()
    assert stack.system.has("u2", GROUP)
    deprovision = {"action": "deprovision_account", "subject": {"email": "ada@example.org"}, "system": "jumpcloud"}
    stack.submit(id="r2", **deprovision)
    stack.revoke("r3", subject={"email": "ada@example.org"})
    stack.run(MINUTE)
    assert stack.request("r2").state is RequestState.BLOCKED
    assert stack.request("r3").state is RequestState.DONE
    assert not stack.system.has("u2", GROUP)


def test_a_grant_that_is_still_making_its_account_is_called_back_by_claim_of(store: Store) -> None:
    """A10: nothing is done while the claim that ``claim_of`` names is alive."""
    rules = (Rule("jumpcloud:account:*", give=Method.TICKET), Rule("*", missing_account=MissingAccount.CREATE))
    stack = LocalStack.over(store, rules=rules, ticket_terms=replace(TICKET_TERMS, poll=timedelta(minutes=5)))
    eve = {"email": "eve@example.com"}
    stack.grant("r1", subject=eve)
    stack.run()
    stack.system.accounts["u7"] = "eve@example.com"
    stack.revoke("r2", subject=eve, claim_of="r1")
    stack.run()
    assert stack.claim("r1").state is ClaimState.VOID
    stack.run(2 * HOUR)
    assert not stack.system.has("u7", GROUP)
    assert stack.request("r2").state is RequestState.DONE


@pytest.mark.parametrize("proven", [True, False])
def test_an_administrators_power_is_given_to_proven_accounts_only(store: Store, *, proven: bool) -> None:
    """A5."""
    stack = LocalStack.over(store, rules=(Rule("*"),))
    if not proven:
        stack.system.hidden.add(ADA)
    admins, readers = "jumpcloud:group:site-admins:member", "jumpcloud:group:readers:member"
    stack.grant("r1", subject=ADA_BY_ADDRESS, group=admins)
    stack.grant("r2", subject=ADA_BY_ADDRESS, group=readers)
    stack.run()
    assert stack.has(admins) is proven
    assert stack.has(readers)
