"""Scenarios of Provisor's promises about time, messages, policy and failures."""

from __future__ import annotations

from access.lifecycle import RequestState
from demo.scenario import Scenario, ScenarioRun, UnexpectedOutcome


def _expires(run: ScenarioRun) -> None:
    run.send(run.request("grant", "mary", "jumpcloud:group:Engineering:member", duration="PT2S"))
    run.ends()
    run.sees("Mary is in Engineering", lambda state: state.in_jumpcloud_group("mary", "Engineering"), lasting=False)
    run.until("claim.ended")
    run.sees("Mary is not in Engineering any more", lambda state: not state.in_jumpcloud_group("mary", "Engineering"))


def _overlap(run: ScenarioRun) -> None:
    first, second = (f"{place}-claim" for place in ("first", "second"))
    entitlement = "jira:project-role:CRM:Approvers:assigned"
    run.send(
        run.request("grant", "dennis", entitlement, id=first, duration="PT2S"),
        run.request("grant", "dennis", entitlement, id=second, duration="PT6S"),
    )
    run.ends(request_id=first)
    run.ends(request_id=second)
    run.until("claim.ended", request_id=first)
    run.sees(
        "Dennis is still an Approver of CRM when the first claim has ended",
        lambda state: state.in_role("dennis", "CRM", "Approvers"),
        lasting=False,
    )
    run.until("claim.ended", request_id=second)
    run.sees(
        "Dennis is no Approver of CRM when the last has", lambda state: not state.in_role("dennis", "CRM", "Approvers")
    )


def _pre_existing(run: ScenarioRun) -> None:
    run.send(run.request("grant", "tim", "jumpcloud:group:On-call:member", duration="PT2S"))
    run.ends()
    run.until("claim.ended")
    run.sees("Tim, who was in On-call before, still is", lambda state: state.in_jumpcloud_group("tim", "On-call"))


def _duplicate(run: ScenarioRun) -> None:
    body = run.request("grant", "annie", "jumpcloud:group:Finance:member")
    run.send(body, body)
    run.ends()
    run.send(body)
    run.sees(
        "Annie was added to Finance once, and is in it",
        lambda state: (
            state.in_jumpcloud_group("annie", "Finance") and state.additions_to_jumpcloud_group("annie", "Finance") == 1
        ),
    )


def _malformed(run: ScenarioRun) -> None:
    run.send(b'{"action": "grant", "subject": {"email": "karen@northwind.example"}, "entitlement": ')
    run.until_rejected("not JSON")
    run.sees("nothing was given to Karen", lambda state: not state.in_jumpcloud_group("karen", "Finance"))


def _conflict(run: ScenarioRun) -> None:
    run.send(
        run.request("grant", "karen", "jumpcloud:group:On-call:member"),
        run.request("grant", "karen", "jumpcloud:group:Finance:member"),
    )
    run.ends()
    run.until_rejected("A different request with the id 'conflict'")
    run.sees("Karen is in On-call, as the first one asked", lambda state: state.in_jumpcloud_group("karen", "On-call"))
    run.sees(
        "Karen is not in Finance, as the second one asked",
        lambda state: not state.in_jumpcloud_group("karen", "Finance"),
    )


def _refused_by_policy(run: ScenarioRun) -> None:
    run.send(run.request("grant", "john", "jira:project-role:PAY:Administrators:assigned"))
    row = run.ends(RequestState.REFUSED)
    _mentions(row.detail["reason"], "at most 1:00:00")
    run.sees("John is no Administrator of PAY", lambda state: not state.in_role("john", "PAY", "Administrators"))


def _no_such_name(run: ScenarioRun) -> None:
    run.send(run.request("grant", "john", "jumpcloud:group:Enginering:member"))
    row = run.ends(RequestState.REFUSED)
    _mentions(row.detail["reason"], "did you mean Engineering")
    run.sees("John is not in Engineering", lambda state: not state.in_jumpcloud_group("john", "Engineering"))


def _heals(run: ScenarioRun) -> None:
    jira = run.environment.jira
    users = next(role["id"] for role in jira.state()["roles"] if role["name"] == "Users")
    times = 3
    fault = jira.break_down(method="POST", path=f"/role/{users}$", status=503, times=times)
    run.send(run.request("grant", "mary", "jira:project-role:PAY:Users:assigned"))
    run.ends()
    run.sees("Jira answered 503 three times before", lambda _state: jira.played(fault) == times, lasting=False)
    run.sees("Mary is in role Users of PAY", lambda state: state.in_role("mary", "PAY", "Users"))


def _mentions(reason: str, words: str) -> None:
    if words not in reason:
        raise UnexpectedOutcome(f"The reason does not say '{words}': {reason}")


PROMISE_SCENARIOS = (
    Scenario("expires", "Access for two seconds", "given, and taken away when the time is up", _expires),
    Scenario(
        "overlap",
        "Two claims of one person on one role",
        "the first to end leaves the access, the last takes it",
        _overlap,
    ),
    Scenario("pre-existing", "Expiry of what was there before", "the access stays", _pre_existing),
    Scenario("duplicate", "The same message three times", "one effect", _duplicate),
    Scenario("malformed", "A message that is no JSON", "a dead letter with the reason", _malformed),
    Scenario("conflict", "Another request under the same id", "the first is done, the second a dead letter", _conflict),
    Scenario("policy", "Administrator for good", "refused by policy, with the rule and the reason", _refused_by_policy),
    Scenario("misspelled", "A group that does not exist", "refused, naming the one that may be meant", _no_such_name),
    Scenario("heals", "Jira answers 503 three times", "tried again, done, seen in Jira", _heals),
)
