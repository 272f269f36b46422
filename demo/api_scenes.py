"""Scenes of what the APIs can do, both ways."""

from __future__ import annotations

from demo.stage import Scene, Stage


def _jumpcloud_add(stage: Stage) -> None:
    stage.send(stage.request("grant", "ada", "jumpcloud:group:Engineering:member"))
    stage.ends()
    stage.sees("Ada is in JumpCloud group Engineering", lambda truth: truth.in_jumpcloud_group("ada", "Engineering"))


def _jumpcloud_remove(stage: Stage) -> None:
    stage.send(stage.request("revoke", "donald", "jumpcloud:group:Finance:member"))
    stage.ends()
    stage.sees(
        "Donald is not in JumpCloud group Finance", lambda truth: not truth.in_jumpcloud_group("donald", "Finance")
    )


def _jira_group_add(stage: Stage) -> None:
    stage.send(stage.request("grant", "barbara", "jira:group:release-managers:member"))
    stage.ends()
    stage.sees(
        "Barbara is in Jira group release-managers", lambda truth: truth.in_jira_group("barbara", "release-managers")
    )


def _jira_group_remove(stage: Stage) -> None:
    stage.send(stage.request("revoke", "edsger", "jira:group:release-managers:member"))
    stage.ends()
    stage.sees(
        "Edsger is not in Jira group release-managers",
        lambda truth: not truth.in_jira_group("edsger", "release-managers"),
    )


def _role_add(stage: Stage) -> None:
    stage.send(stage.request("grant", "radia", "jira:project-role:PAY:Developers:assigned"))
    stage.ends()
    stage.sees("Radia is a Developer of PAY", lambda truth: truth.in_role("radia", "PAY", "Developers"))


def _role_remove(stage: Stage) -> None:
    stage.send(stage.request("revoke", "katherine", "jira:project-role:PAY:Developers:assigned"))
    stage.ends()
    stage.sees("Katherine is no Developer of PAY", lambda truth: not truth.in_role("katherine", "PAY", "Developers"))


def _create_account(stage: Stage) -> None:
    products = ("jira-software", "jira-servicedesk")
    stage.send(stage.request("create_account", "linus", system="jira", products=products))
    stage.ends()
    stage.sees("Linus has an active Jira account", lambda truth: truth.account_works("linus"))
    stage.sees("it has Jira and Jira Service Management", lambda truth: set(products) <= truth.products_of("linus"))


def _no_account(stage: Stage) -> None:
    stage.sees("Bjarne has no Jira account", lambda truth: truth.account("bjarne") is None, lasting=False)
    stage.send(stage.request("grant", "bjarne", "jira:project-role:CRM:Developers:assigned"))
    stage.ends()
    stage.sees("Bjarne has an active Jira account", lambda truth: truth.account_works("bjarne"))
    stage.sees("Bjarne is a Developer of CRM", lambda truth: truth.in_role("bjarne", "CRM", "Developers"))


API_SCENES = (
    Scene("jumpcloud-add", "JumpCloud group: add a member", "done by API, seen in JumpCloud", _jumpcloud_add),
    Scene("jumpcloud-remove", "JumpCloud group: remove a member", "done by API, seen in JumpCloud", _jumpcloud_remove),
    Scene("jira-group-add", "Jira group: add a member", "done by API, seen in Jira", _jira_group_add),
    Scene("jira-group-remove", "Jira group: remove a member", "done by API, seen in Jira", _jira_group_remove),
    Scene("role-add", "Project role: add an actor", "done by API, seen in Jira", _role_add),
    Scene("role-remove", "Project role: remove an actor", "done by API, seen in Jira", _role_remove),
    Scene("account-create", "Make a Jira account with products", "done by API, seen in Jira", _create_account),
    Scene(
        "no-account-yet",
        "Role for a person without an account",
        "the account is made first, then the role",
        _no_account,
    ),
)
