"""Scenarios of access that only a person can change: each becomes a ticket, and is done when the system shows it."""

from __future__ import annotations

from access.lifecycle import RequestState
from demo.company import address
from demo.scenario import Scenario, ScenarioRun
from demo.simulator_state import Row, SimulatorState, text_of
from demo.simulators import Simulator
from demo.ticket_worker import TicketAction


def _department(run: ScenarioRun, person: str, department: str) -> TicketAction:
    def change() -> None:
        run.environment.jumpcloud.act("change_user", user=address(person), department=department)
        run.environment.jumpcloud.act("evaluate_rules")

    return TicketAction(change, says=f"set the department to {department}, so that the rule agrees")


def _dynamic_add(run: ScenarioRun) -> None:
    run.answers(_department(run, "ken", "Platform"))
    run.send(run.request("grant", "ken", "jumpcloud:group:Platform department:member"))
    _by_ticket(run)
    run.sees("Ken is in the dynamic group", lambda state: state.in_jumpcloud_group("ken", "Platform department"))


def _dynamic_remove(run: ScenarioRun) -> None:
    run.answers(_department(run, "robin", "Product"))
    run.send(run.request("revoke", "robin", "jumpcloud:group:Platform department:member"))
    _by_ticket(run)
    run.sees("Robin left the dynamic group", lambda state: not state.in_jumpcloud_group("robin", "Platform department"))


def _membership(jira: Simulator, verb: str, group: str, person: str) -> TicketAction:
    where = "at the identity provider" if group.startswith("okta") else "in the administration"
    return TicketAction(lambda: jira.act(verb, group=group, account=address(person)), says=f"changed the group {where}")


def _group_add(group: str, person: str) -> Scenario:
    def steps(run: ScenarioRun) -> None:
        run.answers(_membership(run.environment.jira, "add_member", group, person))
        run.send(run.request("grant", person, f"jira:group:{group}:member"))
        _by_ticket(run)
        run.sees(f"{person.title()} is in Jira group {group}", lambda state: state.in_jira_group(person, group))

    kind = "identity-provider" if group.startswith("okta") else "protected"
    return Scenario(
        f"{kind}-add", f"{kind.capitalize()} group: add a member", "a ticket; verified in Jira, done", steps
    )


def _group_remove(group: str, person: str) -> Scenario:
    def steps(run: ScenarioRun) -> None:
        run.answers(_membership(run.environment.jira, "remove_member", group, person))
        run.send(run.request("revoke", person, f"jira:group:{group}:member"))
        _by_ticket(run)
        run.sees(f"{person.title()} is not in Jira group {group}", lambda state: not state.in_jira_group(person, group))

    kind = "identity-provider" if group.startswith("okta") else "protected"
    return Scenario(
        f"{kind}-remove", f"{kind.capitalize()} group: remove a member", "a ticket; verified in Jira, done", steps
    )


def _deprovision(run: ScenarioRun) -> None:
    jira = run.environment.jira

    def leave() -> None:
        jira.act("remove_role_actor", project="PAY", role="Developers", user=address("joan"))
        jira.act("remove_member", group="release-managers", account=address("joan"))
        jira.act("deactivate", account=address("joan"))

    run.answers(TicketAction(leave, says="took roles and groups away and deactivated the account"))
    run.send(run.request("deprovision_account", "joan", system="jira"))
    run.until("ticket.opened")
    run.sees("the ticket lists group release-managers and role PAY: Developers", _lists_what_joan_holds)
    _by_ticket(run)
    run.sees("Joan's Jira account is not active", lambda state: not state.account_works("joan"))
    run.sees("Joan has no role and no group left", _joan_holds_nothing)


def _lists_what_joan_holds(state: SimulatorState) -> bool:
    (issue,) = state.tickets_of("account-deprovision")
    text = text_of(issue["values"]["description"])
    return "release-managers" in text and "PAY: Developers" in text


def _joan_holds_nothing(state: SimulatorState) -> bool:
    return not state.in_role("joan", "PAY", "Developers") and not state.in_jira_group("joan", "release-managers")


def _closed_untrue(run: ScenarioRun) -> None:
    nothing = TicketAction(says="closed the ticket as done, and did nothing")
    run.answers(nothing, _membership(run.environment.jira, "add_member", "okta-engineering", "margaret"))
    run.send(run.request("grant", "margaret", "jira:group:okta-engineering:member"))
    run.until("ticket.reopened")
    run.sees("a comment on the ticket says what is still wrong", _says_what_is_wrong)
    _by_ticket(run)
    run.sees(
        "Margaret is in Jira group okta-engineering", lambda state: state.in_jira_group("margaret", "okta-engineering")
    )


def _says_what_is_wrong(state: SimulatorState) -> bool:
    (issue,) = state.tickets_of("closed-untrue")
    said = [text_of(comment["body"]) for comment in issue["comments"]]
    return any("Closed, but not done yet" in text and "Jira does not list group" in text for text in said)


def _declined(run: ScenarioRun) -> None:
    run.answers(TicketAction(close="decline", says="closed the ticket as Won't Do"))
    run.send(run.request("grant", "hedy", "jira:group:okta-engineering:member"))
    run.ends(RequestState.FAILED)
    run.sees(
        "Hedy is not in Jira group okta-engineering", lambda state: not state.in_jira_group("hedy", "okta-engineering")
    )


def _answer_lost(run: ScenarioRun) -> None:
    jira = run.environment.jira
    run.answers(_membership(jira, "add_member", "jira-administrators", "frances"))
    fault = jira.break_down(method="POST", path="/rest/api/[23]/issue$", drop="after")
    run.send(run.request("grant", "frances", "jira:group:jira-administrators:member"))
    _by_ticket(run)
    run.sees("the answer to the creation was lost once", lambda _state: jira.played(fault) == 1, lasting=False)
    run.sees(
        "Frances is in Jira group jira-administrators",
        lambda state: state.in_jira_group("frances", "jira-administrators"),
    )


def _by_ticket(run: ScenarioRun) -> None:
    """Wait for the end, and see that there was one ticket, and that it is closed."""
    run.until("ticket.opened")
    run.ends()

    def one_and_closed(state: SimulatorState) -> bool:
        tickets: list[Row] = state.tickets_of(run.request_id)
        return len(tickets) == 1 and tickets[0]["category"] == "done"

    run.sees("there is one ticket for it, and it is closed", one_and_closed)


TICKET_SCENARIOS = (
    Scenario(
        "answer-lost",
        "The response to a ticket's creation is lost",
        "one ticket all the same; verified, done",
        _answer_lost,
        alone_until="ticket.opened",
    ),
    Scenario("dynamic-add", "Dynamic JumpCloud group: add", "a ticket; verified in JumpCloud, done", _dynamic_add),
    Scenario(
        "dynamic-remove", "Dynamic JumpCloud group: remove", "a ticket; verified in JumpCloud, done", _dynamic_remove
    ),
    _group_add("okta-engineering", "alan"),
    _group_remove("okta-engineering", "leslie"),
    _group_add("jira-administrators", "tony"),
    _group_remove("jira-administrators", "niklaus"),
    Scenario(
        "account-deprovision",
        "Deprovision a Jira account",
        "a ticket that lists its groups and roles; verified in Jira, done",
        _deprovision,
    ),
    Scenario(
        "closed-untrue",
        "Ticket closed as done, nothing was done",
        "noticed, said in a comment, the same ticket reopened; done when it is true",
        _closed_untrue,
    ),
    Scenario("declined", "Ticket closed as Won't Do", "failed, with who said no; nothing changed", _declined),
)
