"""Every row of the table of operations, over HTTP: by API where it can be, by ticket where it cannot."""

from __future__ import annotations

import pytest

from access.operations import Via
from simulator.systems import act
from tests.flow.estate import Estate


def group(group_id: str) -> str:
    return f"jumpcloud:group:{group_id}:member"


def test_a_jumpcloud_group_gets_a_member_and_loses_it(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jumpcloud_group()
    given = estate.ended(estate.grant(email, group(team)))
    assert estate.company.in_jumpcloud(email, team)
    assert estate.operations(given.id)[0].evidence
    estate.ended(estate.revoke(email, group(team)))
    assert not estate.company.in_jumpcloud(email, team)


def test_a_group_is_found_by_its_name(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jumpcloud_group("Blue: 100%")
    name = estate.company.group_name(team)
    estate.ended(estate.grant(email, f"jumpcloud:group:{name.replace('%', '%25').replace(':', '%3A')}:member"))
    assert estate.company.in_jumpcloud(email, team)


def test_a_member_of_a_dynamic_group_is_asked_for_by_ticket(estate: Estate) -> None:
    email = estate.company.person()
    team = estate.company.jumpcloud_group("rule", membershipMethod="DYNAMIC_AUTOMATED")
    request = estate.grant(email, group(team))
    ticket = estate.ticket(request)
    assert estate.operations(request)[0].via is Via.TICKET
    assert email in estate.text(ticket)


def test_a_jira_group_gets_a_member_and_loses_it(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jira_group()
    estate.ended(estate.grant(email, f"jira:group:{team}:member"))
    assert estate.company.in_jira(email, team)
    estate.ended(estate.revoke(email, f"jira:group:{team}:member"))
    assert not estate.company.in_jira(email, team)


def test_a_protected_jira_group_is_left_to_a_person(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jira_group("crown-jewels")
    request = estate.grant(email, f"jira:group:{team}:member")
    ticket = estate.ticket(request)
    act(estate.company.jira, "add_member", group=team, account=email)
    act(estate.company.jira, "done", issue=ticket.issue_key)
    estate.ended(request)
    assert estate.tickets(request)[0].state == "verified"


def test_a_project_role_is_assigned_and_taken(estate: Estate) -> None:
    email = estate.company.person()
    estate.ended(estate.grant(email, "jira:project-role:PAY:Developers:assigned"))
    assert estate.company.in_role(email)
    estate.ended(estate.revoke(email, "jira:project-role:PAY:Developers:assigned"))
    assert not estate.company.in_role(email)


def test_a_jira_account_is_made_with_its_products(estate: Estate) -> None:
    email = estate.company.person(jira=False)
    estate.ended(estate.ask("create_account", email, system="jira", products=["jira-software"]))
    made = estate.company.jira.user(email)
    access = estate.company.jira.administration.access_groups(["jira-software"])[0]
    assert estate.company.jira.directory.is_member(access, made.account_id)


def test_a_person_without_an_account_gets_one_first(estate: Estate) -> None:
    email = estate.company.person(jira=False)
    request = estate.grant(email, "jira:project-role:PAY:Developers:assigned")
    estate.ended(request)
    assert [str(operation.entitlement.kind) for operation in estate.operations(request)] == ["account", "project-role"]
    assert estate.company.in_role(email)


def test_an_account_that_policy_leaves_to_a_person_is_waited_for(estate: Estate) -> None:
    email = estate.company.person(jira=False)
    request = estate.grant(email, "jira:project-role:PAY:Viewers:assigned")
    ticket = estate.ticket(request)
    assert [str(operation.state) for operation in estate.operations(request)] == ["with_person", "waiting"]
    act(estate.company.jira, "create_user", email=email, name="Made by hand")
    act(estate.company.jira, "done", issue=ticket.issue_key)
    estate.ended(request)
    assert estate.company.in_role(email, "Viewers")


def test_an_account_that_policy_does_not_make_is_a_refusal(estate: Estate) -> None:
    email = estate.company.person(jira=False)
    request = estate.grant(email, "jira:project-role:PAY:Administrators:assigned")
    refused = estate.ended(request, "refused")
    assert "does not allow to make the account" in (refused.reason or "")


def test_an_account_is_deprovisioned_by_a_ticket_that_lists_what_it_holds(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jira_group()
    act(estate.company.jira, "add_member", group=team, account=email)
    act(estate.company.jira, "add_role_actor", project="PAY", role="Developers", user=email)
    request = estate.ask("deprovision_account", email, system="jira")
    ticket = estate.ticket(request)
    text = estate.text(ticket)
    assert team in text
    assert "Developers" in text
    act(estate.company.jira, "deactivate", account=email)
    act(estate.company.jira, "done", issue=ticket.issue_key)
    estate.ended(request)


def test_a_jumpcloud_account_is_deprovisioned_by_a_ticket_that_lists_its_groups(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jumpcloud_group("holds")
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    request = estate.ask("deprovision_account", email, system="jumpcloud")
    ticket = estate.ticket(request)
    assert estate.company.group_name(team) in estate.text(ticket)


def test_what_cannot_be_seen_is_not_believed_for_ever_and_ends_with_the_operator(estate: Estate) -> None:
    """JumpCloud's API shows us no application's users: however often somebody says so, there is no proof."""
    email = estate.company.person()
    request = estate.grant(email, "jumpcloud:application:slack:assigned")
    for _ in range(3):
        ticket = estate.ticket(request)
        act(estate.company.jira, "done", issue=ticket.issue_key)
        estate.until(lambda: estate.tickets(request)[-1].state != "open")
        if estate.tickets(request)[-1].state == "answered":
            estate.until(lambda: estate.tickets(request)[-1].state != "answered")
    failed = estate.ended(request, "failed")
    assert "it cannot be seen" in (failed.reason or "")


@pytest.mark.parametrize("system", ["jumpcloud", "jira"])
def test_what_is_so_already_is_success_and_remembered_as_found(estate: Estate, system: str) -> None:
    email = estate.company.person()
    if system == "jumpcloud":
        team = estate.company.jumpcloud_group()
        act(estate.company.jumpcloud, "add_member", group=team, user=email)
        entitlement = group(team)
    else:
        team = estate.company.jira_group()
        act(estate.company.jira, "add_member", group=team, account=email)
        entitlement = f"jira:group:{team}:member"
    request = estate.grant(email, entitlement, duration="PT1S")
    estate.ended(request)
    assert estate.claim(request).pre_existing
    estate.claim_ended(request)
    there = estate.company.in_jumpcloud if system == "jumpcloud" else estate.company.in_jira
    assert there(email, team)


def test_a_removal_of_what_was_never_there_is_done(estate: Estate) -> None:
    email, team = estate.company.person(), estate.company.jumpcloud_group()
    estate.ended(estate.revoke(email, group(team)))
    assert not estate.company.in_jumpcloud(email, team)


@pytest.mark.parametrize(
    ("entitlement", "said"),
    [
        ("jumpcloud:group:no-such-team:member", "no-such-team"),
        ("jira:project-role:PAY:Develoopers:assigned", "Developers"),
    ],
)
def test_what_names_nothing_is_refused_with_what_is_near(estate: Estate, entitlement: str, said: str) -> None:
    refused = estate.ended(estate.grant(estate.company.person(), entitlement), "refused")
    assert said in (refused.reason or "")


def test_what_names_two_things_is_refused_with_both(estate: Estate) -> None:
    email = estate.company.person()
    for name in ("Twin Team", "twin team"):
        estate.company.jira_group(name)
    refused = estate.ended(estate.grant(email, "jira:group:TWIN TEAM:member"), "refused")
    assert "matches more than one" in (refused.reason or "")
    assert "twin team" in (refused.reason or "")


def test_somebody_nobody_knows_is_refused(estate: Estate) -> None:
    refused = estate.ended(estate.grant("nobody@example.com", group(estate.company.jumpcloud_group())), "refused")
    assert "nobody@example.com" in (refused.reason or "")
