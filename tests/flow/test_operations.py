"""Every row of the table of operations, over HTTP: by API where it can be, by ticket where it cannot."""

from __future__ import annotations

import pytest

from access.methods import Method
from simulator.systems import act
from tests.flow.simulated_stack import SimulatedStack


def group(group_id: str) -> str:
    return f"jumpcloud:group:{group_id}:member"


def test_a_jumpcloud_group_of_any_name_gets_a_member_and_loses_it(stack: SimulatedStack) -> None:
    email, team = stack.company.person(), stack.company.jumpcloud_group("Blue: 100%")
    name = stack.company.group_name(team).replace("%", "%25").replace(":", "%3A")
    given = stack.ended(stack.grant(email, group(name)))
    assert stack.company.in_jumpcloud(email, team)
    assert stack.operations(given.id)[0].evidence
    stack.ended(stack.revoke(email, group(team)))
    assert not stack.company.in_jumpcloud(email, team)


def test_a_member_of_a_dynamic_group_is_asked_for_by_ticket(stack: SimulatedStack) -> None:
    email = stack.company.person()
    team = stack.company.jumpcloud_group("rule", membershipMethod="DYNAMIC_AUTOMATED")
    request = stack.grant(email, group(team))
    ticket = stack.ticket(request)
    assert stack.operations(request)[0].via is Method.TICKET
    assert email in stack.text(ticket)


@pytest.mark.parametrize("kind", ["group", "role"])
def test_a_jira_group_or_role_gets_a_member_and_loses_it(stack: SimulatedStack, kind: str) -> None:
    email, team = stack.company.person(), stack.company.jira_group()
    entitlement = f"jira:group:{team}:member" if kind == "group" else "jira:project-role:PAY:Developers:assigned"

    def has_it() -> bool:
        return stack.company.in_jira(email, team) if kind == "group" else stack.company.in_role(email)

    stack.ended(stack.grant(email, entitlement))
    assert has_it()
    stack.ended(stack.revoke(email, entitlement))
    assert not has_it()


def test_a_protected_jira_group_is_left_to_a_person(stack: SimulatedStack) -> None:
    email, team = stack.company.person(), stack.company.jira_group("crown-jewels")
    request = stack.grant(email, f"jira:group:{team}:member")
    ticket = stack.ticket(request)
    act(stack.company.jira, "add_member", group=team, account=email)
    act(stack.company.jira, "done", issue=ticket.issue_key)
    stack.ended(request)
    assert stack.tickets(request)[0].state == "verified"


def test_a_jira_account_is_made_with_its_products(stack: SimulatedStack) -> None:
    email = stack.company.person(jira=False)
    stack.ended(stack.ask("create_account", email, system="jira", products=["jira-software"]))
    made = stack.company.jira.user(email)
    access = stack.company.jira.administration.access_groups(["jira-software"])[0]
    assert stack.company.jira.directory.is_member(access, made.account_id)


def test_a_person_without_an_account_gets_one_first(stack: SimulatedStack) -> None:
    email = stack.company.person(jira=False)
    request = stack.grant(email, "jira:project-role:PAY:Developers:assigned")
    stack.ended(request)
    assert [str(operation.entitlement.kind) for operation in stack.operations(request)] == ["account", "project-role"]
    assert stack.company.in_role(email)


def test_an_account_that_policy_leaves_to_a_person_is_waited_for(stack: SimulatedStack) -> None:
    email = stack.company.person(jira=False)
    request = stack.grant(email, "jira:project-role:PAY:Viewers:assigned")
    ticket = stack.ticket(request)
    assert [str(operation.state) for operation in stack.operations(request)] == ["with_person", "waiting"]
    act(stack.company.jira, "create_user", email=email, name="Made by hand")
    act(stack.company.jira, "done", issue=ticket.issue_key)
    stack.ended(request)
    assert stack.company.in_role(email, "Viewers")


def test_an_account_is_deprovisioned_by_a_ticket_that_lists_what_it_holds(stack: SimulatedStack) -> None:
    email, team = stack.company.person(), stack.company.jira_group()
    act(stack.company.jira, "add_member", group=team, account=email)
    act(stack.company.jira, "add_role_actor", project="PAY", role="Developers", user=email)
    request = stack.ask("deprovision_account", email, system="jira")
    ticket = stack.ticket(request)
    text = stack.text(ticket)
    assert team in text
    assert "Developers" in text
    act(stack.company.jira, "deactivate", account=email)
    act(stack.company.jira, "done", issue=ticket.issue_key)
    stack.ended(request)


def test_a_jumpcloud_account_is_deprovisioned_by_a_ticket_that_lists_its_groups(stack: SimulatedStack) -> None:
    email, team = stack.company.person(), stack.company.jumpcloud_group("holds")
    act(stack.company.jumpcloud, "add_member", group=team, user=email)
    request = stack.ask("deprovision_account", email, system="jumpcloud")
    ticket = stack.ticket(request)
    assert stack.company.group_name(team) in stack.text(ticket)


def test_what_cannot_be_seen_is_not_believed_for_ever_and_ends_with_the_operator(stack: SimulatedStack) -> None:
    """JumpCloud's API shows us no administrator's roles: however often somebody says so, there is no proof."""
    email = stack.company.person()
    request = stack.grant(email, "jumpcloud:admin-role:Help Desk:assigned")
    for _ in range(3):
        ticket = stack.ticket(request)
        act(stack.company.jira, "done", issue=ticket.issue_key)
        stack.until(lambda: stack.tickets(request)[-1].state != "open")
        if stack.tickets(request)[-1].state == "answered":
            stack.until(lambda: stack.tickets(request)[-1].state != "answered")
    failed = stack.ended(request, "failed")
    assert "it cannot be seen" in (failed.reason or "")


def test_an_application_is_given_and_taken_through_the_one_group_that_policy_names(stack: SimulatedStack) -> None:
    company, jumpcloud = stack.company, stack.company.jumpcloud
    application = act(jumpcloud, "add_application", name="crm", displayLabel="Crm")["id"]
    group = str(act(jumpcloud, "add_group", name="Crm users")["id"])
    act(jumpcloud, "bind_application", application=application, group=group)
    email = company.person(jira=False)
    request = stack.grant(email, "jumpcloud:application:Crm:assigned")
    stack.ended(request)
    assert (stack.operations(request)[0].via, company.in_jumpcloud(email, group)) == (Method.PROPAGATION, True)
    gone = stack.revoke(email, "jumpcloud:application:Crm:assigned")
    stack.ended(gone)
    assert not company.in_jumpcloud(email, group)
    assert stack.tickets(request) + stack.tickets(gone) == []


def test_without_a_group_in_policy_an_application_is_refused_with_those_that_are_bound_to_it(
    stack: SimulatedStack,
) -> None:
    jumpcloud = stack.company.jumpcloud
    application = act(jumpcloud, "add_application", name="wiki", displayLabel="Wiki")["id"]
    group = stack.company.jumpcloud_group("wiki")
    act(jumpcloud, "bind_application", application=application, group=group)
    refused = stack.ended(stack.grant(stack.company.person(), "jumpcloud:application:Wiki:assigned"), "refused")
    assert f"{stack.company.group_name(group)} ({group})" in (refused.reason or "")


def test_what_is_so_already_is_success_and_remembered_as_found(stack: SimulatedStack) -> None:
    email, team = stack.company.person(), stack.company.jira_group()
    act(stack.company.jira, "add_member", group=team, account=email)
    request = stack.grant(email, f"jira:group:{team}:member", duration="PT1S")
    stack.ended(request)
    assert stack.claim(request).pre_existing
    stack.claim_ended(request)
    assert stack.company.in_jira(email, team)


@pytest.mark.parametrize(
    ("entitlement", "said"),
    [
        ("jumpcloud:group:no-such-team:member", "no-such-team"),
        ("jira:project-role:PAY:Develoopers:assigned", "Developers"),
    ],
)
def test_what_names_nothing_is_refused_with_what_is_near(stack: SimulatedStack, entitlement: str, said: str) -> None:
    refused = stack.ended(stack.grant(stack.company.person(), entitlement), "refused")
    assert said in (refused.reason or "")
