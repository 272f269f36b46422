"""Time, overlap and calling back, over HTTP."""

from __future__ import annotations

from datetime import timedelta

from tests.flow.estate import Estate


def test_the_clock_starts_when_the_access_was_seen_and_it_goes_on_time(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jumpcloud_group()
    request = estate.grant(email, f"jumpcloud:group:{team}:member", duration="PT1S")
    estate.ended(request)
    claim = estate.claim(request)
    assert claim.starts_at == estate.operations(request)[0].verified_at
    ended = estate.claim_ended(request)
    assert not estate.company.in_jumpcloud(email, team)
    assert ended.ended_at is not None
    assert ended.ends_at is not None
    assert timedelta(0) <= ended.ended_at - ended.ends_at < timedelta(seconds=8)


def test_the_first_of_two_to_end_takes_nothing(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jira_group()
    first = estate.grant(email, f"jira:group:{team}:member", duration="PT1S")
    second = estate.grant(email, f"jira:group:{team}:member", duration="PT4S")
    estate.ended(first)
    estate.ended(second)
    assert "another claim" in (estate.claim_ended(first).why_ended or "")
    assert estate.company.in_jira(email, team)
    estate.claim_ended(second)
    assert not estate.company.in_jira(email, team)


def test_a_group_and_a_role_of_one_person_end_each_on_its_own(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jira_group()
    standing = estate.grant(email, f"jira:group:{team}:member")
    passing = estate.grant(email, "jira:project-role:PAY:Developers:assigned", duration="PT1S")
    estate.ended(standing)
    estate.ended(passing)
    estate.claim_ended(passing)
    assert estate.company.in_jira(email, team)
    assert not estate.company.in_role(email)


def test_a_revoke_while_the_grant_is_on_its_way_leaves_nothing(estate: Estate) -> None:
    """The grant's write is held at the service; the revoke comes in; then the write takes effect."""
    email, team = estate.company.person(), estate.company.jumpcloud_group()
    held = estate.faults.add(system="jumpcloud", method="POST", path=f"/{team}/members$", hold="before")
    grant = estate.grant(email, f"jumpcloud:group:{team}:member")
    assert estate.faults.wait_until(held, holding=1, timeout=10)
    revoke = estate.revoke(email, f"jumpcloud:group:{team}:member")
    estate.ended(grant, "withdrawn")
    estate.faults.release(held)
    estate.ended(revoke)
    assert not estate.company.in_jumpcloud(email, team)
    assert estate.claim(grant).state == "void"


def test_a_revoke_for_a_person_whose_account_is_still_being_made_calls_the_grant_back(estate: Estate) -> None:
    email = estate.company.person(jira=False)
    grant = estate.grant(email, "jira:project-role:PAY:Viewers:assigned")
    ticket = estate.ticket(grant)
    revoke = estate.revoke(email, "jira:project-role:PAY:Viewers:assigned")
    estate.ended(grant, "withdrawn")
    assert "called back" in (estate.ended(revoke).reason or "")
    estate.ticket(grant, "withdrawn")
    assert estate.company.jira.catalogue.statuses[estate.issue(ticket).status_id].category == "done"


def test_a_revoke_between_the_account_and_the_role_leaves_no_role(estate: Estate) -> None:
    """From the moment the account is there, the claim has to be found under it, and no longer under the address."""
    email = estate.company.person(jira=False)
    held = estate.faults.add(system="jira", method="POST", path="/role/", hold="before")
    grant = estate.grant(email, "jira:project-role:PAY:Developers:assigned")
    assert estate.faults.wait_until(held, holding=1, timeout=10)
    revoke = estate.revoke(email, "jira:project-role:PAY:Developers:assigned")
    estate.ended(grant, "withdrawn")
    estate.faults.release(held)
    estate.ended(revoke)
    assert not estate.company.in_role(email)


def test_requests_for_one_access_at_once_wait_for_each_other_and_all_end(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jumpcloud_group()
    grants = [estate.grant(email, f"jumpcloud:group:{team}:member") for _ in range(6)]
    for grant in grants:
        estate.ended(grant)
    assert sum(not estate.claim(grant).pre_existing for grant in grants) == len(grants)
    assert estate.company.in_jumpcloud(email, team)
