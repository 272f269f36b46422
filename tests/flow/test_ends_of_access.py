"""Time, overlap and calling back, over HTTP."""

from __future__ import annotations

from datetime import timedelta

from demo.patience import slowness
from tests.flow.simulated_stack import SimulatedStack


def test_the_clock_starts_when_the_access_was_seen_and_it_goes_on_time(stack: SimulatedStack) -> None:
    before = slowness()
    email, team = stack.company.person(), stack.company.jumpcloud_group()
    request = stack.grant(email, f"jumpcloud:group:{team}:member", duration="PT1S")
    stack.ended(request)
    claim = stack.claim(request)
    assert claim.starts_at == stack.operations(request)[0].verified_at
    ended = stack.claim_ended(request)
    assert not stack.company.in_jumpcloud(email, team)
    assert ended.ended_at is not None
    assert ended.ends_at is not None
    assert timedelta(0) <= ended.ended_at - ended.ends_at < timedelta(seconds=8) * max(before, slowness())


def test_a_revoke_while_the_grant_is_on_its_way_leaves_nothing(stack: SimulatedStack) -> None:
    """The grant's write is held at the service; the revoke comes in; then the write takes effect."""
    email, team = stack.company.person(), stack.company.jumpcloud_group()
    held = stack.faults.add(system="jumpcloud", method="POST", path=f"/{team}/members$", hold="before")
    grant = stack.grant(email, f"jumpcloud:group:{team}:member")
    stack.until_held(held)
    revoke = stack.revoke(email, f"jumpcloud:group:{team}:member")
    stack.ended(grant, "withdrawn")
    stack.faults.release(held)
    stack.ended(revoke)
    assert not stack.company.in_jumpcloud(email, team)
    assert stack.claim(grant).state == "void"


def test_a_revoke_for_a_person_whose_account_is_still_being_made_calls_the_grant_back(stack: SimulatedStack) -> None:
    email = stack.company.person(jira=False)
    grant = stack.grant(email, "jira:project-role:PAY:Viewers:assigned")
    ticket = stack.ticket(grant)
    revoke = stack.revoke(email, "jira:project-role:PAY:Viewers:assigned")
    stack.ended(grant, "withdrawn")
    assert "called back" in (stack.ended(revoke).reason or "")
    stack.ticket(grant, "withdrawn")
    assert stack.company.jira.catalogue.statuses[stack.issue(ticket).status_id].category == "done"


def test_a_revoke_between_the_account_and_the_role_leaves_no_role(stack: SimulatedStack) -> None:
    """From the moment the account is there, the claim has to be found under it, and no longer under the address."""
    email = stack.company.person(jira=False)
    held = stack.faults.add(system="jira", method="POST", path="/role/", hold="before")
    grant = stack.grant(email, "jira:project-role:PAY:Developers:assigned")
    stack.until_held(held)
    revoke = stack.revoke(email, "jira:project-role:PAY:Developers:assigned")
    stack.ended(grant, "withdrawn")
    stack.faults.release(held)
    stack.ended(revoke)
    assert not stack.company.in_role(email)


def test_requests_for_one_access_at_once_wait_for_each_other_and_all_end(stack: SimulatedStack) -> None:
    email, team = stack.company.person(), stack.company.jumpcloud_group()
    grants = [stack.grant(email, f"jumpcloud:group:{team}:member") for _ in range(6)]
    for grant in grants:
        stack.ended(grant)
    assert sum(not stack.claim(grant).pre_existing for grant in grants) == len(grants)
    assert stack.company.in_jumpcloud(email, team)


def test_access_is_extended_without_a_call_and_ended_by_the_request_that_gave_it(stack: SimulatedStack) -> None:
    email, team = stack.company.person(), stack.company.jumpcloud_group()
    entitlement = f"jumpcloud:group:{team}:member"
    grant = stack.grant(email, entitlement, duration="PT1H")
    stack.ended(grant)
    away = stack.faults.add(system="jumpcloud", hold="before")
    extension = stack.ask("extend", email, entitlement, claim_of=grant, duration="PT2H")
    stack.ended(extension)
    stack.faults.release(away)
    before, after = stack.claim(grant), stack.claim(extension)
    assert before.ends_at is not None
    assert after.ends_at == before.ends_at + timedelta(hours=2)
    assert (before.why_ended, after.state) == (f"extended by request {extension}", "active")
    assert stack.company.in_jumpcloud(email, team)
    stack.ended(stack.revoke(email, entitlement, claim_of=grant))
    assert not stack.company.in_jumpcloud(email, team)
