"""Scenarios of access that only a person can change: each becomes a ticket, and is done when the system shows it."""

from __future__ import annotations

from access.entitlements import EntitlementRef, System
from access.lifecycle import RequestState
from demo.company import REQUIRED_FIELD, address
from demo.scenario import Scenario, ScenarioRun
from demo.simulator_state import SimulatorState, text_of
from demo.ticket_worker import TicketAction

_DYNAMIC = "jumpcloud:group:Platform department:member"
_OKTA = "jira:group:okta-engineering:member"
_PROTECTED = "jira:group:jira-administrators:member"


def _by_ticket(name: str, title: str, action: str, person: str, entitlement: str) -> Scenario:
    def steps(run: ScenarioRun) -> None:
        run.answers(_membership(run, action, person, entitlement))
        run.send(run.request(action, person, entitlement))
        _ends_with_one_ticket(run)
        run.sees_access(person, entitlement, held=action == "grant")
        team = "Workplace" if EntitlementRef.parse(entitlement).system is System.JIRA else "Directory"
        _sees_ticket_of_the_company(run, team, own_words=action == "grant")

    return Scenario(name, title, f"a ticket; verified in {EntitlementRef.parse(entitlement).system.label}, done", steps)


def _membership(run: ScenarioRun, action: str, person: str, entitlement: str) -> TicketAction:
    """What the agent does for a change of a group that Provisor must not or cannot change."""
    ref = EntitlementRef.parse(entitlement)
    if ref.system is System.JUMPCLOUD:
        department = "Platform" if action == "grant" else "Product"

        def change() -> None:
            run.environment.jumpcloud.act("change_user", user=address(person), department=department)
            run.environment.jumpcloud.act("evaluate_rules")

        return TicketAction(change, says=f"set the department to {department}, so that the rule agrees")
    verb, (group,) = "add_member" if action == "grant" else "remove_member", ref.path
    where = "at the identity provider" if entitlement == _OKTA else "in the administration"
    return TicketAction(
        lambda: run.environment.jira.act(verb, group=group, account=address(person)), says=f"changed the group {where}"
    )


def _sees_ticket_of_the_company(run: ScenarioRun, team: str, *, own_words: bool) -> None:
    """See that the ticket has the field that the project requires, and the words of the company's template."""

    def has_its_team(state: SimulatorState) -> bool:
        (issue,) = state.tickets_of(run.request_id)
        return any(value.get("value") == team for value in issue["values"].values() if isinstance(value, dict))

    def is_in_own_words(state: SimulatorState) -> bool:
        (issue,) = state.tickets_of(run.request_id)
        return issue["summary"].startswith("Access desk: give") and "Dear access desk" in text_of(
            issue["values"]["description"]
        )

    run.sees(f"the ticket has the field that the project requires: {REQUIRED_FIELD['name']} {team}", has_its_team)
    if own_words:
        run.sees("the ticket is in the words of the company's own template", is_in_own_words)


def _ends_with_one_ticket(run: ScenarioRun) -> None:
    """Wait for the end, and see that there was one ticket, and that it is closed."""
    run.until("ticket.opened")
    run.ends()

    def one_and_closed(state: SimulatorState) -> bool:
        return [ticket["category"] for ticket in state.tickets_of(run.request_id)] == ["done"]

    run.sees("there is one ticket for it, and it is closed", one_and_closed)


def _deprovision(run: ScenarioRun) -> None:
    jira = run.environment.jira

    def leave() -> None:
        jira.act("remove_role_actor", project="PAY", role="Developers", user=address("joan"))
        jira.act("remove_member", group="release-managers", account=address("joan"))
        jira.act("deactivate", account=address("joan"))

    def lists_what_joan_holds(state: SimulatorState) -> bool:
        (issue,) = state.tickets_of(run.request_id)
        text = text_of(issue["values"]["description"])
        return "release-managers" in text and "PAY: Developers" in text

    run.answers(TicketAction(leave, says="took roles and groups away and deactivated the account"))
    run.send(run.request("deprovision_account", "joan", system="jira"))
    run.until("ticket.opened")
    run.sees("the ticket lists group release-managers and role PAY: Developers", lists_what_joan_holds)
    _ends_with_one_ticket(run)
    run.sees("Joan's Jira account is not active", lambda state: not state.account_works("joan"))
    run.sees_access("joan", "jira:project-role:PAY:Developers:assigned", held=False)
    run.sees_access("joan", "jira:group:release-managers:member", held=False)


def _closed_untrue(run: ScenarioRun) -> None:
    def says_what_is_wrong(state: SimulatorState) -> bool:
        (issue,) = state.tickets_of(run.request_id)
        said = [text_of(comment["body"]) for comment in issue["comments"]]
        return any("Closed, but not done yet" in text and "Jira does not list group" in text for text in said)

    nothing = TicketAction(says="closed the ticket as done, and did nothing")
    run.answers(nothing, _membership(run, "grant", "margaret", _OKTA))
    run.send(run.request("grant", "margaret", _OKTA))
    run.until("ticket.reopened")
    run.sees("a comment on the ticket says what is still wrong", says_what_is_wrong)
    _ends_with_one_ticket(run)
    run.sees_access("margaret", _OKTA)


def _declined(run: ScenarioRun) -> None:
    run.answers(TicketAction(close="decline", says="closed the ticket as Won't Do"))
    run.send(run.request("grant", "hedy", _OKTA))
    run.ends(RequestState.FAILED)
    run.sees_access("hedy", _OKTA, held=False)


def _answer_lost(run: ScenarioRun) -> None:
    jira = run.environment.jira
    run.answers(_membership(run, "grant", "frances", _PROTECTED))
    fault = jira.break_down(method="POST", path="/rest/api/[23]/issue$", drop="after")
    run.send(run.request("grant", "frances", _PROTECTED))
    _ends_with_one_ticket(run)
    run.sees("the answer to the creation was lost once", lambda _state: jira.played(fault) == 1, lasting=False)
    run.sees_access("frances", _PROTECTED)


TICKET_SCENARIOS = (
    Scenario(
        "answer-lost",
        "The response to a ticket's creation is lost",
        "one ticket all the same; verified, done",
        _answer_lost,
        alone_until="ticket.opened",
    ),
    _by_ticket("dynamic-add", "Dynamic JumpCloud group: add", "grant", "ken", _DYNAMIC),
    _by_ticket("dynamic-remove", "Dynamic JumpCloud group: remove", "revoke", "robin", _DYNAMIC),
    _by_ticket("identity-provider-add", "Identity-provider group: add a member", "grant", "alan", _OKTA),
    _by_ticket("identity-provider-remove", "Identity-provider group: remove a member", "revoke", "leslie", _OKTA),
    _by_ticket("protected-add", "Protected group: add a member", "grant", "tony", _PROTECTED),
    _by_ticket("protected-remove", "Protected group: remove a member", "revoke", "niklaus", _PROTECTED),
    Scenario(
        "account-deprovision",
        "Deprovision a Jira account",
        "a ticket that lists groups and roles; verified, done",
        _deprovision,
    ),
    Scenario(
        "closed-untrue",
        "Ticket closed, nothing was done",
        "a comment says so, the ticket is reopened; then done",
        _closed_untrue,
    ),
    Scenario("declined", "Ticket closed as Won't Do", "failed, with who said no; nothing changed", _declined),
)
