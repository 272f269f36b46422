"""Scenes of what only a person can do: each becomes a ticket, and is done when the system shows it."""

from __future__ import annotations

from access.lifecycle import RequestState
from demo.clerk import Response
from demo.simulators import Simulator
from demo.stage import Scene, Stage
from demo.truth import Row, Truth, text_of
from demo.world import address


def _department(stage: Stage, person: str, department: str) -> Response:
    def change() -> None:
        stage.theatre.jumpcloud.act("change_user", user=address(person), department=department)
        stage.theatre.jumpcloud.act("evaluate_rules")

    return Response(change, says=f"set the department to {department}, so that the rule agrees")


def _dynamic_add(stage: Stage) -> None:
    stage.answers(_department(stage, "ken", "Platform"))
    stage.send(stage.request("grant", "ken", "jumpcloud:group:Platform department:member"))
    _by_ticket(stage)
    stage.sees("Ken is in the dynamic group", lambda truth: truth.in_jumpcloud_group("ken", "Platform department"))


def _dynamic_remove(stage: Stage) -> None:
    stage.answers(_department(stage, "robin", "Product"))
    stage.send(stage.request("revoke", "robin", "jumpcloud:group:Platform department:member"))
    _by_ticket(stage)
    stage.sees(
        "Robin left the dynamic group", lambda truth: not truth.in_jumpcloud_group("robin", "Platform department")
    )


def _membership(jira: Simulator, verb: str, group: str, person: str) -> Response:
    where = "at the identity provider" if group.startswith("okta") else "in the administration"
    return Response(lambda: jira.act(verb, group=group, account=address(person)), says=f"changed the group {where}")


def _group_add(group: str, person: str) -> Scene:
    def play(stage: Stage) -> None:
        stage.answers(_membership(stage.theatre.jira, "add_member", group, person))
        stage.send(stage.request("grant", person, f"jira:group:{group}:member"))
        _by_ticket(stage)
        stage.sees(f"{person.title()} is in Jira group {group}", lambda truth: truth.in_jira_group(person, group))

    kind = "identity-provider" if group.startswith("okta") else "protected"
    return Scene(f"{kind}-add", f"{kind.capitalize()} group: add a member", "a ticket; verified in Jira, done", play)


def _group_remove(group: str, person: str) -> Scene:
    def play(stage: Stage) -> None:
        stage.answers(_membership(stage.theatre.jira, "remove_member", group, person))
        stage.send(stage.request("revoke", person, f"jira:group:{group}:member"))
        _by_ticket(stage)
        stage.sees(
            f"{person.title()} is not in Jira group {group}", lambda truth: not truth.in_jira_group(person, group)
        )

    kind = "identity-provider" if group.startswith("okta") else "protected"
    return Scene(
        f"{kind}-remove", f"{kind.capitalize()} group: remove a member", "a ticket; verified in Jira, done", play
    )


def _deprovision(stage: Stage) -> None:
    jira = stage.theatre.jira

    def leave() -> None:
        jira.act("remove_role_actor", project="PAY", role="Developers", user=address("joan"))
        jira.act("remove_member", group="release-managers", account=address("joan"))
        jira.act("deactivate", account=address("joan"))

    stage.answers(Response(leave, says="took roles and groups away and deactivated the account"))
    stage.send(stage.request("deprovision_account", "joan", system="jira"))
    stage.until("ticket.opened")
    stage.sees("the ticket lists group release-managers and role PAY: Developers", _lists_what_joan_holds)
    _by_ticket(stage)
    stage.sees("Joan's Jira account is not active", lambda truth: not truth.account_works("joan"))
    stage.sees("Joan has no role and no group left", _joan_holds_nothing)


def _lists_what_joan_holds(truth: Truth) -> bool:
    (issue,) = truth.tickets_of("account-deprovision")
    text = text_of(issue["values"]["description"])
    return "release-managers" in text and "PAY: Developers" in text


def _joan_holds_nothing(truth: Truth) -> bool:
    return not truth.in_role("joan", "PAY", "Developers") and not truth.in_jira_group("joan", "release-managers")


def _closed_untrue(stage: Stage) -> None:
    nothing = Response(says="closed the ticket as done, and did nothing")
    stage.answers(nothing, _membership(stage.theatre.jira, "add_member", "okta-engineering", "margaret"))
    stage.send(stage.request("grant", "margaret", "jira:group:okta-engineering:member"))
    stage.until("ticket.reopened")
    stage.sees("a comment on the ticket says what is still wrong", _says_what_is_wrong)
    _by_ticket(stage)
    stage.sees(
        "Margaret is in Jira group okta-engineering", lambda truth: truth.in_jira_group("margaret", "okta-engineering")
    )


def _says_what_is_wrong(truth: Truth) -> bool:
    (issue,) = truth.tickets_of("closed-untrue")
    said = [text_of(comment["body"]) for comment in issue["comments"]]
    return any("Closed, but not done yet" in text and "Jira does not list group" in text for text in said)


def _declined(stage: Stage) -> None:
    stage.answers(Response(close="decline", says="closed the ticket as Won't Do"))
    stage.send(stage.request("grant", "hedy", "jira:group:okta-engineering:member"))
    stage.ends(RequestState.FAILED)
    stage.sees(
        "Hedy is not in Jira group okta-engineering", lambda truth: not truth.in_jira_group("hedy", "okta-engineering")
    )


def _answer_lost(stage: Stage) -> None:
    jira = stage.theatre.jira
    stage.answers(_membership(jira, "add_member", "jira-administrators", "frances"))
    fault = jira.break_down(method="POST", path="/rest/api/[23]/issue$", drop="after")
    stage.send(stage.request("grant", "frances", "jira:group:jira-administrators:member"))
    _by_ticket(stage)
    stage.sees("the answer to the creation was lost once", lambda _truth: jira.played(fault) == 1, lasting=False)
    stage.sees(
        "Frances is in Jira group jira-administrators",
        lambda truth: truth.in_jira_group("frances", "jira-administrators"),
    )


def _by_ticket(stage: Stage) -> None:
    """Wait for the end, and see that there was one ticket, and that it is closed."""
    stage.until("ticket.opened")
    stage.ends()

    def one_and_closed(truth: Truth) -> bool:
        tickets: list[Row] = truth.tickets_of(stage.request_id)
        return len(tickets) == 1 and tickets[0]["category"] == "done"

    stage.sees("there is one ticket for it, and it is closed", one_and_closed)


TICKET_SCENES = (
    Scene(
        "answer-lost",
        "Response to a ticket's creation is lost",
        "one ticket all the same; verified, done",
        _answer_lost,
        alone_until="ticket.opened",
    ),
    Scene("dynamic-add", "Dynamic JumpCloud group: add", "a ticket; verified in JumpCloud, done", _dynamic_add),
    Scene(
        "dynamic-remove", "Dynamic JumpCloud group: remove", "a ticket; verified in JumpCloud, done", _dynamic_remove
    ),
    _group_add("okta-engineering", "alan"),
    _group_remove("okta-engineering", "leslie"),
    _group_add("jira-administrators", "tony"),
    _group_remove("jira-administrators", "niklaus"),
    Scene(
        "account-deprovision",
        "Deprovision a Jira account",
        "a ticket that lists its groups and roles; verified in Jira, done",
        _deprovision,
    ),
    Scene(
        "closed-untrue",
        "Ticket closed as done, nothing was done",
        "noticed, said in a comment, the same ticket reopened; done when it is true",
        _closed_untrue,
    ),
    Scene("declined", "Ticket closed as Won't Do", "failed, with who said no; nothing changed", _declined),
)
