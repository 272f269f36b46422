"""Scenarios of access that Provisor gives and takes away by API."""

from __future__ import annotations

from demo.scenario import Scenario, ScenarioRun


def _jumpcloud_add(run: ScenarioRun) -> None:
    run.send(run.request("grant", "ada", "jumpcloud:group:Engineering:member"))
    run.ends()
    run.sees("Ada is in JumpCloud group Engineering", lambda state: state.in_jumpcloud_group("ada", "Engineering"))


def _jumpcloud_remove(run: ScenarioRun) -> None:
    run.send(run.request("revoke", "donald", "jumpcloud:group:Finance:member"))
    run.ends()
    run.sees(
        "Donald is not in JumpCloud group Finance", lambda state: not state.in_jumpcloud_group("donald", "Finance")
    )


def _jira_group_add(run: ScenarioRun) -> None:
    run.send(run.request("grant", "barbara", "jira:group:release-managers:member"))
    run.ends()
    run.sees(
        "Barbara is in Jira group release-managers", lambda state: state.in_jira_group("barbara", "release-managers")
    )


def _jira_group_remove(run: ScenarioRun) -> None:
    run.send(run.request("revoke", "edsger", "jira:group:release-managers:member"))
    run.ends()
    run.sees(
        "Edsger is not in Jira group release-managers",
        lambda state: not state.in_jira_group("edsger", "release-managers"),
    )


def _role_add(run: ScenarioRun) -> None:
    run.send(run.request("grant", "radia", "jira:project-role:PAY:Developers:assigned"))
    run.ends()
    run.sees("Radia is a Developer of PAY", lambda state: state.in_role("radia", "PAY", "Developers"))


def _role_remove(run: ScenarioRun) -> None:
    run.send(run.request("revoke", "katherine", "jira:project-role:PAY:Developers:assigned"))
    run.ends()
    run.sees("Katherine is no Developer of PAY", lambda state: not state.in_role("katherine", "PAY", "Developers"))


def _create_account(run: ScenarioRun) -> None:
    products = ("jira-software", "jira-servicedesk")
    run.send(run.request("create_account", "linus", system="jira", products=products))
    run.ends()
    run.sees("Linus has an active Jira account", lambda state: state.account_works("linus"))
    run.sees("it has Jira and Jira Service Management", lambda state: set(products) <= state.products_of("linus"))


def _no_account(run: ScenarioRun) -> None:
    run.sees("Bjarne has no Jira account", lambda state: state.account("bjarne") is None, lasting=False)
    run.send(run.request("grant", "bjarne", "jira:project-role:CRM:Developers:assigned"))
    run.ends()
    run.sees("Bjarne has an active Jira account", lambda state: state.account_works("bjarne"))
    run.sees("Bjarne is a Developer of CRM", lambda state: state.in_role("bjarne", "CRM", "Developers"))


API_SCENARIOS = (
    Scenario("jumpcloud-add", "JumpCloud group: add a member", "done by API, seen in JumpCloud", _jumpcloud_add),
    Scenario(
        "jumpcloud-remove", "JumpCloud group: remove a member", "done by API, seen in JumpCloud", _jumpcloud_remove
    ),
    Scenario("jira-group-add", "Jira group: add a member", "done by API, seen in Jira", _jira_group_add),
    Scenario("jira-group-remove", "Jira group: remove a member", "done by API, seen in Jira", _jira_group_remove),
    Scenario("role-add", "Project role: add an actor", "done by API, seen in Jira", _role_add),
    Scenario("role-remove", "Project role: remove an actor", "done by API, seen in Jira", _role_remove),
    Scenario("account-create", "Make a Jira account with products", "done by API, seen in Jira", _create_account),
    Scenario(
        "no-account-yet",
        "Role for a person without an account",
        "the account is made first, then the role",
        _no_account,
    ),
)
