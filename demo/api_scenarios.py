"""Scenarios of access that Provisor gives and takes away by API."""

from __future__ import annotations

from access.entitlements import EntitlementRef
from demo.scenario import Scenario, ScenarioRun

_FINANCE = "jumpcloud:group:Finance:member"
_RELEASE = "jira:group:release-managers:member"
_DEVELOPERS = "jira:project-role:PAY:Developers:assigned"


def _by_api(name: str, title: str, action: str, person: str, entitlement: str) -> Scenario:
    def steps(run: ScenarioRun) -> None:
        run.send(run.request(action, person, entitlement))
        run.ends()
        run.sees_access(person, entitlement, held=action == "grant")

    return Scenario(name, title, f"done by API, seen in {EntitlementRef.parse(entitlement).system.label}", steps)


def _create_account(run: ScenarioRun) -> None:
    products = ("jira-software", "jira-servicedesk")
    run.send(run.request("create_account", "linus", system="jira", products=products))
    run.ends()
    run.sees("Linus has an active Jira account", lambda state: state.account_works("linus"))
    run.sees("it has Jira and Jira Service Management", lambda state: set(products) <= state.products_of("linus"))


def _no_account(run: ScenarioRun) -> None:
    entitlement = "jira:project-role:CRM:Developers:assigned"
    run.sees("Bjarne has no Jira account", lambda state: state.account("bjarne") is None, lasting=False)
    run.send(run.request("grant", "bjarne", entitlement))
    run.ends()
    run.sees("Bjarne has an active Jira account", lambda state: state.account_works("bjarne"))
    run.sees_access("bjarne", entitlement)


API_SCENARIOS = (
    _by_api("jumpcloud-add", "JumpCloud group: add a member", "grant", "ada", "jumpcloud:group:Engineering:member"),
    _by_api("jumpcloud-remove", "JumpCloud group: remove a member", "revoke", "donald", _FINANCE),
    _by_api("jira-group-add", "Jira group: add a member", "grant", "barbara", _RELEASE),
    _by_api("jira-group-remove", "Jira group: remove a member", "revoke", "edsger", _RELEASE),
    _by_api("role-add", "Project role: add an actor", "grant", "radia", _DEVELOPERS),
    _by_api("role-remove", "Project role: remove an actor", "revoke", "katherine", _DEVELOPERS),
    Scenario("account-create", "Make a Jira account with products", "done by API, seen in Jira", _create_account),
    Scenario(
        "no-account-yet", "Role for a person without account", "the account is made first, the role then", _no_account
    ),
)
